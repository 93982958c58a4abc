"""What a job wrote, read from CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from terrace.executions import Execution, Step, read
from terrace.target import Target

GROUPS = {
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TransformJob": "/aws/sagemaker/TransformJobs",
}
"""Kind of a job → the log group that SageMaker writes to. A tuning job's lines are those of its training jobs."""
_FOLLOW_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """A line of a job's log.

    Attributes:
        step: Name of the step that ran the job.
        stream: Name of the log stream.
        at: When it was written.
        text: What it says, without its end.
    """

    step: str
    stream: str
    at: datetime
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"step": self.step, "stream": self.stream, "at": self.at.isoformat(), "text": self.text}


@dataclass
class Reader:
    """Reads the logs of an execution's steps, each line once.

    Attributes:
        target: Where the logs are.
        only: Name of the only step whose lines are wanted, None for all.
    """

    target: Target
    only: str | None = None
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def new(self, execution: Execution) -> Iterator[Line]:
        """Yield the lines that were not read before, step by step."""
        for step in execution.steps:
            if self.only in (None, step.name):
                yield from self.of(step)

    def of(self, step: Step) -> Iterator[Line]:
        """Yield the new lines of one step. A step that took over an earlier result wrote none."""
        if step.job is None or step.cached_from or step.job[0] not in GROUPS:
            return
        group = GROUPS[step.job[0]]
        for stream in streams(self.target, group, step.job[1].rpartition("/")[2]):
            yield from self._stream(step, group, stream)

    def _stream(self, step: Step, group: str, stream: str) -> Iterator[Line]:
        logs, key = self.target.client("logs"), (group, stream)
        while True:
            asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
            token = self._tokens.get(key)
            page = logs.get_log_events(**asked, **({"nextToken": token} if token else {}))
            for event in page["events"]:
                yield _line(step.name, stream, event)
            self._tokens[key] = page["nextForwardToken"]
            # CloudWatch gives the same token again where a stream ends for now.
            if page["nextForwardToken"] == token:
                return


def streams(target: Target, group: str, job: str) -> list[str]:
    """Return the names of a job's log streams; none before its first line."""
    logs = target.client("logs")
    try:
        pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=f"{job}/")
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def tail(target: Target, step: Step, lines: int = 15) -> list[str]:
    """Return the last lines that a step's job wrote; none where it ran no job."""
    if step.job is None or step.cached_from or step.job[0] not in GROUPS:
        return []
    group = GROUPS[step.job[0]]
    events: list[Any] = []
    for stream in streams(target, group, step.job[1].rpartition("/")[2]):
        page = target.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=lines, startFromHead=False
        )
        events += page["events"]
    events.sort(key=lambda event: event["timestamp"])
    return [str(event["message"]).rstrip("\n") for event in events[-lines:]]


def follow(target: Target, arn: str, reader: Reader, tell: Callable[[Line], None]) -> Execution:
    """Tell the lines of an execution as they are written, until it has ended; return it as it is then."""
    while True:
        execution = read(target, arn)
        for line in reader.new(execution):
            tell(line)
        if execution.over:
            return execution
        time.sleep(_FOLLOW_SECONDS)


def _line(step: str, stream: str, event: Any) -> Line:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(step, stream, at, str(event["message"]).rstrip("\n"))
