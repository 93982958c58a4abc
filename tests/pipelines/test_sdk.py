"""Pipelines written with the SageMaker SDK, version 3, run to their end unchanged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pipeline_case import IMAGE, Caller

from terrace.sandbox.client import MISLEADING, environment

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAM, CODE = HERE / "sdk" / "program.py", HERE / "sdk" / "code"
DRIVER = """#!/bin/bash
set -e
cd /opt/ml/input/data/code
python train.py
"""
"""Stands for the script that the SDK uploads beside the user's code."""

QUIET = """SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""
"""Settings with which the SDK tells nobody what it does."""


@pytest.fixture
def bucket(caller: Caller) -> str:
    """A bucket of the caller's account with three rows of data."""
    name, s3 = f"sdk-{caller.account}", caller.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": caller.region})
    s3.put_object(Bucket=name, Key="data/data.csv", Body=b"1\n2\n3\n")
    return name


@pytest.fixture
def role(caller: Caller) -> str:
    """A role that SageMaker may take on, and that may do everything."""
    iam = caller.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=_document(trust))
    iam.put_role_policy(RoleName="pipeline", PolicyName="all", PolicyDocument=_document(everything))
    return str(made["Role"]["Arn"])


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _check(caller: Caller) -> dict[str, Any]:
    """Assert that one version was registered, of what was trained; return its description."""
    [listed] = caller.sagemaker.list_model_packages(ModelPackageGroupName="sdk-models")["ModelPackageSummaryList"]
    package = caller.sagemaker.describe_model_package(ModelPackageName=listed["ModelPackageArn"])
    [container] = package["InferenceSpecification"]["Containers"]
    place, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    assert caller.client("s3").head_object(Bucket=place, Key=key)["ContentLength"] > 0
    found: dict[str, Any] = package
    return found


def test_a_definition_that_the_sdk_made_runs(caller: Caller, bucket: str) -> None:
    """As the SDK wrote it once, with its code uploaded where it says: the gate lets a good model through."""
    text = (HERE / "definitions" / "sdk.json").read_text().replace("BUCKET", bucket).replace("ACCOUNT", caller.account)
    s3 = caller.client("s3")
    for uri in re.findall(rf"s3://{bucket}/(sdk/code/\w+/(\w+\.py))", text):
        s3.put_object(Bucket=bucket, Key=uri[0], Body=(CODE / uri[1]).read_bytes())
    [code] = re.findall(rf"s3://{bucket}/(train/[\w-]+/input)/code", text)
    s3.put_object(Bucket=bucket, Key=f"{code}/code/train.py", Body=(CODE / "train.py").read_bytes())
    s3.put_object(Bucket=bucket, Key=f"{code}/sm_drivers/sm_train.sh", Body=DRIVER.encode())
    caller.sagemaker.create_pipeline(
        PipelineName="sdk", PipelineDefinition=text, RoleArn=f"arn:aws:iam::{caller.account}:role/pipeline"
    )
    arn = caller.start("sdk", Approval="Approved")
    ended = caller.ended(arn)
    assert ended["PipelineExecutionStatus"] == "Succeeded", caller.reasons(arn)
    assert ended["PipelineExperimentConfig"] == {"ExperimentName": "sdk", "TrialName": arn.rsplit("/", 1)[1]}
    assert list(caller.steps(arn)) == ["Prepare", "Train", "Evaluate", "Gate", "Register"]
    package = _check(caller)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"] == {"execution": arn}
    status, steps = caller.run("sdk", Least="0.75")
    assert (status, steps["Refused"]["FailureReason"]) == ("Failed", "a score of 0.5 is below 0.75")
    assert steps["Prepare"]["CacheHitResult"] == {"SourcePipelineExecutionArn": arn}


@pytest.mark.slow
def test_a_program_of_the_sdk_runs_by_the_endpoint_alone(
    caller: Caller, bucket: str, role: str, tmp_path: Path
) -> None:
    """The SDK itself uploads the code, creates, updates, starts, waits and lists, told where by AWS_ENDPOINT_URL."""
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "sagemaker_sdk.py"], check=True, stdout=subprocess.PIPE, text=True
    )
    settings = tmp_path / ".config" / "sagemaker" / "config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(QUIET)
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    variables = {**kept, **environment(caller.url, caller.account, caller.region), "HOME": str(tmp_path)}
    ran = subprocess.run(
        [made.stdout.strip(), PROGRAM, IMAGE, role, bucket],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    good, bad = said["runs"]
    assert good["status"] == "Succeeded", good
    assert set(good["steps"]) == {"Prepare", "Train", "Evaluate", "Gate", "Register"}
    assert bad["status"] == "Failed", bad
    assert bad["steps"]["Refused"] == "a score of 0.5 is below 0.9"
    assert _check(caller)["ModelApprovalStatus"] == "PendingManualApproval"
    committed = json.loads((HERE / "definitions" / "sdk.json").read_text())
    assert _shape(said["definition"]) == _shape(committed), "write definitions/sdk.json anew: the SDK's form changed"


def _shape(definition: Any) -> Any:
    """Return a definition without what differs from run to run: places, accounts, hashes, times."""
    if isinstance(definition, dict):
        return {key: _shape(value) for key, value in definition.items()}
    if isinstance(definition, list):
        return [_shape(value) for value in definition]
    return re.sub(r"s3://\S+|arn:\S+", "…", definition) if isinstance(definition, str) else definition
