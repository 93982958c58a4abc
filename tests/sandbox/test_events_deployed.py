"""What a program deploys starts runs by itself: the component for continuous training, in a sandbox that knows none."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from events_case import eventually
from provider_case import REGION

from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.facade import SandboxProvider

PROGRAM = """
import pulumi
import pulumi_aws as aws
from terrace_components.continuous_training import ContinuousTraining

config = pulumi.Config("trial")
region, account = config.require("region"), config.require("account")
here = aws.Provider("aws", region=region, allowed_account_ids=[account])
placement = {
    "organisation": "acme", "environment": "dev", "account": account, "region": region, "level": 2,
    "owner": "ml@acme.example", "cost_center": "ml", "data_class": "internal", "size": "small", "protect": False,
    "retention_days": 30, "kms_deletion_days": 7, "team": "ml", "model": "delays",
    "boundary_arn": f"arn:aws:iam::{account}:policy/boundary",
}
trained = ContinuousTraining(
    "training",
    {
        "placement": placement,
        "data_bucket": config.require("bucket"),
        "pipeline_arn": config.require("pipeline"),
        "logs_key_arn": f"arn:aws:kms:{region}:{account}:key/11111111-2222-3333-4444-555555555555",
        "on_new_data": True,
        "schedule": "rate(1 day)",
    },
    pulumi.ResourceOptions(provider=here),
)
pulumi.export("prefix", trained.watched_prefix)
"""


@pytest.fixture
def deployed(aws: SandboxClients, tmp_path: Path) -> dict[str, Any]:
    """The outputs of a program that deploys the triggers of a pipeline, with the pipeline and the bucket."""
    account = aws.account
    bucket, role = f"acme-dev-data-{account}", f"arn:aws:iam::{account}:role/train"
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    aws("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    aws("iam").create_policy(
        PolicyName="boundary", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": name, "Type": "String", "DefaultValue": ""} for name in ("DataKey", "DataVersion")],
        "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "Not today"}}],
    }
    pipeline = aws("sagemaker").create_pipeline(
        PipelineName="delays", PipelineDefinition=json.dumps(definition), ClientRequestToken="t" * 32, RoleArn=role
    )["PipelineArn"]
    (tmp_path / "main.py").write_text(PROGRAM)
    said = {"account": account, "region": REGION, "bucket": bucket, "pipeline": pipeline}
    config = {f"trial:{key}": value for key, value in said.items()}

    def connect(inputs: Any) -> SandboxProvider:
        provider = SandboxProvider(aws.url, tmp_path / "journal")
        provider.configure(inputs)
        return provider

    engine = EmbeddedEngine(tmp_path / "home", connect)
    program = Program("trial", "dev", tmp_path / "main.py", config)
    return {**engine.up(program).outputs, **said, "engine": engine, "program": program}


def _runs(aws: SandboxClients) -> list[dict[str, str]]:
    """Return the parameters of every run, newest first."""
    sagemaker = aws("sagemaker")
    found = sagemaker.list_pipeline_executions(PipelineName="delays")["PipelineExecutionSummaries"]
    answers = [
        sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=run["PipelineExecutionArn"])
        for run in found
    ]
    return [{one["Name"]: one["Value"] for one in answer["PipelineParameters"]} for answer in answers]


def test_what_is_deployed_starts_runs_and_stops_when_it_is_disabled(
    aws: SandboxClients, deployed: dict[str, Any]
) -> None:
    """The schedule starts a run at once, an upload another one with its key and version, a disabled rule none."""
    (by_the_clock,) = eventually(lambda: _runs(aws))
    assert by_the_clock.get("DataKey", "") == ""
    key = f"{deployed['prefix']}flights.csv"
    put = aws("s3").put_object(Bucket=deployed["bucket"], Key=key, Body=b"1")
    by_the_data, _ = eventually(lambda: len(found := _runs(aws)) == 2 and found)
    assert by_the_data == {"DataKey": key, "DataVersion": put["VersionId"]}
    aws("s3").put_object(Bucket=deployed["bucket"], Key="elsewhere/flights.csv", Body=b"1")
    (rule,) = aws("events").list_rules()["Rules"]
    aws("events").disable_rule(Name=rule["Name"])
    aws("s3").put_object(Bucket=deployed["bucket"], Key=key, Body=b"2")
    time.sleep(0.5)
    assert len(_runs(aws)) == 2


def test_what_cannot_start_a_run_is_in_the_deployed_queue(aws: SandboxClients, deployed: dict[str, Any]) -> None:
    """Without its pipeline, an upload ends in the dead-letter queue that the program made, with the reason."""
    eventually(lambda: _runs(aws))
    aws("sagemaker").delete_pipeline(PipelineName="delays", ClientRequestToken="t" * 32)
    aws("s3").put_object(Bucket=deployed["bucket"], Key=f"{deployed['prefix']}flights.csv", Body=b"1")
    (url,) = aws("sqs").list_queues()["QueueUrls"]
    asked = {"QueueUrl": url, "MessageAttributeNames": ["All"]}
    (dead,) = eventually(lambda: aws("sqs").receive_message(**asked).get("Messages"))
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert json.loads(dead["Body"])["detail"]["object"]["key"].endswith("flights.csv")


def test_what_was_changed_by_hand_is_found_and_mended(aws: SandboxClients, deployed: dict[str, Any]) -> None:
    """A refresh sees a rule, a schedule and a queue that somebody changed, and the next `up` puts them right."""
    engine, program = deployed["engine"], deployed["program"]
    assert not engine.up(program).updated
    assert not engine.refresh(program).updated
    events, scheduler, sqs = aws("events"), aws("scheduler"), aws("sqs")
    (rule,) = events.list_rules()["Rules"]
    events.put_rule(Name=rule["Name"], EventPattern='{"source": ["elsewhere"]}')
    (listed,) = scheduler.list_schedules()["Schedules"]
    where = {"Name": listed["Name"], "GroupName": listed["GroupName"]}
    known = scheduler.get_schedule(**where)
    kept = {key: known[key] for key in ("FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**where, **kept, ScheduleExpression="rate(2 days)")
    (url,) = sqs.list_queues()["QueueUrls"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})

    changed = {change.type.rpartition(":")[2] for change in engine.refresh(program).updated}
    assert changed == {"EventRule", "Schedule", "Queue"}
    mended = {change.type.rpartition(":")[2] for change in engine.up(program).updated}
    assert mended == changed
    assert events.describe_rule(Name=rule["Name"])["EventPattern"] == rule["EventPattern"]
    assert scheduler.get_schedule(**where)["ScheduleExpression"] == "rate(1 day)"
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
    assert told["MessageRetentionPeriod"] == str(14 * 24 * 3600)
