"""A caller of pipelines with nothing but boto3, and the smallest steps there are."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config

ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")
ROLE = "arn:aws:iam::123456789012:role/pipeline"
WAIT_SECONDS = 60.0


class Caller:
    """A boto3 client of one account, as anybody would make it.

    Args:
        url: Where the server is.
        account: Whose pipelines they are.
        region: Where they are.
    """

    def __init__(self, url: str, account: str, region: str) -> None:
        self.url = url
        self.account = account
        self.region = region
        self.session = boto3.Session(f"AKIA{account}AAAA", "sandbox", region_name=region)
        self.sagemaker = self.client("sagemaker")

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        config = Config(max_pool_connections=64, proxies={}, retries={"max_attempts": 1})
        return self.session.client(service, endpoint_url=self.url, config=config)  # type: ignore[call-overload]

    def create(self, name: str, steps: Sequence[Mapping[str, Any]], parameters: Sequence[Any] = ()) -> str:
        """Create a pipeline; return its ARN."""
        definition = json.dumps(document(steps, parameters))
        made = self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
        return str(made["PipelineArn"])

    def start(self, name: str, **parameters: str) -> str:
        """Start a pipeline; return the execution's ARN."""
        given = [{"Name": key, "Value": value} for key, value in parameters.items()]
        started = self.sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given)
        return str(started["PipelineExecutionArn"])

    def ended(self, arn: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """Wait for the end of an execution; return its description."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            if found["PipelineExecutionStatus"] in ENDED:
                return found
            time.sleep(0.03)
        raise AssertionError(f"still {found['PipelineExecutionStatus']} after {seconds} s: {self.steps(arn)}")

    def run(self, name: str, **parameters: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """Start a pipeline and wait for its end; return its status and its steps by name."""
        arn = self.start(name, **parameters)
        return self.ended(arn)["PipelineExecutionStatus"], self.steps(arn)

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """Return the steps of an execution by name, in the order they began in."""
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}


def document(steps: Sequence[Mapping[str, Any]], parameters: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a definition."""
    return {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}


def processing(name: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a processing step of an image that need not exist where moto answers for jobs."""
    said = {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        "AppSpecification": {"ImageUri": "nothing"},
        "RoleArn": ROLE,
        **(arguments or {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": said, **more}


def fail(name: str, message: Any = "it failed", **more: Any) -> dict[str, Any]:
    """Return a step that fails."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def condition(
    name: str, holds: Any, yes: Sequence[Any] = (), no: Sequence[Any] = (), **more: Any
) -> dict[str, Any]:
    """Return a condition, of one condition or of a list of them."""
    conditions = holds if isinstance(holds, list) else [holds]
    arguments = {"Conditions": conditions, "IfSteps": list(yes), "ElseSteps": list(no)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **more}


def compare(type: str, left: Any, right: Any) -> dict[str, Any]:
    """Return a comparison."""
    return {"Type": type, "LeftValue": left, "RightValue": right}


def get(path: str) -> dict[str, str]:
    """Return a reference."""
    return {"Get": path}


def join(on: str, *values: Any) -> dict[str, Any]:
    """Return a text made of others."""
    return {"Std:Join": {"On": on, "Values": list(values)}}
