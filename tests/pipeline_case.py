"""A caller of pipelines with nothing but boto3, and the smallest steps there are."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config

ENDED = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")
IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pipelines:python"
"""Stands for the interpreter that runs the tests, once `name_image` said so."""
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

    def reasons(self, arn: str) -> dict[str, str]:
        """Return why steps of an execution failed, by name."""
        return {name: step.get("FailureReason", step["StepStatus"]) for name, step in self.steps(arn).items()}


def document(steps: Sequence[Mapping[str, Any]], parameters: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a definition."""
    return {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}


def name_image(url: str, uri: str = IMAGE, entrypoint: Sequence[str] = ()) -> str:
    """Tell a sandbox what an image stands for, as `terrace sandbox image URI --python PATH` does; return its URI."""
    body = json.dumps({"uri": uri, "python": sys.executable, "entrypoint": list(entrypoint)}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{url}/_terrace/images", body)) as answer:
        said = json.loads(answer.read())
    if "error" in said:
        raise AssertionError(said["error"])
    return uri


def python(code: str) -> dict[str, Any]:
    """Return the arguments with which a processing step runs a few lines of Python."""
    return {"AppSpecification": {"ImageUri": IMAGE, **_command(code)}}


def _command(code: str) -> dict[str, list[str]]:
    # AWS takes no line break in a word of a command, and no word of more than 256 signs: a line is an argument.
    lines = code.strip().splitlines()
    return {
        "ContainerEntrypoint": ["python", "-c", "import sys; exec(chr(10).join(sys.argv[1:]))"],
        "ContainerArguments": [line for line in lines if line],
    }


def processing_input(uri: Any, path: str, name: str = "input") -> dict[str, Any]:
    """Return an input of a processing step."""
    where = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "AppManaged": False, "S3Input": where}


def training(name: str, code: str, output: Any, **more: Any) -> dict[str, Any]:
    """Return a training step that runs a few lines of Python."""
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            **_command(code),
        },
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


def processing(name: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a processing step that does nothing, unless its arguments say so."""
    said = {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        "RoleArn": ROLE,
        **python("pass"),
        **(arguments or {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": said, **more}


def fail(name: str, message: Any = "it failed", **more: Any) -> dict[str, Any]:
    """Return a step that fails."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def condition(name: str, holds: Any, yes: Sequence[Any] = (), no: Sequence[Any] = (), **more: Any) -> dict[str, Any]:
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
