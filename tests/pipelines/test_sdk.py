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
from pipeline_case import IMAGE, Caller, name_image

from terrace.sandbox.client import MISLEADING, environment
from terrace.sandbox.sdk_defaults import sdk_variables

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CODE = HERE / "sdk" / "code"
DRIVER = """#!/bin/bash
set -e
cd /opt/ml/input/data/code
python train.py
"""
"""Stands for the script that the SDK uploads beside the user's code."""


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


@pytest.fixture
def images(caller: Caller) -> tuple[str, str]:
    """An image that searches and one that answers lines, as the committed definition names them."""
    home = IMAGE.partition("/")[0]
    search, lines = CODE / "tune.py", HERE.parent / "line_model.py"
    return (
        name_image(caller.url, f"{home}/search:1", ["python", str(search)]),
        name_image(caller.url, f"{home}/lines:1", ["python", str(lines)]),
    )


def _check_answers(caller: Caller, bucket: str, arn: str) -> None:
    """Assert that the best of three trials became a model, and that it answered."""
    steps = caller.steps(arn)
    assert list(steps) == ["Search", "Gate", "Best", "Answer"], caller.reasons(arn)
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}, caller.reasons(arn)
    job = steps["Search"]["Metadata"]["TuningJob"]["Arn"].rsplit("/", 1)[1]
    assert re.fullmatch(rf"{arn.rsplit('/', 1)[1]}-Search-[a-z0-9]{{10}}", job)
    found = caller.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)
    assert found["TrainingJobStatusCounters"]["Completed"] == 3
    model = caller.sagemaker.describe_model(ModelName=steps["Best"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[1])
    best = found["BestTrainingJob"]["TrainingJobName"]
    assert model["PrimaryContainer"]["ModelDataUrl"] == f"s3://{bucket}/tuned/{best}/output/model.tar.gz"
    answer = f"answers/{arn.rsplit('/', 1)[1]}/lines.csv.out"
    assert caller.client("s3").get_object(Bucket=bucket, Key=answer)["Body"].read() == b"3.0\n7.0\n"


def test_a_search_a_model_and_a_batch_that_the_sdk_made_run(
    caller: Caller, bucket: str, images: tuple[str, str]
) -> None:
    """Tuning, model and transform steps, `Or`, `In`, a list's item by number, and a step for a failure that is none."""
    assert all(images)
    caller.client("s3").put_object(Bucket=bucket, Key="lines/lines.csv", Body=b"1,2\n3,4\n")
    text = (HERE / "definitions" / "tuning.json").read_text()
    text = text.replace("BUCKET", bucket).replace("ACCOUNT", caller.account)
    caller.sagemaker.create_pipeline(
        PipelineName="tuning", PipelineDefinition=text, RoleArn=f"arn:aws:iam::{caller.account}:role/pipeline"
    )
    arn = caller.start("tuning")
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Succeeded", caller.reasons(arn)
    _check_answers(caller, bucket, arn)


def _sdk(caller: Caller, folder: Path, program: str, *words: str) -> dict[str, Any]:
    """Run a program of the SDK's; return what it says."""
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "sagemaker_sdk.py"], check=True, stdout=subprocess.PIPE, text=True
    )
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    where = environment(caller.url, caller.account, caller.region)
    defaults = sdk_variables(folder, caller.account, caller.region)
    variables = {**kept, **where, **defaults, "HOME": str(folder)}
    ran = subprocess.run(
        [made.stdout.strip(), HERE / "sdk" / program, *words],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


@pytest.mark.slow
def test_a_search_by_the_sdk_itself_runs(
    caller: Caller, bucket: str, role: str, images: tuple[str, str], tmp_path: Path
) -> None:
    """The SDK's tuner, model builder and transformer, and what it writes is what is committed."""
    caller.client("s3").put_object(Bucket=bucket, Key="lines/lines.csv", Body=b"1,2\n3,4\n")
    said = _sdk(caller, tmp_path, "tuning.py", *images, role, bucket)
    _check_answers(caller, bucket, said["arn"])
    committed = json.loads((HERE / "definitions" / "tuning.json").read_text())
    assert _shape(said["definition"]) == _shape(committed), "write definitions/tuning.json anew: the SDK's form changed"


@pytest.mark.slow
def test_a_program_of_the_sdk_runs_by_the_endpoint_alone(
    caller: Caller, bucket: str, role: str, tmp_path: Path
) -> None:
    """The SDK itself uploads the code, creates, updates, starts, waits and lists, told where by what we export."""
    said = _sdk(caller, tmp_path, "program.py", IMAGE, role, bucket)
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
    return re.sub(r"sdk-\d+|BUCKET|s3://\S+|arn:\S+", "…", definition) if isinstance(definition, str) else definition
