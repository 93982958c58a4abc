"""Scoring in mode batch: which version does it, what a run found, and where its predictions are.

A version takes over by the definition of the pipeline, whose parameters name the SageMaker model and the image of its
code. A run that has begun goes on with the definition that it began with.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from terrace.errors import ProjectError
from terrace.executions import Execution, read
from terrace.maturity.scoring import COLLECT, REPORT, REPORT_OUTPUT, RETIRED, SCORE, WAIT, ScoringPlan
from terrace.run_data import defaults
from terrace.target import Say, Target

if TYPE_CHECKING:
    from terrace.maturity import ModelContract, Release, Scoring

MODE = "batch"
_MOST = 50
"""Runs among which one with a certain model is looked for."""


@dataclass(frozen=True)
class Collected:
    """What a run found to be scored.

    Attributes:
        objects: How many are scored.
        refused: Key and reason of those that cannot be read.
        skipped: How many were scored before.
        left: How many wait for the next run, because one takes no more.
    """

    objects: int
    refused: tuple[tuple[str, str], ...] = ()
    skipped: int = 0
    left: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        refused = [{"key": key, "reason": reason} for key, reason in self.refused]
        return {"objects": self.objects, "refused": refused, "skipped": self.skipped, "left": self.left}

    def lines(self) -> list[str]:
        """Return it for people: how many, and what was refused, and why."""
        what = f"{self.objects} object{'' if self.objects == 1 else 's'} scored" if self.objects else "nothing new"
        lines = [f"{what}, {self.skipped} scored before", *(f"refused {key}: {why}" for key, why in self.refused)]
        return [*lines, f"{self.left} left for the next run"] if self.left else lines

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Collected:
        """Return what a project's `collect` wrote."""
        refused = tuple((str(one.get("key", "")), str(one.get("reason", ""))) for one in said.get("refused") or ())
        counts = {name: int(said.get(name) or 0) for name in ("objects", "skipped", "left")}
        return cls(refused=refused, **counts)


@dataclass(frozen=True)
class LastRun:
    """The latest run that scored, or is doing so.

    Attributes:
        execution: ARN of the execution.
        status: SageMaker's word for how it is.
        started: When it was started.
        collected: What it found, None before it was told.
    """

    execution: str
    status: str
    started: datetime
    collected: Collected | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "execution": self.execution,
            "status": self.status,
            "started": self.started.isoformat(),
            "collected": self.collected.to_json() if self.collected else None,
        }

    def text(self) -> str:
        """Return it for people."""
        found = f", {self.collected.lines()[0]}" if self.collected else ""
        return f"{self.status} at {self.started.astimezone():%Y-%m-%d %H:%M:%S}{found}"


def need_scoring(contract: ModelContract) -> Scoring:
    """Return what scores.

    Raises:
        ProjectError: The model has an endpoint, and is not in mode batch.
    """
    if contract.batch is None:
        raise ProjectError(
            f"{contract.model} in {contract.environment} is in mode {contract.serving.mode}: it has no pipeline that "
            "scores.",
            f"Its endpoint {contract.endpoint} answers. To score by the clock, set terrace:mode to {MODE} and run "
            f"`terrace up {contract.environment} --project PATH`.",
        )
    return contract.batch


def definition(contract: ModelContract, model: str, image: str) -> dict[str, Any]:
    """Return the definition with which a SageMaker model scores."""
    return ScoringPlan.of(contract).definition(model, image)


def need_pipeline(target: Target, contract: ModelContract) -> dict[str, Any]:
    """Return the definition that the pipeline has now.

    Raises:
        ProjectError: There is no pipeline yet.
    """
    from botocore.exceptions import ClientError

    name = need_scoring(contract).pipeline
    try:
        said = target.client("sagemaker").describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        raise ProjectError(
            f"{contract.model} has no pipeline that scores in {contract.environment} yet.",
            f"Make it with: terrace up {contract.environment} --project PATH",
        ) from error
    found: dict[str, Any] = json.loads(said["PipelineDefinition"])
    return found


def stands(target: Target, contract: ModelContract, record: Release) -> bool:
    """Tell whether the pipeline scores with what a record says, as the contract says."""
    wanted = definition(contract, record.sagemaker_model or "", record.image)
    return need_pipeline(target, contract) == wanted


def hand_over(target: Target, contract: ModelContract, model: str, image: str, who: str, say: Say) -> None:
    """Have the next runs score with a SageMaker model.

    Args:
        target: Where the pipeline is.
        contract: Of the model.
        model: Name of the SageMaker model.
        image: The image of its code.
        who: The version, for people.
        say: Told what is done.
    """
    wanted = definition(contract, model, image)
    if need_pipeline(target, contract) == wanted:
        return
    name = need_scoring(contract).pipeline
    say(f"updating pipeline {name} to {who}: it scores from the next run on")
    target.client("sagemaker").update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(wanted))


def read_collected(target: Target, execution: Execution) -> Collected | None:
    """Return what a run found to be scored, None where its first step did not come so far or told nothing."""
    from botocore.exceptions import ClientError

    step = execution.step(COLLECT)
    if step is None or step.status != "Succeeded" or step.job is None:
        return None
    job = target.client("sagemaker").describe_processing_job(ProcessingJobName=step.job_name)
    outputs = {one["OutputName"]: one for one in job["ProcessingOutputConfig"]["Outputs"]}
    parts = urlsplit(outputs[REPORT_OUTPUT]["S3Output"]["S3Uri"])
    key = f"{parts.path.strip('/')}/{REPORT}"
    try:
        said = json.loads(target.client("s3").get_object(Bucket=parts.netloc, Key=key)["Body"].read())
    except (ClientError, ValueError):
        # Removed in the meantime, or not this one's to read.
        return None
    return Collected.of(said) if isinstance(said, dict) else None


def last_run(target: Target, contract: ModelContract, models: Collection[str] | None = None) -> LastRun | None:
    """Return the latest run of the pipeline that scores, None before the first or before there is a pipeline.

    Args:
        target: Where the pipeline is.
        contract: Of the model.
        models: Only a run with one of these SageMaker models, which is looked for among the latest.
    """
    from botocore.exceptions import ClientError

    sagemaker = target.client("sagemaker")
    try:
        found = sagemaker.list_pipeline_executions(
            PipelineName=need_scoring(contract).pipeline,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1 if models is None else _MOST,
        )["PipelineExecutionSummaries"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        return None
    for summary in found:
        execution = read(target, summary["PipelineExecutionArn"])
        if models is None or _model_of(target, execution) in models:
            return LastRun(execution.arn, execution.status, execution.started, read_collected(target, execution))
    return None


def _model_of(target: Target, execution: Execution) -> str | None:
    """Return the SageMaker model that a run scores with."""
    said = target.client("sagemaker").describe_pipeline_definition_for_execution(PipelineExecutionArn=execution.arn)
    known = defaults(said["PipelineDefinition"]) | dict(execution.parameters)
    return known.get("ModelName")


def schedule_state(target: Target, contract: ModelContract) -> str | None:
    """Return `ENABLED` or `DISABLED`; None where there is no schedule yet."""
    from botocore.exceptions import ClientError

    group, _, name = need_scoring(contract).schedule_name.partition("/")
    try:
        return str(target.client("scheduler").get_schedule(GroupName=group, Name=name)["State"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None


def told(execution: Execution) -> str:
    """Return in words how a run that succeeded came out."""
    if execution.step(WAIT) is not None:
        return "did nothing: the released version was not brought here yet"
    if execution.step(RETIRED) is not None:
        return "did nothing: the model was in another mode"
    return "scored what was new" if execution.step(SCORE) is not None else "found nothing new"


def uris(contract: ModelContract) -> tuple[str, str]:
    """Return where records arrive, and where predictions are put."""
    plan = ScoringPlan.of(contract)
    return plan.input_uri, plan.output_uri


__all__ = [
    "MODE",
    "Collected",
    "LastRun",
    "definition",
    "hand_over",
    "last_run",
    "need_pipeline",
    "need_scoring",
    "read_collected",
    "schedule_state",
    "stands",
    "told",
    "uris",
]
