"""The helpers of the SageMaker SDK, version 3, that follow lineage: they find here what they find on AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pipeline_case import Caller, name_image, processing, training
from serving import Serving, until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.client import MISLEADING, environment
from terrace.sandbox.provider.clients import SandboxClients

TOOL = Path(__file__).parents[2] / "tools" / "sagemaker_sdk.py"
PROGRAM = """
import json, sys
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.lineage.artifact import Artifact, DatasetArtifact, ModelArtifact
from sagemaker.core.lineage.context import Context, EndpointContext
from sagemaker.core.lineage.visualizer import LineageTableVisualizer

session = Session()
endpoint, job, data = sys.argv[1:]
name = next(iter(Context.list(source_uri=endpoint, sagemaker_session=session))).context_name
context = EndpointContext.load(context_name=name, sagemaker_session=session)
first = next(iter(Artifact.list(source_uri=data, sagemaker_session=session))).artifact_arn
dataset = DatasetArtifact.load(artifact_arn=first, sagemaker_session=session)
table = LineageTableVisualizer(session).show(training_job_name=job)
print(json.dumps({
    "datasets": sorted(one.source.source_uri for one in context.dataset_artifacts()),
    "training": context.training_job_arns(),
    "execution": context.pipeline_execution_arn(),
    "endpoints": [one.source.source_uri for one in dataset.endpoint_contexts()],
    "table": sorted([row["Direction"], row["Type"], row["Association Type"]] for _, row in table.iterrows()),
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox of this module's own, whose home is known."""
    folder = tmp_path_factory.mktemp("sandbox")
    box = Sandbox(folder)
    box.start()
    yield folder
    box.stop()


@pytest.fixture
def sandbox(home: Path) -> Running:
    """The sandbox of this module, in the place of the one that all share."""
    running = Sandbox(home).running()
    assert running is not None
    return running


@pytest.mark.slow
def test_the_sdk_follows_lineage(aws: SandboxClients, sandbox: Running, home: Path, tmp_path: Path) -> None:
    """From an endpoint it finds data, training job and pipeline execution, from the data the endpoint, and a table."""
    made = subprocess.run([sys.executable, TOOL], check=True, stdout=subprocess.PIPE, text=True)
    name_image(sandbox.url)
    caller, bucket = Caller(sandbox.url, aws.account, aws.region), f"lineage-{aws.account}"
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    aws("s3").put_object(Bucket=bucket, Key="raw/a.csv", Body=b"1")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/raw", "S3DataDistributionType": "FullyReplicated"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    code = "open('/opt/ml/model/weights', 'w').write('1')"
    train = training("Train", code, f"s3://{bucket}/models", arguments={"InputDataConfig": [channel]})
    caller.create("lineage", [processing("Prepare"), train])
    execution = caller.start("lineage")
    assert caller.ended(execution)["PipelineExecutionStatus"] == "Succeeded", caller.reasons(execution)
    job = caller.steps(execution)["Train"]["Metadata"]["TrainingJob"]["Arn"]
    name = job.rpartition("/")[2]
    sagemaker, serving = aws("sagemaker"), Serving(aws, home)
    url = sagemaker.describe_training_job(TrainingJobName=name)["ModelArtifacts"]["S3ModelArtifacts"]
    endpoint = serving.endpoint(serving.config(serving.model(data=url)))
    arn = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    until(lambda: sagemaker.list_contexts(SourceUri=arn)["ContextSummaries"], bool)
    until(lambda: sagemaker.list_tags(ResourceArn=job)["Tags"], bool)

    kept = {key: value for key, value in os.environ.items() if key not in MISLEADING}
    variables = {**kept, **environment(sandbox.url, aws.account, aws.region), "HOME": str(tmp_path)}
    command = [made.stdout.strip(), "-c", PROGRAM, arn, name, f"s3://{bucket}/raw"]
    done = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said == {
        "datasets": [f"s3://{bucket}/raw"],
        "training": [job],
        "execution": execution,
        "endpoints": [arn],
        "table": [
            ["Input", "DataSet", "ContributedTo"],
            ["Input", "Image", "ContributedTo"],
            ["Output", "Model", "Produced"],
        ],
    }
