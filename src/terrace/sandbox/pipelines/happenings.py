"""What EventBridge hears of pipelines, as AWS tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from terrace.sandbox.bus import Bus, Happening
from terrace.sandbox.pipelines.execution import Execution, StepRun
from terrace.sandbox.pipelines.kinds import JOBS

EXECUTION_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGE = "SageMaker Model Building Pipeline Execution Step Status Change"


def tell(bus: Bus, place: tuple[str, str], execution: Execution, run: StepRun | None, before: str | None) -> None:
    """Publish a change of an execution, or of one of its steps.

    Args:
        bus: Where to.
        place: Account and region.
        execution: What changed, or whose step did.
        run: The step that changed.
        before: Its status before, None when it just began.
    """
    detail = _of_execution(execution, before) if run is None else _of_step(run, before)
    detail |= {"pipelineArn": execution.pipeline, "pipelineExecutionArn": execution.arn}
    kind = EXECUTION_CHANGE if run is None else STEP_CHANGE
    told = {key: value for key, value in detail.items() if value is not None}
    bus.publish(Happening(*place, "aws.sagemaker", kind, told, (execution.pipeline, execution.arn)))


def _of_execution(execution: Execution, before: str | None) -> dict[str, Any]:
    return {
        "pipelineExecutionDisplayName": execution.display,
        "pipelineExecutionDescription": execution.description,
        "currentPipelineExecutionStatus": execution.status,
        "previousPipelineExecutionStatus": before,
        "executionStartTime": _stamp(execution.created),
        "executionEndTime": _stamp(execution.ended),
    }


def _of_step(run: StepRun, before: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "stepName": run.step.name,
        "stepType": run.step.type,
        "stepStartTime": _stamp(run.started),
        "stepEndTime": _stamp(run.ended),
        "previousStepStatus": before,
        "currentStepStatus": run.status,
        "metadata": {
            _noted(run, name): {_lower(key): value for key, value in held.items()}
            for name, held in run.metadata.items()
        },
    }
    if run.reason:
        said["failureReason"] = run.reason
    if run.cached:
        said["cacheHitResult"] = {"sourcePipelineExecutionArn": run.cached}
    return said


def _noted(run: StepRun, name: str) -> str:
    return JOBS[run.step.type].noted if run.step.type in JOBS else _lower(name)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
