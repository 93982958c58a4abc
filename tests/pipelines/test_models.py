"""A model from raw data to the registry, as a boto3 client sees it that knows nothing of Terrace."""

from __future__ import annotations

import re
from typing import Any

from pipeline_case import (
    IMAGE,
    Caller,
    compare,
    condition,
    fail,
    get,
    join,
    processing,
    processing_input,
    python,
    training,
)

PREPARE = """
import pathlib
rows = pathlib.Path("/opt/ml/processing/input/data.csv").read_text().split()
print("prepared", len(rows), "rows")
pathlib.Path("/opt/ml/processing/train/data.csv").write_text("\\n".join(rows))
"""
TRAIN = """
import json, pathlib
parameters = json.load(open("/opt/ml/input/config/hyperparameters.json"))
rows = pathlib.Path("/opt/ml/input/data/train/data.csv").read_text().split()
print("trained on", len(rows), "rows with", parameters)
pathlib.Path("/opt/ml/model/model.json").write_text(json.dumps({"rows": len(rows), **parameters}))
"""
EVALUATE = """
import json, pathlib, tarfile
with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    model = json.load(archive.extractfile("model.json"))
pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text(
    json.dumps({"metrics": {"score": {"value": model["rows"] / 10}}})
)
"""


def _outputs(**outputs: tuple[Any, str]) -> dict[str, Any]:
    return {
        "Outputs": [
            {
                "OutputName": name,
                "AppManaged": False,
                "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"},
            }
            for name, (uri, path) in outputs.items()
        ]
    }


def _pipeline(bucket: str) -> tuple[list[Any], list[Any]]:
    """Return steps and parameters of a pipeline that prepares, trains, evaluates and registers."""
    here = join("/", f"s3://{bucket}", get("Execution.PipelineExecutionId"))
    prepare = processing(
        "Prepare",
        {
            **python(PREPARE),
            "ProcessingInputs": [processing_input(get("Parameters.Data"), "/opt/ml/processing/input")],
            "ProcessingOutputConfig": _outputs(train=(join("/", here, "train"), "/opt/ml/processing/train")),
        },
    )
    channel = {
        "ChannelName": "train",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"),
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    train = training(
        "Train",
        TRAIN,
        join("/", here, "model"),
        arguments={"InputDataConfig": [channel], "HyperParameters": {"depth": get("Parameters.Depth")}},
    )
    model = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    evaluate = processing(
        "Evaluate",
        {
            **python(EVALUATE),
            "ProcessingInputs": [processing_input(model, "/opt/ml/processing/model")],
            "ProcessingOutputConfig": _outputs(
                evaluation=(join("/", here, "evaluation"), "/opt/ml/processing/evaluation")
            ),
        },
        PropertyFiles=[{"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}],
    )
    score = {
        "Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Evaluation"), "Path": "metrics.score.value"}
    }
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "models",
            "ModelApprovalStatus": "PendingManualApproval",
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {
                        "ContentType": "application/json",
                        "S3Uri": join("/", here, "evaluation/evaluation.json"),
                    }
                }
            },
            "InferenceSpecification": {
                "Containers": [{"Image": IMAGE, "ModelDataUrl": model}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            "CustomerMetadataProperties": {"execution": get("Execution.PipelineExecutionArn")},
        },
    }
    gate = condition(
        "Gate",
        compare("GreaterThanOrEqualTo", score, get("Parameters.Least")),
        [register],
        [fail("Refused", join(" ", "a score of", score, "is below", get("Parameters.Least")))],
    )
    parameters = [
        {"Name": "Data", "Type": "String", "DefaultValue": f"s3://{bucket}/data"},
        {"Name": "Depth", "Type": "Integer", "DefaultValue": 3},
        {"Name": "Least", "Type": "Float", "DefaultValue": 0.25},
    ]
    return [prepare, train, evaluate, gate], parameters


def _log(caller: Caller, group: str, job: str) -> str:
    logs = caller.client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"]
    return "\n".join(
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    )


def test_a_model_is_prepared_trained_evaluated_and_registered(caller: Caller, bucket: str) -> None:
    """Each step is an ordinary job with its log, and the version in the registry is what was trained."""
    steps, parameters = _pipeline(bucket)
    caller.create("p", steps, parameters)
    arn = caller.start("p", Depth="5")
    assert caller.ended(arn)["PipelineExecutionStatus"] == "Succeeded", caller.reasons(arn)
    found = caller.steps(arn)
    assert list(found) == ["Prepare", "Train", "Evaluate", "Gate", "Register"]
    assert {step["StepStatus"] for step in found.values()} == {"Succeeded"}
    assert all(step["StartTime"] <= step["EndTime"] and step["AttemptCount"] == 1 for step in found.values())

    job = found["Prepare"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
    identifier = arn.rsplit("/", 1)[1]
    assert re.fullmatch(rf"pipelines-{identifier}-Prepare-[a-z0-9]{{10}}", job)
    assert caller.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Completed"
    assert "prepared 3 rows" in _log(caller, "/aws/sagemaker/ProcessingJobs", job)
    trained = found["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    described = caller.sagemaker.describe_training_job(TrainingJobName=trained)
    assert described["HyperParameters"] == {"depth": "5"}
    assert "trained on 3 rows with {'depth': '5'}" in _log(caller, "/aws/sagemaker/TrainingJobs", trained)
    assert found["Gate"]["Metadata"]["Condition"] == {"Outcome": "True"}

    [listed] = caller.sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]
    assert listed["ModelPackageArn"] == found["Register"]["Metadata"]["RegisterModel"]["Arn"]
    package = caller.sagemaker.describe_model_package(ModelPackageName=listed["ModelPackageArn"])
    [container] = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == described["ModelArtifacts"]["S3ModelArtifacts"]
    assert package["CustomerMetadataProperties"] == {"execution": arn}
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith("/evaluation/evaluation.json")


def test_a_gate_refuses_with_a_reason_and_registers_nothing(caller: Caller, bucket: str) -> None:
    """The message of the Fail step has the numbers, and the execution says that a step failed."""
    steps, parameters = _pipeline(bucket)
    caller.create("p", steps, parameters)
    arn = caller.start("p", Least="0.5")
    ended = caller.ended(arn)
    assert ended["PipelineExecutionStatus"] == "Failed"
    assert ended["FailureReason"] == "Step failure: One or multiple steps failed."
    refused = caller.steps(arn)["Refused"]
    assert refused["FailureReason"] == "a score of 0.3 is below 0.5"
    assert refused["Metadata"]["Fail"] == {"ErrorMessage": "a score of 0.3 is below 0.5"}
    assert caller.sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"] == []
