"""Jobs of the tests' own interpreter, made, awaited and read through boto3 alone."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import textwrap
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving import fresh, until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

ENDED = ("Completed", "Failed", "Stopped")
PATIENCE = 90.0
"""Seconds that a job of the tests may take on a machine that does other things too."""


class JobCase:
    """Makes jobs in one account, with data and artifacts in one bucket of its."""

    def __init__(self, aws: SandboxClients, running: Running) -> None:
        self.aws = aws
        self.running = running
        self.sagemaker, self.s3 = aws("sagemaker"), aws("s3")
        self.role = f"arn:aws:iam::{aws.account}:role/train"
        self.bucket = f"data-{aws.account}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
        self.image = self.register("bare:1")

    def register(self, name: str, entrypoint: list[str] | None = None) -> str:
        """Have an image stand for the tests' interpreter; return its URI."""
        uri = f"{self.aws.account}.dkr.ecr.{self.aws.region}.amazonaws.com/{name}"
        self.post("images", {"uri": uri, "python": sys.executable, "entrypoint": entrypoint or []})
        return uri

    def post(self, route: str, said: Mapping[str, Any]) -> Any:
        """Call one of the sandbox's own routes."""
        request = urllib.request.Request(f"{self.running.url}/_terrace/{route}", json.dumps(said).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def put(self, key: str, body: str | bytes) -> str:
        """Put an object; return its URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def read(self, key: str) -> bytes:
        """Return what an object holds."""
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys below a prefix."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"].removeprefix(prefix) for item in found]

    def unpacked(self, uri: str) -> dict[str, bytes]:
        """Return the files of an archive in S3."""
        raw = self.read(uri.removeprefix(f"s3://{self.bucket}/"))
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}  # type: ignore[union-attr]

    def training(self, code: str = "", **more: Any) -> str:
        """Start a training job that runs Python code; return its name."""
        request = self.training_request(code, **more)
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def training_request(self, code: str = "", **more: Any) -> dict[str, Any]:
        """Return a call of CreateTrainingJob; `metrics` and `channels` are short for what they stand for."""
        metrics, channels = more.pop("metrics", {}), more.pop("channels", {})
        name = str(more.pop("TrainingJobName", fresh("train")))
        algorithm = {
            "TrainingImage": self.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-u", "/opt/ml/input/data/job/job.py"],
            "MetricDefinitions": [{"Name": name, "Regex": text} for name, text in metrics.items()],
        }
        request = {
            "TrainingJobName": name,
            "AlgorithmSpecification": algorithm | more.pop("algorithm", {}),
            "RoleArn": self.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **more,
        }
        given = [channel(one, uri) for one, uri in channels.items()] + request.pop("InputDataConfig", [])
        script = self.put(f"jobs/{name}/job.py", textwrap.dedent(code))
        return {**request, "InputDataConfig": [*given, channel("job", script)]}

    def trained(self, name: str, *states: str) -> dict[str, Any]:
        """Wait until a training job has ended, or is in one of the secondary states; return the description."""
        seen: dict[str, Any] = until(
            lambda: self.sagemaker.describe_training_job(TrainingJobName=name),
            lambda one: one["TrainingJobStatus"] in ENDED or one["SecondaryStatus"] in states,
            PATIENCE,
        )
        return seen

    def processing(self, code: str = "", **more: Any) -> str:
        """Start a processing job that runs Python code; `inputs` and `outputs` are place → URI; return its name."""
        name = fresh("process")
        script = self.put(f"jobs/{name}/job.py", textwrap.dedent(code))
        inputs, outputs = more.pop("inputs", {}), more.pop("outputs", {})
        inputs = {**inputs, "/opt/ml/processing/job": script}
        mode = more.pop("upload", "EndOfJob")
        self.sagemaker.create_processing_job(
            **{
                "ProcessingJobName": name,
                "RoleArn": self.role,
                "AppSpecification": {
                    "ImageUri": self.image,
                    "ContainerEntrypoint": ["python3", "-u", "/opt/ml/processing/job/job.py"],
                },
                "ProcessingInputs": [
                    {
                        "InputName": f"in-{number}",
                        "S3Input": {
                            "S3Uri": uri,
                            "LocalPath": place,
                            "S3DataType": "S3Prefix",
                            "S3InputMode": "File",
                        },
                    }
                    for number, (place, uri) in enumerate(inputs.items())
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": f"out-{number}",
                            "S3Output": {"S3Uri": uri, "LocalPath": place, "S3UploadMode": mode},
                        }
                        for number, (place, uri) in enumerate(outputs.items())
                    ]
                },
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
                },
                **more,
            }
        )
        return name

    def processed(self, name: str, *states: str) -> dict[str, Any]:
        """Wait until a processing job has ended; return the description."""
        seen: dict[str, Any] = until(
            lambda: self.sagemaker.describe_processing_job(ProcessingJobName=name),
            lambda one: one["ProcessingJobStatus"] in (*ENDED, *states),
            PATIENCE,
        )
        return seen

    def model(self, **env: str) -> str:
        """Make a model that answers each line; return its name."""
        name = fresh("model")
        image = self.register("lines:1", ["python", str(Path(__file__).with_name("line_model.py"))])
        self.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer={"Image": image, "Environment": env}
        )
        return name

    def transform(self, model: str, uri: str, kind: str = "text/csv", **more: Any) -> str:
        """Start a transform job; return its name."""
        name = fresh("transform")
        data = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, "ContentType": kind}
        output = {"S3OutputPath": f"s3://{self.bucket}/scored"}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=model,
            TransformInput=data | more.pop("given", {}),
            TransformOutput=output | more.pop("output", {}),
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        )
        return name

    def transformed(self, name: str) -> dict[str, Any]:
        """Wait until a transform job has ended; return the description."""
        seen: dict[str, Any] = until(
            lambda: self.sagemaker.describe_transform_job(TransformJobName=name),
            lambda one: one["TransformJobStatus"] in ENDED,
            PATIENCE,
        )
        return seen

    def logs(self, group: str, job: str) -> list[str]:
        """Return what a job has printed."""
        client, group = self.aws("logs"), f"/aws/sagemaker/{group}"
        streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
        [stream] = [one["logStreamName"] for one in streams if not one["logStreamName"].endswith("data-log")]
        events = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        return [event["message"] for event in events]


def channel(name: str, uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    """Return a channel of a training job."""
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
