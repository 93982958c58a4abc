"""`terrace pipeline`: run a model's pipeline, follow it, and see what its runs cost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from terrace.cli.following import finish, left, watch
from terrace.cli.options import common, env_argument, root_option

if TYPE_CHECKING:
    from terrace.job_logs import Line
    from terrace.maturity import ModelContract
    from terrace.target import Target

execution_option = click.option(
    "--execution", metavar="ID", help="ARN, id or the beginning of the id of an execution; without it, the latest."
)

batch_option = click.option("--batch", is_flag=True, help="The pipeline that scores, of a model in mode batch.")


@click.group()
def pipeline() -> None:
    """Run a model's pipeline, follow it, and see what its runs cost.

    That is the one that trains, or with --batch the one that scores.
    """


@pipeline.command()
@click.argument("model")
@env_argument
@click.option(
    "--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the run; may be repeated."
)
@click.option("--no-wait", is_flag=True, help="Start it, say how to follow it, and end.")
@batch_option
@root_option
@common
def run(
    model: str, env: str, given: tuple[str, ...], no_wait: bool, batch: bool, root: Path | None, as_json: bool
) -> None:
    """Run the pipeline of a model and show its steps until it has ended.

    It ends with a registered version, with the reason for which the gate refused the model, or with the step that
    failed; with --batch, with what was scored. Interrupting the command leaves the run going.
    """
    from terrace import executions, pipelines

    parameters = _parameters(given)
    target, contract = _open(root, env, model)
    arn = pipelines.start(target, contract, parameters, batch)
    click.echo(f"started {arn.rpartition('/')[2]} of {pipelines.pipeline_name(contract, batch)}", err=True)
    if no_wait:
        execution = executions.read(target, arn)
        if as_json:
            click.echo(json.dumps({**execution.to_json(), "outcome": None}, indent=2))
            return
        named = pipelines.named(contract, batch)
        click.echo(execution.id)
        click.echo(f"Follow it with: terrace pipeline logs {named} --execution {execution.id} --follow", err=True)
        return
    finish(target, contract, watch(target, contract, arn, as_json, batch), as_json, batch)


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@click.option("--data", "key", metavar="KEY", help="The run that the arrival of this object of the data bucket starts.")
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for that run to be started.",
)
@batch_option
@root_option
@common
def follow(
    model: str, env: str, execution: str | None, key: str | None, patience: int, batch: bool,
    root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the steps of a run that was started already, until it has ended.

    It ends as `terrace pipeline run` does. Without an option it is the latest run.
    """
    if key is not None and execution is not None:
        raise click.UsageError("--data and --execution both name a run: give one of them.")
    if key is not None and batch:
        raise click.UsageError("--data names what starts training; what arrives to be scored waits for the clock.")
    from terrace import pipelines

    target, contract = _open(root, env, model)
    if key is None:
        arn = pipelines.find(target, contract, execution, batch)
    else:
        click.echo(f"waiting for the run that {key} starts, {patience} s at most", err=True)
        arn = pipelines.await_data(target, contract, key, patience)
    click.echo(f"following {arn.rpartition('/')[2]} of {pipelines.pipeline_name(contract, batch)}", err=True)
    finish(target, contract, watch(target, contract, arn, as_json, batch), as_json, batch)


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@batch_option
@root_option
@common
def status(model: str, env: str, execution: str | None, batch: bool, root: Path | None, as_json: bool) -> None:
    """Show an execution: its steps, their times, what was taken over, and why what failed did."""
    from terrace import executions, pipelines, scoring
    from terrace.cli.steps import duration, lines
    from terrace.outcomes import outcome, starter

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution, batch))
    came, by = outcome(found), starter(found, contract.watched_prefix)
    collected = scoring.read_collected(target, found) if batch else None
    if as_json:
        said = {**found.to_json(), "started_by": by.to_json(), "outcome": came.to_json()}
        click.echo(json.dumps(said | ({"collected": collected and collected.to_json()} if batch else {}), indent=2))
        return
    click.echo(f"{found.id}: {found.status}, {duration(found.seconds)}, started {_when(found.started)}")
    click.echo(f"  by {by.kind}: {by.text}")
    if found.parameters:
        click.echo(f"  with {', '.join(f'{name}={value}' for name, value in found.parameters.items())}")
    for line in lines(found):
        click.echo(line)
    click.echo(scoring.told(found) if batch and came.good else came.text)
    for line in collected.lines() if collected else ():
        click.echo(f"  {line}")


@pipeline.command()
@click.argument("model")
@env_argument
@click.option("--step", metavar="NAME", help="Only the lines of this step.")
@execution_option
@click.option("--follow", is_flag=True, help="Go on as lines are written, until the run has ended.")
@batch_option
@root_option
@common
def logs(
    model: str, env: str, step: str | None, execution: str | None, follow: bool, batch: bool,
    root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what the jobs of an execution wrote, from CloudWatch Logs."""
    from terrace import executions, job_logs, pipelines
    from terrace.errors import ProjectError

    target, contract = _open(root, env, model)
    arn = pipelines.find(target, contract, execution, batch)
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
            raise left(contract, found, batch) from None
    else:
        for line in reader.new(found):
            tell(line)
    if as_json:
        click.echo(json.dumps({"execution": arn, "lines": [line.to_json() for line in read]}, indent=2))


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@batch_option
@root_option
@common
def stop(model: str, env: str, execution: str | None, batch: bool, root: Path | None, as_json: bool) -> None:
    """Stop an execution, and the jobs that it runs."""
    from terrace import executions, pipelines

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution, batch))
    pipelines.stop(target, found)
    now = watch(target, contract, found.arn, as_json, batch)
    if as_json:
        click.echo(json.dumps(now.to_json(), indent=2))
        return
    named = pipelines.named(contract, batch)
    click.echo(f"{now.id} is {now.status}. Go on with: terrace pipeline retry {named} --execution {now.id}")


@pipeline.command()
@click.argument("model")
@env_argument
@execution_option
@batch_option
@root_option
@common
def retry(model: str, env: str, execution: str | None, batch: bool, root: Path | None, as_json: bool) -> None:
    """Run an execution again from what failed or was stopped; what succeeded is kept."""
    from terrace import executions, pipelines

    target, contract = _open(root, env, model)
    found = executions.read(target, pipelines.find(target, contract, execution, batch))
    pipelines.retry(target, found)
    click.echo(f"retrying {found.id}", err=True)
    finish(target, contract, watch(target, contract, found.arn, as_json, batch), as_json, batch)


@pipeline.command()
@click.argument("model")
@env_argument
@click.option("--since", metavar="DATE", help="Only runs after this day or time, in ISO 8601: 2026-11-01.")
@batch_option
@root_option
@common
def bill(model: str, env: str, since: str | None, batch: bool, root: Path | None, as_json: bool) -> None:
    """Show what ran: when, started by what, on which data, how it came out, and what it cost.

    Costs are seconds of instances at the list prices of a dated table; what it lacks is shown as unknown.
    """
    after = None if since is None else _date(since)
    from terrace import pipelines
    from terrace.billing import read_bill

    target, contract = _open(root, env, model)
    found = read_bill(target, contract, after, batch)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    if not found.rows and after is not None:
        click.echo(f"The pipeline of {model} in {env} has not run since {since}.")
    elif not found.rows:
        named = pipelines.named(contract, batch)
        click.echo(f"The pipeline of {model} in {env} has not run. Run it with: terrace pipeline run {named}")
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
