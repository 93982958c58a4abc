"""An execution that is followed to its end, and what is said of it then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terrace.executions import Execution
    from terrace.maturity import ModelContract
    from terrace.target import Target


def watch(target: Target, contract: ModelContract, arn: str, quiet: bool, batch: bool = False) -> Execution:
    """Show the steps of an execution until it has ended.

    Raises:
        RunError: The watcher was interrupted; the execution goes on.
    """
    from terrace import executions, pipelines
    from terrace.cli.steps import shown

    try:
        with shown(quiet) as tell:
            return pipelines.watch(target, arn, tell)
    except KeyboardInterrupt:
        raise left(contract, executions.read(target, arn), batch) from None


def left(contract: ModelContract, execution: Execution, batch: bool = False) -> Exception:
    """Return what is said to somebody who stopped watching."""
    from terrace import pipelines
    from terrace.errors import RunError

    named = f"{pipelines.named(contract, batch)} --execution {execution.id}"
    return RunError(
        f"Nobody watches any more; the run {execution.id} goes on.",
        f"Follow it with `terrace pipeline logs {named} --follow`, stop it with `terrace pipeline stop {named}`.",
        execution.to_json(),
    )


def finish(target: Target, contract: ModelContract, execution: Execution, as_json: bool, batch: bool = False) -> None:
    """Print how an execution came out; unless it is what the pipeline is for, raise it."""
    from terrace import pipelines
    from terrace.cli.steps import duration
    from terrace.errors import RunError
    from terrace.job_logs import tail
    from terrace.outcomes import outcome, starter
    from terrace.versions import read_version

    came, by = outcome(execution), starter(execution, contract.watched_prefix)
    said: dict[str, Any] = {**execution.to_json(), "started_by": by.to_json(), "outcome": came.to_json()}
    model, env = contract.model, contract.environment
    if batch and came.good:
        _scored(target, contract, execution, said, as_json)
        return
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
    if came.kind == "unpublished":
        hint = "Publish it with `make pipeline` in the model project."
        raise RunError(f"The pipeline of {model} is not published in {env} yet; the run did nothing.", hint, said)
    if came.kind == "refused":
        # Without a condition before it, it is no gate.
        gated = any(step.outcome is not None for step in execution.steps)
        who = "The gate refused the model" if gated else "The pipeline refused to run"
        raise RunError(f"{who}: {came.text}", "Nothing was registered.", said)
    named = f"{pipelines.named(contract, batch)} --execution {execution.id}"
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


def _scored(target: Target, contract: ModelContract, execution: Execution, said: dict[str, Any], as_json: bool) -> None:
    """Print what a run of the pipeline that scores found, and where its predictions are."""
    from terrace import scoring
    from terrace.cli.steps import duration

    found = scoring.read_collected(target, execution)
    if as_json:
        told = {"text": scoring.told(execution), "collected": found.to_json() if found else None}
        click.echo(json.dumps({**said, "scored": {**told, "output": scoring.uris(contract)[1]}}, indent=2))
        return
    how = f"{scoring.told(execution)} in {duration(execution.seconds)}"
    click.echo(f"{contract.model} in {contract.environment}: {how}.")
    for line in found.lines() if found else ():
        click.echo(f"  {line}")
    if found and found.objects:
        click.echo(f"  predictions: {scoring.uris(contract)[1]}")
