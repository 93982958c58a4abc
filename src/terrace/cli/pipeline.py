"""`terrace pipeline`: run a model's pipeline, follow it, and see what its runs cost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from terrace.cli.options import common, env_argument, root_option

if TYPE_CHECKING:
    from terrace.executions import Execution
    from terrace.job_logs import Line
    from terrace.maturity import ModelContract
    from terrace.target import Target

execution_option = click.option(
    "--execution", metavar="ID", help="ARN, id or the beginning of the id of an execution; without it, the latest."
)


@click.group()
def pipeline() -> None:
    """Run a model's pipeline, follow it, and see what its runs cost."""


@pipeline.command()
@click.argument("model")
@env_argument
@click.option(
    "--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the run; may be repeated."
)
@click.option("--no-wait", is_flag=True, help="Start it, say how to follow it, and end.")
@root_option
@common
def run(model: str, env: str, given: tuple[str, ...], no_wait: bool, root: Path | None, as_json: bool) -> None:
    """Run the pipeline of a model and show its steps until it has ended.

    It ends with a registered version, with the reason for which the gate refused the model, or with the step that
    failed. Interrupting the command leaves the run going.
    """
    from terrace import executions, pipelines

    parameters = _parameters(given)
    target, contract = _open(root, env, model)
    arn = pipelines.start(target, contract, parameters)
    click.echo(f"started {arn.rpartition('/')[2]} of {pipelines.pipeline_name(contract)}", err=True)
    if no_wait:
        execution = executions.read(target, arn)
        if as_json:
            click.echo(json.dumps({**execution.to_json(), "outcome": None}, indent=2))
            return
        click.echo(execution.id)
        click.echo(f"Follow it with: terrace pipeline logs {model} {env} --execution {execution.id} --follow", err=True)
        return
    _finish(target, contract, _watch(target, contract, arn, as_json), as_json)


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@root_option
@common
def status(model: str, env: str, execution: str | None, root: Path | None, as_json: bool) -> None:
    """Show an execution: its steps, their times, what was taken over, and why what failed did."""
    from terrace import executions, pipelines
    from terrace.cli.steps import duration, lines
    from terrace.outcomes import outcome, starter

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution))
    came, by = outcome(found), starter(found, contract.watched_prefix)
    if as_json:
        who = {"kind": by.kind, "who": by.text}
        click.echo(json.dumps({**found.to_json(), "started_by": who, "outcome": came.to_json()}, indent=2))
        return
    click.echo(f"{found.id}: {found.status}, {duration(found.seconds)}, started {_when(found.started)}")
    click.echo(f"  by {by.kind}: {by.text}")
    if found.parameters:
        click.echo(f"  with {', '.join(f'{name}={value}' for name, value in found.parameters.items())}")
    for line in lines(found):
        click.echo(line)
    click.echo(came.text)


@pipeline.command()
@click.argument("model")
@env_argument
@click.option("--step", metavar="NAME", help="Only the lines of this step.")
@execution_option
@click.option("--follow", is_flag=True, help="Go on as lines are written, until the run has ended.")
@root_option
@common
def logs(
    model: str, env: str, step: str | None, execution: str | None, follow: bool, root: Path | None, as_json: bool
) -> None:
    """Show what the jobs of an execution wrote, from CloudWatch Logs."""
    from terrace import executions, job_logs, pipelines
    from terrace.errors import ProjectError

    target, contract = _open(root, env, model)
    arn = pipelines.find(target, contract, execution)
    found = executions.read(target, arn)
    if step is not None and found.step(step) is None and (found.over or not follow):
        began = ", ".join(one.name for one in found.steps) or "none"
        raise ProjectError(f"The execution {found.id} has no step {step} that began.", f"Steps that began: {began}.")
    reader = job_logs.Reader(target, step)
    read: list[Line] = []

    def tell(line: Line) -> None:
        if as_json:
            read.append(line)
        else:
            click.echo(line.text if step else f"{line.step}  {line.text}")

    if follow:
        try:
            job_logs.follow(target, arn, reader, tell)
        except KeyboardInterrupt:
            raise _left(contract, found) from None
    else:
        for line in reader.new(found):
            tell(line)
    if as_json:
        click.echo(json.dumps({"execution": arn, "lines": [line.to_json() for line in read]}, indent=2))


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@root_option
@common
def stop(model: str, env: str, execution: str | None, root: Path | None, as_json: bool) -> None:
    """Stop an execution, and the jobs that it runs."""
    from terrace import executions, pipelines

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution))
    pipelines.stop(target, found)
    now = _watch(target, contract, found.arn, as_json)
    if as_json:
        click.echo(json.dumps(now.to_json(), indent=2))
        return
    click.echo(f"{now.id} is {now.status}. Go on with: terrace pipeline retry {model} {env} --execution {now.id}")


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@root_option
@common
def retry(model: str, env: str, execution: str | None, root: Path | None, as_json: bool) -> None:
    """Run an execution again from what failed or was stopped; what succeeded is kept."""
    from terrace import executions, pipelines

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution))
    pipelines.retry(target, found)
    click.echo(f"retrying {found.id}", err=True)
    _finish(target, contract, _watch(target, contract, found.arn, as_json), as_json)


@pipeline.command()
@click.argument("model")
@env_argument
@click.option("--since", metavar="DATE", help="Only runs after this day or time, in ISO 8601: 2026-11-01.")
@root_option
@common
def bill(model: str, env: str, since: str | None, root: Path | None, as_json: bool) -> None:
    """Show what ran: when, started by what, on which data, how it came out, and what it cost.

    Costs are seconds of instances at the list prices of a dated table; what it lacks is shown as unknown.
    """
    after = None if since is None else _date(since)
    from terrace.billing import read_bill

    target, contract = _open(root, env, model)
    found = read_bill(target, contract, after)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    if not found.rows:
        click.echo(f"The pipeline of {model} in {env} has not run. Run it with: terrace pipeline run {model} {env}")
    for line in found.lines() if found.rows else ():
        click.echo(line)


def _open(root: Path | None, env: str, model: str) -> tuple[Target, ModelContract]:
    from terrace.contracts import need_model
    from terrace.place import open_place

    target = open_place(root, env).target(start=False)
    return target, need_model(target, env, model)


def _parameters(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for said in given:
        name, sign, value = said.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{said!r} is not NAME=VALUE.", param_hint="--parameter")
        if name in found:
            raise click.BadParameter(f"{name} is there twice.", param_hint="--parameter")
        found[name] = value
    return found


def _date(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise click.BadParameter(f"{said!r} is no day or time: 2026-11-01.", param_hint="--since") from None
    # A listing has what is after the moment that is named; a run at that very moment is meant too.
    return found.astimezone() - timedelta(milliseconds=1)


def _when(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _watch(target: Target, contract: ModelContract, arn: str, quiet: bool) -> Execution:
    from terrace import executions, pipelines
    from terrace.cli.steps import shown

    try:
        with shown(quiet) as tell:
            return pipelines.watch(target, arn, tell)
    except KeyboardInterrupt:
        raise _left(contract, executions.read(target, arn)) from None


def _left(contract: ModelContract, execution: Execution) -> Exception:
    from terrace.errors import RunError

    named = f"{contract.model} {contract.environment} --execution {execution.id}"
    return RunError(
        f"Nobody watches any more; the run {execution.id} goes on.",
        f"Follow it with `terrace pipeline logs {named} --follow`, stop it with `terrace pipeline stop {named}`.",
        execution.to_json(),
    )


def _finish(target: Target, contract: ModelContract, execution: Execution, as_json: bool) -> None:
    """Print how an execution came out; unless it is what the pipeline is for, raise it."""
    from terrace.cli.steps import duration
    from terrace.errors import RunError
    from terrace.job_logs import tail
    from terrace.outcomes import outcome
    from terrace.versions import read_version

    came = outcome(execution)
    said: dict[str, Any] = {**execution.to_json(), "outcome": came.to_json()}
    model, env = contract.model, contract.environment
    if came.good:
        version = read_version(target, came.package) if came.package else None
        said["version"] = version.to_json() if version else None
        if as_json:
            click.echo(json.dumps(said, indent=2))
            return
        click.echo(f"{model} in {env}: {came.text} in {duration(execution.seconds)}.")
        if version is not None:
            click.echo(f"  {version.metrics_text()}")
            if version.status == "PendingManualApproval":
                click.echo(
                    f"  It waits for approval: terrace approve {model} {env} --version {version.number}", err=True
                )
        return
    if came.kind == "refused":
        # A pipeline that nobody published yet refuses to run at all, before any gate.
        gated = any(step.outcome is not None for step in execution.steps)
        who = "The gate refused the model" if gated else "The pipeline refused to run"
        raise RunError(f"{who}: {came.text}", "Nothing was registered.", said)
    named = f"{model} {env} --execution {execution.id}"
    if came.kind == "stopped":
        raise RunError(f"The run {execution.id} was stopped.", f"Go on with: terrace pipeline retry {named}", said)
    last = tail(target, came.step) if came.step else []
    for line in last:
        click.echo(f"  | {line}", err=True)
    said["log"] = last
    step = f" --step {came.step.name}" if came.step and came.step.job else ""
    raise RunError(
        f"The run {execution.id} failed: {came.text}",
        f"All it wrote: `terrace pipeline logs {named}{step}`; from the failed step on: "
        f"`terrace pipeline retry {named}`.",
        said,
    )
