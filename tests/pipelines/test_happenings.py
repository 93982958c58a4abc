"""What EventBridge hears of executions, their steps and model packages, received in a queue as anybody would."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from pipeline_case import IMAGE, Caller, compare, condition, fail, get, processing


@pytest.fixture
def heard(caller: Caller) -> Any:
    """Return what a rule on everything of SageMaker's delivers until a detail is seen."""
    sqs, events = caller.client("sqs"), caller.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])

    def until(detail_type: str, key: str, value: str, seconds: float = 20.0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
            if any(one["detail-type"] == detail_type and one["detail"].get(key) == value for one in found):
                return [one for one in found if one["detail-type"] == detail_type]
            time.sleep(0.05)
        raise AssertionError(found)

    return until


def test_each_change_of_an_execution_is_heard(caller: Caller, heard: Any) -> None:
    """From Executing to its end, with the ARNs of the pipeline and of the execution."""
    pipeline = caller.create("p", [fail("A")])
    execution = caller.start("p")
    kind = "SageMaker Model Building Pipeline Execution Status Change"
    seen = heard(kind, "currentPipelineExecutionStatus", "Failed")
    statuses = [one["detail"]["currentPipelineExecutionStatus"] for one in seen]
    assert statuses == ["Executing", "Failed"]
    last = seen[-1]
    assert last["resources"] == [pipeline, execution]
    assert last["account"] == caller.account
    detail = last["detail"]
    assert detail["previousPipelineExecutionStatus"] == "Executing"
    assert detail["pipelineExecutionArn"] == execution
    assert detail["pipelineArn"] == pipeline
    assert detail["executionStartTime"] <= detail["executionEndTime"]
    assert detail["pipelineExecutionDisplayName"].startswith("execution-")


def test_each_change_of_a_step_is_heard(caller: Caller, heard: Any) -> None:
    """With its type, its times and what it made."""
    gate = condition("C", compare("Equals", get("Steps.A.ProcessingJobStatus"), "Completed"), no=[fail("F")])
    caller.create("p", [processing("A"), gate])
    execution = caller.start("p")
    caller.ended(execution)
    seen = heard("SageMaker Model Building Pipeline Execution Step Status Change", "stepName", "C")
    mine = [one["detail"] for one in seen if one["detail"]["stepName"] == "A"]
    assert [one["currentStepStatus"] for one in mine] == ["Starting", "Executing", "Succeeded"]
    assert mine[-1]["stepType"] == "Processing"
    assert mine[-1]["previousStepStatus"] == "Executing"
    job = caller.steps(execution)["A"]["Metadata"]["ProcessingJob"]["Arn"]
    assert mine[-1]["metadata"] == {"processingJob": {"arn": job}}
    assert mine[-1]["stepStartTime"] <= mine[-1]["stepEndTime"]


def test_the_approval_of_a_version_is_heard(caller: Caller, heard: Any) -> None:
    """With what it is now, and which field changed, so that a rule can tell an approval from a note."""
    sagemaker = caller.sagemaker
    sagemaker.create_model_package_group(ModelPackageGroupName="models")
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="models",
        InferenceSpecification={"Containers": [{"Image": IMAGE}]},
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
    seen = heard("SageMaker Model Package State Change", "ModelApprovalStatus", "Approved")
    assert [one["detail"]["ModelApprovalStatus"] for one in seen] == ["PendingManualApproval", "Approved"]
    assert seen[1]["resources"] == [arn]
    detail = seen[1]["detail"]
    assert detail["ModelPackageGroupName"] == "models"
    assert detail["ModelPackageVersion"] == 1
    assert detail["ApprovalDescription"] == "good"
    assert sorted(detail["UpdatedModelPackageFields"]) == ["ApprovalDescription", "ModelApprovalStatus"]
