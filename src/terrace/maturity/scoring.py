"""The pipeline that scores what has arrived, in mode batch. Pure: from where things are to a definition of SageMaker's.

A job of the project's own image looks for what is new and writes a manifest of it; if there is anything, a batch
transform scores what the manifest names. https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from terrace.maturity.contract import ModelContract

VERSION = "2020-12-01"
IN, OUT, WORK = "in/", "out/", "work/"
"""Where, below the prefix of mode batch, records arrive, predictions are put, and runs keep what they found."""
COLLECT, DECIDE, SCORE = "Collect", "AnythingNew", "Score"
"""Names of the steps."""
WAIT = "AwaitRelease"
"""Name of the one step of a pipeline that waits for the released version."""
RETIRED = "NotInModeBatch"
"""Name of the one step of a pipeline whose model is not in mode batch any more."""
REPORT, MANIFEST = "collected.json", "manifest.json"
"""What the first step writes: what it found, and which objects are to be scored."""
REPORT_OUTPUT = "collected"
"""Name of the output that both are in."""
_WRITTEN = "/opt/ml/processing/output"
_VOLUME_GB = 30
_PAYLOAD_MB = 4
"""Megabytes of records in one request: what the projects' servers take."""
_PASSING = ("SageMaker.CAPACITY_ERROR", "SageMaker.JOB_INTERNAL_ERROR")
"""Failures of jobs that go by themselves; those of calls SageMaker tries again unasked."""


@dataclass(frozen=True)
class ScoringPlan:
    """Where a model scores, and on what.

    Attributes:
        environment: Name of the environment.
        data_bucket: Bucket that records arrive in.
        prefix: Prefix in it, with a slash at its end.
        collect_role_arn: Role of the job that looks for what is new.
        data_key_arn: Key of the data, records and predictions.
        volume_key_arn: Key of the instances' storage; None where AWS takes none.
        subnet_ids: Subnets of the jobs; none without a network.
        security_group_ids: Security groups of the jobs.
        instance_type: Instances of both jobs.
        instance_count: How many score.
    """

    environment: str
    data_bucket: str
    prefix: str
    collect_role_arn: str
    data_key_arn: str
    volume_key_arn: str | None
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    instance_type: str
    instance_count: int

    @classmethod
    def of(cls, contract: ModelContract) -> ScoringPlan:
        """Return the plan of a model in mode batch, as its contract tells it.

        Raises:
            ValueError: The model is in another mode.
        """
        serving, batch = contract.serving, contract.batch
        if batch is None or serving.prefix is None:
            raise ValueError(f"{contract.model} is in mode {serving.mode}, which has no scoring pipeline")
        return cls(
            environment=contract.environment,
            data_bucket=contract.data_bucket,
            prefix=serving.prefix,
            collect_role_arn=batch.collect_role_arn,
            data_key_arn=contract.data_key_arn or "",
            volume_key_arn=serving.kms_key_arn,
            subnet_ids=serving.subnet_ids,
            security_group_ids=serving.security_group_ids,
            instance_type=serving.instance_type or "",
            instance_count=serving.instance_count or 1,
        )

    @property
    def input_uri(self) -> str:
        """Where records arrive."""
        return f"s3://{self.data_bucket}/{self.prefix}{IN}"

    @property
    def output_uri(self) -> str:
        """Where predictions are put."""
        return f"s3://{self.data_bucket}/{self.prefix}{OUT}"

    def definition(self, model: str, image: str) -> dict[str, Any]:
        """Return the definition of the pipeline.

        Args:
            model: Name of the SageMaker model that scores unless a run names another.
            image: The image of its code, which looks for what is new.
        """
        return {
            "Version": VERSION,
            "Parameters": [
                _parameter("ModelName", "String", model),
                _parameter("Image", "String", image),
                _parameter("InputUri", "String", self.input_uri),
                _parameter("OutputUri", "String", self.output_uri),
                _parameter("InstanceType", "String", self.instance_type),
                _parameter("InstanceCount", "Integer", self.instance_count),
            ],
            "Steps": [self._collect(), self._decide()],
        }

    def _collect(self) -> dict[str, Any]:
        work = _join(f"s3://{self.data_bucket}/{self.prefix}{WORK.rstrip('/')}", _get("Execution.PipelineExecutionId"))
        machine = {
            "InstanceType": _get("Parameters.InstanceType"),
            "InstanceCount": 1,
            "VolumeSizeInGB": _VOLUME_GB,
            **self._volume_key(),
        }
        arguments: dict[str, Any] = {
            "ProcessingResources": {"ClusterConfig": machine},
            # The image's own entry point takes the command.
            "AppSpecification": {
                "ImageUri": _get("Parameters.Image"),
                "ContainerArguments": [
                    "collect",
                    "--input",
                    _get("Parameters.InputUri"),
                    "--output",
                    _get("Parameters.OutputUri"),
                ],
            },
            "RoleArn": self.collect_role_arn,
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": REPORT_OUTPUT,
                        "S3Output": {"S3Uri": work, "LocalPath": _WRITTEN, "S3UploadMode": "EndOfJob"},
                    }
                ],
                "KmsKeyId": self.data_key_arn,
            },
            "Environment": {"ENVIRONMENT": self.environment, "WORK_URI": work},
        }
        if self.subnet_ids:
            vpc = {"Subnets": list(self.subnet_ids), "SecurityGroupIds": list(self.security_group_ids)}
            arguments["NetworkConfig"] = {"VpcConfig": vpc}
        return {
            "Name": COLLECT,
            "Type": "Processing",
            "Arguments": arguments,
            "PropertyFiles": [
                {"PropertyFileName": "Collected", "OutputName": REPORT_OUTPUT, "FilePath": REPORT},
            ],
            "RetryPolicies": _retries(),
        }

    def _decide(self) -> dict[str, Any]:
        found = {"PropertyFile": _get(f"Steps.{COLLECT}.PropertyFiles.Collected"), "Path": "objects"}
        return {
            "Name": DECIDE,
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "GreaterThan", "LeftValue": {"Std:JsonGet": found}, "RightValue": 0}],
                "IfSteps": [self._score()],
                "ElseSteps": [],
            },
        }

    def _score(self) -> dict[str, Any]:
        written = f"Steps.{COLLECT}.ProcessingOutputConfig.Outputs['{REPORT_OUTPUT}'].S3Output.S3Uri"
        source = {"S3DataType": "ManifestFile", "S3Uri": _join(_get(written), MANIFEST)}
        return {
            "Name": SCORE,
            "Type": "Transform",
            "Arguments": {
                # Network and isolation are the model's.
                "ModelName": _get("Parameters.ModelName"),
                "BatchStrategy": "MultiRecord",
                "MaxPayloadInMB": _PAYLOAD_MB,
                "TransformInput": {
                    "DataSource": {"S3DataSource": source},
                    "ContentType": "application/jsonlines",
                    "SplitType": "Line",
                    "CompressionType": "None",
                },
                "TransformOutput": {
                    "S3OutputPath": _get("Parameters.OutputUri"),
                    "Accept": "application/jsonlines",
                    "AssembleWith": "Line",
                    "KmsKeyId": self.data_key_arn,
                },
                "TransformResources": {
                    "InstanceType": _get("Parameters.InstanceType"),
                    "InstanceCount": _get("Parameters.InstanceCount"),
                    **self._volume_key(),
                },
            },
            "RetryPolicies": _retries(),
        }

    def _volume_key(self) -> dict[str, str]:
        return {"VolumeKmsKeyId": self.volume_key_arn} if self.volume_key_arn else {}


def unsettled() -> dict[str, Any]:
    """Return the definition of a pipeline that waits for the released version: it succeeds and scores nothing.

    A model that comes from another mode has a released version, and a schedule fires as soon as it is made. What the
    baseline scored then would never be scored by the version.
    """
    return _idle(WAIT, "The released version is not brought here yet: `terrace up ENV --project PATH` does it.")


def retired() -> dict[str, Any]:
    """Return the definition of a pipeline whose model has another mode: it is there for the history of its runs."""
    return _idle(RETIRED, "The model is not in mode batch any more: set terrace:mode to batch to score here again.")


def _idle(name: str, why: str) -> dict[str, Any]:
    """Return a definition that succeeds, does nothing, and says why."""
    step = {
        "Name": name,
        "Type": "Condition",
        "Description": why,
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": _get("Execution.PipelineName"), "RightValue": ""}],
            "IfSteps": [],
            "ElseSteps": [],
        },
    }
    return {"Version": VERSION, "Parameters": [], "Steps": [step]}


def _parameter(name: str, kind: str, default: str | int) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "DefaultValue": default}


def _get(path: str) -> dict[str, str]:
    return {"Get": path}


def _join(*values: str | Mapping[str, str]) -> dict[str, Any]:
    return {"Std:Join": {"On": "/", "Values": list(values)}}


def _retries() -> list[dict[str, Any]]:
    return [{"ExceptionType": list(_PASSING), "IntervalSeconds": 60, "BackoffRate": 2.0, "MaxAttempts": 3}]
