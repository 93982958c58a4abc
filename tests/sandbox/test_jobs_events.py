"""Jobs tell EventBridge what becomes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from job_case import JobCase
from serving import until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def test_a_job_tells_each_change_of_its_state(jobs: JobCase) -> None:
    """A rule for AWS's detail type passes on AWS's detail: names, states, times in milliseconds, the reason."""
    queue = jobs.aws("sqs").create_queue(QueueName="told")["QueueUrl"]
    events = jobs.aws("events")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    events.put_rule(Name="jobs", EventPattern=json.dumps(pattern))
    arn = jobs.aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="jobs", Targets=[{"Id": "q", "Arn": arn}])
    name = jobs.training("raise SystemExit(2)", Tags=[{"Key": "team", "Value": "ml"}])
    job = jobs.trained(name)
    told: list[dict[str, Any]] = []

    def hear() -> list[dict[str, Any]]:
        found = jobs.aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        told.extend(json.loads(one["Body"]) for one in found)
        return told

    # A queue keeps no order.
    until(hear, lambda seen: len(seen) == 4)
    states = {one["detail"]["SecondaryStatus"]: one for one in told}
    assert set(states) == {"Starting", "Downloading", "Training", "Failed"}
    last = states["Failed"]
    assert last["resources"] == [job["TrainingJobArn"]]
    assert last["account"] == jobs.aws.account
    assert last["detail"]["FailureReason"] == "AlgorithmError: , exit code: 2"
    assert last["detail"]["Tags"] == {"team": "ml"}
    assert last["detail"]["CreationTime"] == int(job["CreationTime"].timestamp() * 1000)
