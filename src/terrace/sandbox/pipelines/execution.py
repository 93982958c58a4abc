"""Executions of a pipeline: what they are told, what their steps are at, and how AWS shows them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.pipelines.definition import Definition
from terrace.sandbox.pipelines.expressions import Scope, resolve, text
from terrace.sandbox.pipelines.graph import OVER
from terrace.sandbox.pipelines.step import Step

EXECUTING, STOPPING = "Executing", "Stopping"
FAILURE = "Step failure: One or multiple steps failed."
_STEP_REASON, _EXECUTION_REASON = 1024, 1300
_ALPHABET = string.ascii_lowercase + string.digits


def now() -> datetime:
    """Return the time, as AWS stamps it: to the millisecond."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def random_id(length: int = 12) -> str:
    """Return what AWS puts into names that must not collide."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class StepRun:
    """One step of an execution, from its start.

    Attributes:
        step: What it is.
        status: As ListPipelineExecutionSteps has it.
        started: When it began; of several attempts, the first.
        ended: When it was over.
        reason: Why it failed.
        metadata: Member of the step's metadata → what it holds, such as the ARN of a job.
        name: Name of what it made.
        attempts: Which attempt it is at.
        key: What a cache goes by; None for a step that no cache takes.
        cached: ARN of the execution whose result was taken, empty for none.
        reused: The same, for a selective execution.
        properties: Description of what it made; others get it by `Steps.…`.
    """

    step: Step
    status: str = "Starting"
    started: datetime = field(default_factory=now)
    ended: datetime | None = None
    reason: str = ""
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    name: str = ""
    attempts: int = 1
    key: str | None = None
    cached: str = ""
    reused: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it is over."""
        return self.status in OVER

    def describe(self) -> dict[str, Any]:
        """Return it as ListPipelineExecutionSteps shows it."""
        said: dict[str, Any] = {
            "StepName": self.step.name,
            "StepDisplayName": self.step.display,
            "StepDescription": self.step.description,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StepStatus": self.status,
            "FailureReason": self.reason[:_STEP_REASON] or None,
            "Metadata": self.metadata,
            "AttemptCount": self.attempts,
        }
        if self.cached:
            said["CacheHitResult"] = {"SourcePipelineExecutionArn": self.cached}
        if self.reused:
            said["SelectiveExecutionResult"] = {"SourcePipelineExecutionArn": self.reused}
        return {key: value for key, value in said.items() if value is not None}


@dataclass
class Execution:
    """One run of a pipeline.

    Attributes:
        pipeline: ARN of the pipeline.
        pipeline_name: Its name.
        version: The pipeline's version that runs.
        definition: What runs.
        role: ARN of the role of steps that name none.
        parameters: Name → value.
        given: Names of the parameters that the caller gave; the others have their defaults.
        display: Name shown to people.
        description: What it is for.
        parallelism: ParallelismConfiguration, as it was given.
        parallel: How many steps run at once, at most.
        selection: SelectiveExecutionConfig, as it was given.
        user: Who started it.
        runs: Name → each step that began, in the order they began in.
    """

    pipeline: str
    pipeline_name: str
    version: int
    definition: Definition
    role: str
    parameters: Mapping[str, Any]
    given: tuple[str, ...]
    display: str
    user: Mapping[str, Any]
    description: str | None = None
    parallelism: Mapping[str, int] | None = None
    parallel: int = 1
    selection: Mapping[str, Any] | None = None
    id: str = field(default_factory=random_id)
    status: str = EXECUTING
    reason: str = ""
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    ended: datetime | None = None
    runs: dict[str, StepRun] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{self.pipeline}/execution/{self.id}"

    @property
    def over(self) -> bool:
        """Whether it is over."""
        return self.status not in (EXECUTING, STOPPING)

    @property
    def selected(self) -> frozenset[str] | None:
        """Names of the only steps that run; None for all."""
        if self.selection is None:
            return None
        return frozenset(one["StepName"] for one in self.selection["SelectedSteps"])

    def describe(self) -> dict[str, Any]:
        """Return it as DescribePipelineExecution shows it."""
        said = {
            "PipelineArn": self.pipeline,
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionDisplayName": self.display,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDescription": self.description,
            "PipelineExperimentConfig": self.experiment(),
            "FailureReason": self.reason[:_EXECUTION_REASON] or None,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "CreatedBy": self.user,
            "LastModifiedBy": self.user,
            "ParallelismConfiguration": self.parallelism,
            "SelectiveExecutionConfig": self.selection,
            "PipelineVersionId": self.version,
            "RoleArn": self.role,
        }
        return {key: value for key, value in said.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """Return it as ListPipelineExecutions shows it."""
        said = {
            "PipelineExecutionArn": self.arn,
            "StartTime": self.created,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDescription": self.description,
            "PipelineExecutionDisplayName": self.display,
            "PipelineExecutionFailureReason": self.reason or None,
        }
        return {key: value for key, value in said.items() if value is not None}

    def variables(self) -> dict[str, Any]:
        """Return what expressions get by `Execution.…`."""
        return {
            "StartDateTime": self.created,
            "CurrentDateTime": now(),
            "PipelineName": self.pipeline_name,
            "PipelineArn": self.pipeline,
            "PipelineExecutionId": self.id,
            "PipelineExecutionArn": self.arn,
        }

    def experiment(self) -> dict[str, str] | None:
        """Return the names of the experiment and the trial that it belongs to, None without."""
        scope = Scope(self.parameters, self.variables())
        said = self.definition.experiment
        if not said:
            return None
        return {name: text(resolve(said[name], scope)) for name in ("ExperimentName", "TrialName") if said.get(name)}
