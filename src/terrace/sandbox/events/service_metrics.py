"""What AWS's services count by themselves, and what alarms therefore watch: pipelines' runs and queues' messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from terrace.sandbox.bus import Happening
from terrace.sandbox.events.metrics import count

PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
QUEUES = "AWS/SQS"
_ENDS = ("Succeeded", "Failed", "Stopped")
_GAUGES = {
    "ApproximateNumberOfMessagesVisible": "approximate_number_of_messages",
    "ApproximateNumberOfMessagesNotVisible": "approximate_number_of_messages_not_visible",
    "ApproximateNumberOfMessagesDelayed": "approximate_number_of_messages_delayed",
}


def pipelines(happening: Happening) -> None:
    """Count what happened to a pipeline's execution or to one of its steps, as SageMaker documents it."""
    detail = happening.detail
    if happening.detail_type == "SageMaker Model Building Pipeline Execution Status Change":
        place, named = (happening.account, happening.region), {"PipelineName": _name(detail)}
        status, before = detail["currentPipelineExecutionStatus"], detail.get("previousPipelineExecutionStatus")
        times = detail.get("executionStartTime"), detail.get("executionEndTime")
        # SageMaker counts each execution for its pipeline, and for all of the account.
        for dimensions in (named, {}):
            _count(place, "Execution", status, before, dimensions, *times)
    elif happening.detail_type == "SageMaker Model Building Pipeline Execution Step Status Change":
        status, before = detail["currentStepStatus"], detail.get("previousStepStatus")
        dimensions = {"PipelineName": _name(detail), "StepName": str(detail["stepName"])}
        times = detail.get("stepStartTime"), detail.get("stepEndTime")
        _count((happening.account, happening.region), "Step", status, before, dimensions, *times)


def queues(place: tuple[str, str], names: set[str]) -> None:
    """Measure how much is in some queues; SQS does so each minute, here it is done when an alarm looks."""
    from moto.sqs.models import sqs_backends

    held = sqs_backends[place[0]][place[1]].queues
    for name in names & held.keys():
        for metric, attribute in _GAUGES.items():
            count(place, QUEUES, metric, {"QueueName": name}, float(getattr(held[name], attribute)))


def _count(
    place: tuple[str, str],
    what: str,
    status: str,
    before: str | None,
    dimensions: Mapping[str, str],
    start: str | None,
    end: str | None,
) -> None:
    if before is None:
        count(place, PIPELINES, f"{what}Started", dimensions)
    if status in _ENDS and status != before:
        count(place, PIPELINES, f"{what}{status}", dimensions)
        if start and end:
            took = datetime.fromisoformat(end) - datetime.fromisoformat(start)
            count(place, PIPELINES, f"{what}Duration", dimensions, took.total_seconds() * 1000)


def _name(detail: Mapping[str, Any]) -> str:
    return str(detail["pipelineArn"]).rpartition("/")[2]
