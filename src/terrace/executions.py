"""Executions of a pipeline and their steps, read from SageMaker's answers into plain rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from terrace.target import Target

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
"""Statuses of an execution after which nothing happens any more."""
OVER = frozenset({"Succeeded", "Failed", "Stopped", "Skipped"})
"""Statuses of a step that is over."""
BY_HAND = "terrace pipeline run"
"""Begins the description of an execution that a person started with Terrace."""
JOBS = ("TrainingJob", "ProcessingJob", "TransformJob", "TuningJob")
"""Members of a step's metadata that name a job."""


@dataclass(frozen=True)
class Step:
    """A step of an execution, from its start.

    Attributes:
        name: Its name in the definition.
        status: SageMaker's word: `Executing`, `Succeeded`, `Failed`…
        started: When it began, None before.
        ended: When it was over, None before.
        reason: Why it failed.
        cached_from: ARN of the execution whose result it took over instead of running; None if it ran.
        job: Kind and ARN of the job that it ran: `("TrainingJob", "arn:…")`.
        package: ARN of the model package that it registered.
        refusal: The message of a step that is there to fail.
        outcome: What a condition came to: `True` or `False`.
        attempts: How often it was tried.
    """

    name: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    cached_from: str | None = None
    job: tuple[str, str] | None = None
    package: str | None = None
    refusal: str | None = None
    outcome: str | None = None
    attempts: int = 1

    @property
    def over(self) -> bool:
        """Whether it is over."""
        return self.status in OVER

    @property
    def job_name(self) -> str | None:
        """Name of its job."""
        return None if self.job is None else self.job[1].rpartition("/")[2]

    def seconds(self, now: datetime | None = None) -> float | None:
        """Seconds from its start to its end, or to now; None before its start."""
        if self.started is None:
            return None
        return max(0.0, ((self.ended or now or datetime.now(UTC)) - self.started).total_seconds())

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Step:
        """Return a step as ListPipelineExecutionSteps shows it."""
        metadata: Mapping[str, Any] = said.get("Metadata") or {}
        job = next(((kind, str(metadata[kind]["Arn"])) for kind in JOBS if (metadata.get(kind) or {}).get("Arn")), None)
        cached = said.get("CacheHitResult") or said.get("SelectiveExecutionResult") or {}
        return cls(
            name=said["StepName"],
            status=said["StepStatus"],
            started=said.get("StartTime"),
            ended=said.get("EndTime"),
            reason=said.get("FailureReason", ""),
            cached_from=cached.get("SourcePipelineExecutionArn"),
            job=job,
            package=(metadata.get("RegisterModel") or {}).get("Arn"),
            refusal=(metadata.get("Fail") or {}).get("ErrorMessage"),
            outcome=(metadata.get("Condition") or {}).get("Outcome"),
            attempts=int(said.get("AttemptCount") or 1),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        took = self.seconds() if self.over else None
        return {
            "name": self.name,
            "status": self.status,
            "started": _text(self.started),
            "ended": _text(self.ended),
            "seconds": None if took is None else round(took, 3),
            "reason": self.reason or None,
            "cached_from": self.cached_from,
            "job": self.job_name,
            "package": self.package,
            "refusal": self.refusal,
            "outcome": self.outcome,
            "attempts": self.attempts,
        }


@dataclass(frozen=True)
class Execution:
    """One run of a pipeline.

    Attributes:
        arn: Its ARN.
        status: `Executing`, `Stopping`, `Stopped`, `Failed` or `Succeeded`.
        started: When it was started.
        modified: When its status last changed.
        reason: Why it failed, in SageMaker's words.
        display: Its name for people.
        description: What whoever started it wrote.
        started_by: ARN of the identity that started it, empty where it is not told.
        parameters: Name → value, of the parameters that were given.
        steps: Steps that began, in their order.
    """

    arn: str
    status: str
    started: datetime
    modified: datetime
    reason: str = ""
    display: str = ""
    description: str = ""
    started_by: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    @property
    def ended(self) -> datetime | None:
        """When it ended, None while it runs."""
        if not self.over:
            return None
        return max([self.modified, *(step.ended for step in self.steps if step.ended)])

    @property
    def seconds(self) -> float:
        """Seconds from start to end, or to now."""
        return max(0.0, ((self.ended or datetime.now(UTC)) - self.started).total_seconds())

    def step(self, name: str) -> Step | None:
        """Return a step that began, by name."""
        return next((step for step in self.steps if step.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "execution": self.arn,
            "status": self.status,
            "started": _text(self.started),
            "ended": _text(self.ended),
            "seconds": round(self.seconds, 3),
            "reason": self.reason or None,
            "description": self.description or None,
            "started_by": self.started_by or None,
            "parameters": dict(self.parameters),
            "steps": [step.to_json() for step in self.steps],
        }


def read(target: Target, arn: str) -> Execution:
    """Return an execution as it is now, with its parameters and steps."""
    sagemaker = target.client("sagemaker")
    said = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    steps = tuple(_told(sagemaker, Step.read(one)) for page in pages for one in page["PipelineExecutionSteps"])
    given = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
    return Execution(
        arn=arn,
        status=said["PipelineExecutionStatus"],
        started=said["CreationTime"],
        modified=said.get("LastModifiedTime") or said["CreationTime"],
        reason=said.get("FailureReason", ""),
        display=said.get("PipelineExecutionDisplayName", ""),
        description=said.get("PipelineExecutionDescription", ""),
        started_by=_identity(said.get("CreatedBy") or {}),
        parameters={one["Name"]: one["Value"] for page in given for one in page.get("PipelineParameters", ())},
        steps=steps,
    )


def _told(sagemaker: Any, step: Step) -> Step:
    """Return a step with why it was stopped, if its training ran too long: the execution itself doesn't tell."""
    if step.status != "Stopped" or step.reason or step.job is None or step.job[0] != "TrainingJob":
        return step
    job = sagemaker.describe_training_job(TrainingJobName=step.job_name)
    if job.get("SecondaryStatus") != "MaxRuntimeExceeded":
        return step
    limit = job["StoppingCondition"]["MaxRuntimeInSeconds"]
    return replace(step, reason=f"it ran longer than its limit of {limit} s (MaxRuntimeInSeconds)")


def _identity(said: Mapping[str, Any]) -> str:
    return str(said.get("UserProfileArn") or (said.get("IamIdentity") or {}).get("Arn") or "")


def _text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
