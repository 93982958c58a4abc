"""Selective executions: only some steps run, on what an earlier execution made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from terrace.sandbox.pipelines.execution import Execution, StepRun
from terrace.sandbox.pipelines.expressions import steps_of
from terrace.sandbox.services.extend import Refusal


def select(execution: Execution, known: Mapping[str, Execution]) -> None:
    """Put what the selected steps need of an earlier execution into a new one.

    Args:
        execution: The new one; one that selects nothing is left as it is.
        known: ARN → all executions of the account.

    Raises:
        Refusal: A selected step is unknown, or what it needs was not made.
    """
    selected = execution.selected
    if execution.selection is None or selected is None:
        return
    steps = execution.definition.steps
    if unknown := sorted(selected - set(steps)):
        raise Refusal("ValidationException", f"Selected steps are not in the pipeline: {unknown}.")
    needed = {name for step in selected for name in steps_of(steps[step].arguments)} - selected
    source = execution.selection.get("SourcePipelineExecutionArn")
    earlier = known.get(source or "")
    if source and (earlier is None or earlier.pipeline != execution.pipeline):
        raise Refusal("ResourceNotFound", f"Pipeline execution '{source}' does not exist.")
    for name in sorted(needed):
        found = earlier.runs.get(name) if earlier else None
        if earlier is None or found is None or found.status != "Succeeded":
            raise Refusal(
                "ValidationException",
                f"Step '{name}' is needed by selected steps, and did not succeed in the source execution '{source}'.",
            )
        execution.runs[name] = _reused(found, found.reused or earlier.arn)


def _reused(run: StepRun, arn: str) -> StepRun:
    return replace(run, metadata=dict(run.metadata), reused=arn, cached="", attempts=1)
