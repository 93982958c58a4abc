"""What rings of a training pipeline: failures, and neither a pipeline without a definition nor a gate that refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from events_case import eventually
from pipeline_case import compare, condition, fail
from provider_case import REGION

from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.facade import SandboxProvider

NAME = "acme-dev-ml-delays"
PROGRAM = """
import pulumi
import pulumi_aws as aws
from terrace_components.continuous_training import ContinuousTraining
from terrace_components.training_pipeline import TrainingPipeline

config = pulumi.Config("trial")
region, account = config.require("region"), config.require("account")
inside = pulumi.ResourceOptions(provider=aws.Provider("aws", region=region, allowed_account_ids=[account]))
key = f"arn:aws:kms:{region}:{account}:key/11111111-2222-3333-4444-555555555555"
said = {
    "placement": {
        "organisation": "acme", "environment": "dev", "account": account, "region": region, "level": 2,
        "owner": "ml@acme.example", "cost_center": "ml", "data_class": "internal", "size": "small", "protect": False,
        "retention_days": 30, "kms_deletion_days": 7, "team": "ml", "model": "delays",
        "boundary_arn": f"arn:aws:iam::{account}:policy/boundary",
    },
    "data_bucket": f"acme-dev-data-{account}",
    "alarm_topic_arn": f"arn:aws:sns:{region}:{account}:alarms",
}
pipeline = TrainingPipeline(
    "pipeline",
    {
        **said, "artifact_bucket": f"acme-dev-artifacts-{account}", "data_key_arn": key, "models_key_arn": key,
        "train_role_arn": f"arn:aws:iam::{account}:role/train",
        "deploy_role_arn": f"arn:aws:iam::{account}:role/deploy", "tracking_kind": "mlflow",
    },
    inside,
)
ContinuousTraining(
    "triggers",
    {
        **said, "pipeline_arn": pipeline.pipeline_arn, "logs_key_arn": key, "on_new_data": False,
        "schedule": "rate(1 day)",
    },
    inside,
)
"""


@pytest.fixture
def deployed(aws: SandboxClients, tmp_path: Path) -> None:
    """A pipeline that nobody published, with its schedule and its alarms."""
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::acme-dev-data-{aws.account}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    aws("iam").create_policy(PolicyName="boundary", PolicyDocument=document)
    trusts = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    for role in ("train", "deploy"):
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trusts]})
        aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    aws("sns").create_topic(Name="alarms")

    def connect(inputs: Any) -> SandboxProvider:
        provider = SandboxProvider(aws.url, tmp_path / "journal")
        provider.configure(inputs)
        return provider

    (tmp_path / "main.py").write_text(PROGRAM)
    config = {"trial:account": aws.account, "trial:region": REGION}
    EmbeddedEngine(tmp_path / "home", connect).up(Program("trial", "dev", tmp_path / "main.py", config))


def _ended(aws: SandboxClients, runs: int) -> list[str]:
    """Return the statuses of so many runs, newest first, once all have ended."""
    listed = aws("sagemaker").list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"]
    found = [one["PipelineExecutionStatus"] for one in listed]
    return found if len(found) == runs and not {"Executing", "Stopping"} & set(found) else []


def _publish_and_run(aws: SandboxClients, *steps: Any) -> None:
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
    aws("sagemaker").update_pipeline(PipelineName=NAME, PipelineDefinition=definition)
    aws("sagemaker").start_pipeline_execution(PipelineName=NAME)


def _states(aws: SandboxClients) -> list[str]:
    """Return all states that the alarm on failed runs has had so far, oldest first."""
    told = aws("cloudwatch").describe_alarm_history(AlarmName=f"{NAME}-failed-runs", HistoryItemType="StateUpdate")
    items = sorted(told["AlarmHistoryItems"], key=lambda one: one["Timestamp"])
    return [json.loads(one["HistoryData"])["newState"]["stateValue"] for one in items]


def _counted(aws: SandboxClients, metric: str, step: str) -> bool:
    listed = aws("cloudwatch").list_metrics(Namespace="AWS/Sagemaker/ModelBuildingPipeline", MetricName=metric)
    return any({"Name": "StepName", "Value": step} in one["Dimensions"] for one in listed["Metrics"])


@pytest.mark.slow
@pytest.mark.usefixtures("deployed")
def test_a_failure_rings_but_neither_a_refusal_nor_a_pipeline_without_a_definition(aws: SandboxClients) -> None:
    """The schedule's first run does nothing and succeeds; a gate's refusal is Failed and rings nobody; a crash does."""
    assert eventually(lambda: _ended(aws, 1)) == ["Succeeded"]
    assert eventually(lambda: _counted(aws, "StepSucceeded", "Unpublished"))

    gate = condition("Gate", [compare("Equals", 1, 2)], no=[fail("Refused", "worse than production")])
    _publish_and_run(aws, gate)
    assert eventually(lambda: _ended(aws, 2)) == ["Failed", "Succeeded"]
    assert eventually(lambda: _counted(aws, "StepFailed", "Refused"))
    assert "ALARM" not in _states(aws)

    _publish_and_run(aws, fail("Train", "crashed"))
    # The sandbox waits for the end of a minute where metrics are computed with, as CloudWatch does.
    assert eventually(lambda: "ALARM" in _states(aws), 90)
    ring = aws("cloudwatch").describe_alarms(AlarmNames=[f"{NAME}-failed-runs"])["MetricAlarms"][0]
    # One of the two failures was the gate's.
    assert "[1.0" in ring["StateReason"], ring["StateReason"]
