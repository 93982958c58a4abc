"""A model's pipelines, what trains and what scores: starting one, finding a run, following, stopping, retrying it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from terrace.errors import ProjectError
from terrace.executions import BY_HAND, Execution, read
from terrace.scoring import need_pipeline, need_scoring
from terrace.target import Target

if TYPE_CHECKING:
    from terrace.maturity import ModelContract

_PAUSES = (0.15, 5.0)
"""Seconds between two looks at an execution: at first, and at most."""


def pipeline_name(contract: ModelContract, batch: bool = False) -> str:
    """Return the name of a model's pipeline: of the one that trains, or with `batch` of the one that scores.

    Raises:
        ProjectError: The model has none: its level is too low, or its mode another than batch.
    """
    if batch:
        return need_scoring(contract).pipeline
    if contract.pipeline is None:
        scores = " The one that scores is meant with --batch." if contract.batch else ""
        raise ProjectError(
            f"{contract.model} in {contract.environment} is at level {contract.level}; pipelines begin at level 2.",
            f"Raise the platform with `terrace upgrade {contract.environment} --to 2`, then bring the model up again."
            f"{scores}",
        )
    return contract.pipeline


def named(contract: ModelContract, batch: bool = False) -> str:
    """Return model, environment and flag as commands on a pipeline take them."""
    return f"{contract.model} {contract.environment}{' --batch' if batch else ''}"


def start(target: Target, contract: ModelContract, parameters: Mapping[str, str], batch: bool = False) -> str:
    """Start an execution and return its ARN.

    Raises:
        ProjectError: The model has no pipeline, or SageMaker refuses the parameters.
    """
    from botocore.exceptions import ClientError

    name = pipeline_name(contract, batch)
    if batch:
        # A model whose image is not built yet has none.
        need_pipeline(target, contract)
    try:
        answer = target.client("sagemaker").start_pipeline_execution(
            PipelineName=name,
            PipelineExecutionDescription=f"{BY_HAND} {named(contract, batch)}",
            PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
        )
    except ClientError as error:
        parameters_are = "Its parameters are in the project's pipeline/pipeline.py; publish it with `make pipeline`."
        raise ProjectError(
            f"The pipeline {name} was not started: {error.response['Error']['Message']}",
            "Its parameters are ModelName, Image, InputUri, OutputUri, InstanceType and InstanceCount."
            if batch
            else parameters_are,
        ) from error
    return str(answer["PipelineExecutionArn"])


def arns(target: Target, contract: ModelContract, since: datetime | None = None, batch: bool = False) -> Iterator[str]:
    """Yield the ARNs of executions, the latest first; with `since`, of those that were started after it."""
    asked: dict[str, Any] = {"PipelineName": pipeline_name(contract, batch), "SortBy": "CreationTime"}
    if since is not None:
        asked["CreatedAfter"] = since
    for page in target.client("sagemaker").get_paginator("list_pipeline_executions").paginate(**asked):
        yield from (summary["PipelineExecutionArn"] for summary in page["PipelineExecutionSummaries"])


def find(target: Target, contract: ModelContract, said: str | None, batch: bool = False) -> str:
    """Return the ARN of an execution.

    Args:
        target: Where the pipeline is.
        contract: Of the model.
        said: ARN or id, or the beginning of an id; None is the latest.
        batch: Of the pipeline that scores.

    Raises:
        ProjectError: There is no such execution, or there are several.
    """
    if batch:
        need_pipeline(target, contract)
    listed = arns(target, contract, batch=batch)
    known = list(listed) if said else list(_first(listed))
    if not known:
        raise ProjectError(
            f"The pipeline of {contract.model} in {contract.environment} has not run yet.",
            f"Run it with: terrace pipeline run {named(contract, batch)}",
        )
    if said is None:
        return known[0]
    wanted = said.rpartition("/")[2]
    found = [arn for arn in known if arn.rpartition("/")[2].startswith(wanted)] if wanted else []
    if len(found) != 1:
        latest = ", ".join(arn.rpartition("/")[2] for arn in known[:5])
        which = "is no execution" if not found else "begins the ids of several executions"
        raise ProjectError(
            f"{said} {which} of {contract.model} in {contract.environment}.", f"The latest are: {latest}."
        )
    return found[0]


def await_data(target: Target, contract: ModelContract, key: str, patience: float) -> str:
    """Return the ARN of the latest execution that the arrival of an object started.

    Args:
        target: Where the pipeline is.
        contract: Of the model.
        key: The object's key in the data bucket.
        patience: Seconds to wait for it to be started.

    Raises:
        ProjectError: There is no such object, or it started none.
    """
    _need_object(target, contract, key)
    until = time.monotonic() + patience
    seen: set[str] = set()
    while True:
        for arn in arns(target, contract):
            if arn in seen:
                break
            seen.add(arn)
            if read(target, arn).parameters.get("DataKey") == key:
                return arn
        if time.monotonic() >= until:
            raise ProjectError(
                f"No run was started by {key} within {patience:g} s.",
                "Is the rule for new data enabled, and the key below the watched prefix? Start one with: "
                f"terrace pipeline run {contract.model} {contract.environment} -p DataKey={key}",
            )
        time.sleep(min(1.0, _PAUSES[0]))


def _need_object(target: Target, contract: ModelContract, key: str) -> None:
    from botocore.exceptions import ClientError

    try:
        target.client("s3").head_object(Bucket=contract.data_bucket, Key=key)
    except ClientError as error:
        # Who may not read data may still wait for its run.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            where = f"s3://{contract.data_bucket}/{contract.watched_prefix or ''}"
            raise ProjectError(
                f"There is no object {key} in {contract.data_bucket}, so no run was started by it.",
                f"Upload it below {where}, and give its whole key.",
            ) from error


def watch(target: Target, arn: str, seen: Callable[[Execution], None]) -> Execution:
    """Look at an execution until it has ended, and return it as it is then.

    Args:
        target: Where it runs.
        arn: Which.
        seen: Told what it is like, each time that somebody looked.
    """
    pause, most = _PAUSES
    while True:
        found = read(target, arn)
        seen(found)
        if found.over:
            return found
        time.sleep(pause)
        pause = min(pause * 1.3, most)


def stop(target: Target, execution: Execution) -> None:
    """Stop an execution; its jobs are stopped with it.

    Raises:
        ProjectError: It has ended.
    """
    if execution.over:
        raise ProjectError(f"The execution {execution.id} has ended: it is {execution.status}.", "Nothing was changed.")
    target.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=execution.arn)


def retry(target: Target, execution: Execution) -> None:
    """Run an execution again from the steps that failed; what succeeded is kept.

    Raises:
        ProjectError: It runs, or it succeeded.
    """
    if execution.status not in ("Failed", "Stopped"):
        raise ProjectError(
            f"The execution {execution.id} is {execution.status}; only one that Failed or was Stopped can be retried.",
            "Start a new one with `terrace pipeline run`." if execution.over else "Wait for it, or stop it first.",
        )
    target.client("sagemaker").retry_pipeline_execution(PipelineExecutionArn=execution.arn)


def _first(found: Iterator[str]) -> Iterator[str]:
    for arn in found:
        yield arn
        return
