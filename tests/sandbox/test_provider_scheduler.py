"""Schedules and their groups, from the inputs of a program to what AWS shows."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.scheduler import Schedule, ScheduleGroup

SCHEDULE, GROUP = Schedule(), ScheduleGroup()
QUEUE = f"arn:aws:sqs:{REGION}:<ACCOUNT>:letters"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"


def _group(aws: Clients, state: State) -> Any:
    client = aws("scheduler")
    seen = client.get_schedule_group(Name=state.id)
    return {**seen, "Tags": named(client.list_tags_for_resource(ResourceArn=seen["Arn"])["Tags"])}


def _schedule(aws: Clients, state: State) -> Any:
    group, _, name = state.id.partition("/")
    seen = aws("scheduler").get_schedule(GroupName=group, Name=name)
    dates = {key: f"{seen[key]:%Y-%m-%dT%H:%M:%SZ}" for key in ("StartDate", "EndDate") if key in seen}
    return {**seen, **dates}


def _given_group(aws: Clients) -> dict[str, str]:
    GROUP.create(aws, {"name": "delays"})
    return {}


def _target(arn: str, **more: Any) -> dict[str, Any]:
    return {"arn": arn, "roleArn": f"arn:aws:iam::<ACCOUNT>:role/{len(more)}", **more}


CASES = [
    Case(
        "schedule group",
        GROUP,
        before={"name": "delays", "tags": {"owner": "ml@example.com", "level": "2"}},
        after={"name": "delays", "tags": {"owner": "platform@example.com"}},
        look=_group,
        shows={"name": "Name", "tags": "Tags"},
    ),
    Case(
        "schedule of a pipeline",
        SCHEDULE,
        before={
            "actionAfterCompletion": "NONE",
            "description": "Nightly",
            "endDate": "2099-01-01T00:00:00Z",
            "flexibleTimeWindow": {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15},
            "groupName": "delays",
            "kmsKeyArn": f"{KEY}0",
            "name": "nightly",
            "scheduleExpression": "cron(0 3 * * ? *)",
            "scheduleExpressionTimezone": "Europe/Berlin",
            "startDate": "2098-01-01T00:00:00Z",
            "state": "ENABLED",
            "target": _target(
                f"arn:aws:sagemaker:{REGION}:<ACCOUNT>:pipeline/one",
                deadLetterConfig={"arn": f"{QUEUE}-1"},
                retryPolicy={"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 3},
                sagemakerPipelineParameters={"pipelineParameters": [{"name": "DataKey", "value": "a"}]},
            ),
        },
        after={
            "actionAfterCompletion": "DELETE",
            "description": "Weekly",
            "endDate": "2099-02-01T00:00:00Z",
            "flexibleTimeWindow": {"mode": "FLEXIBLE", "maximumWindowInMinutes": 30},
            "groupName": "delays",
            "kmsKeyArn": f"{KEY}1",
            "name": "nightly",
            "scheduleExpression": "cron(0 4 ? * MON *)",
            "scheduleExpressionTimezone": "Europe/London",
            "startDate": "2098-02-01T00:00:00Z",
            "state": "DISABLED",
            "target": {
                **_target(
                    f"arn:aws:sagemaker:{REGION}:<ACCOUNT>:pipeline/other",
                    deadLetterConfig={"arn": f"{QUEUE}-2"},
                    retryPolicy={"maximumEventAgeInSeconds": 7200, "maximumRetryAttempts": 0},
                    sagemakerPipelineParameters={"pipelineParameters": [{"name": "Key", "value": "b"}]},
                ),
                "roleArn": "arn:aws:iam::<ACCOUNT>:role/other",
            },
        },
        look=_schedule,
        shows={
            "actionAfterCompletion": "ActionAfterCompletion",
            "description": "Description",
            "endDate": "EndDate",
            "flexibleTimeWindow.maximumWindowInMinutes": "FlexibleTimeWindow.MaximumWindowInMinutes",
            "groupName": "GroupName",
            "kmsKeyArn": "KmsKeyArn",
            "name": "Name",
            "scheduleExpression": "ScheduleExpression",
            "scheduleExpressionTimezone": "ScheduleExpressionTimezone",
            "startDate": "StartDate",
            "state": "State",
            "target.arn": "Target.Arn",
            "target.deadLetterConfig.arn": "Target.DeadLetterConfig.Arn",
            "target.retryPolicy.maximumEventAgeInSeconds": "Target.RetryPolicy.MaximumEventAgeInSeconds",
            "target.retryPolicy.maximumRetryAttempts": "Target.RetryPolicy.MaximumRetryAttempts",
            "target.roleArn": "Target.RoleArn",
            "target.sagemakerPipelineParameters.pipelineParameters.name": (
                "Target.SageMakerPipelineParameters.PipelineParameterList[].Name"
            ),
            "target.sagemakerPipelineParameters.pipelineParameters.value": (
                "Target.SageMakerPipelineParameters.PipelineParameterList[].Value"
            ),
        },
        given=_given_group,
    ),
    Case(
        "schedule of a queue",
        SCHEDULE,
        before={
            "flexibleTimeWindow": {"mode": "FLEXIBLE", "maximumWindowInMinutes": 5},
            "name": "hourly",
            "scheduleExpression": "rate(1 hours)",
            "target": _target(f"{QUEUE}.fifo", input='{"a": 1}', sqsParameters={"messageGroupId": "one"}),
        },
        after={
            "flexibleTimeWindow": {"mode": "OFF"},
            "name": "hourly",
            "scheduleExpression": "rate(2 hours)",
            "target": _target(f"{QUEUE}.fifo", input='{"a": 2}', sqsParameters={"messageGroupId": "other"}),
        },
        look=_schedule,
        shows={
            "flexibleTimeWindow.mode": "FlexibleTimeWindow.Mode",
            "target.input": "Target.Input",
            "target.sqsParameters.messageGroupId": "Target.SqsParameters.MessageGroupId",
        },
    ),
    Case(
        "schedule of an event",
        SCHEDULE,
        before={
            "flexibleTimeWindow": {"mode": "OFF"},
            "name": "told",
            "scheduleExpression": "rate(1 hours)",
            "target": _target(
                f"arn:aws:events:{REGION}:<ACCOUNT>:event-bus/default",
                eventbridgeParameters={"detailType": "Time", "source": "clock"},
                input="{}",
            ),
        },
        after={
            "flexibleTimeWindow": {"mode": "OFF"},
            "name": "told",
            "scheduleExpression": "rate(1 hours)",
            "target": _target(
                f"arn:aws:events:{REGION}:<ACCOUNT>:event-bus/default",
                eventbridgeParameters={"detailType": "Hour", "source": "watch"},
                input="{}",
            ),
        },
        look=_schedule,
        shows={
            "target.eventbridgeParameters.detailType": "Target.EventBridgeParameters.DetailType",
            "target.eventbridgeParameters.source": "Target.EventBridgeParameters.Source",
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_the_scheduler_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a schedule and of its group is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [SCHEDULE, GROUP], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_the_same_instant_is_no_change() -> None:
    """A date in another zone, and a default that is written out, change nothing."""
    one = {"name": "s", "startDate": "2098-01-01T01:00:00+01:00"}
    other = {"name": "s", "startDate": "2098-01-01T00:00:00Z", "state": "ENABLED", "groupName": "default"}
    assert not SCHEDULE.diff(one, other)


def test_groups_are_made_once_and_take_their_schedules_with_them(aws: Clients) -> None:
    """A second group of a name is refused, a schedule in an unknown group too; without its group a schedule is gone."""
    scheduler = aws("scheduler")
    GROUP.create(aws, {"name": "delays"})
    with pytest.raises(ClientError, match="ConflictException"):
        scheduler.create_schedule_group(Name="delays")
    inputs = {
        "flexibleTimeWindow": {"mode": "OFF"},
        "groupName": "delays",
        "name": "s",
        "scheduleExpression": "rate(1 hours)",
        "target": {"arn": QUEUE, "roleArn": "arn:aws:iam::123456789012:role/r"},
    }
    made = SCHEDULE.create(aws, inputs)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        SCHEDULE.create(aws, {**inputs, "groupName": "unknown"})
    GROUP.delete(aws, "delays", {})
    assert SCHEDULE.read(aws, made.id, inputs) is None
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        scheduler.delete_schedule_group(Name="delays")


def test_what_terrace_did_not_make_can_be_taken_over(aws: Clients) -> None:
    """A read that knows nothing but the name tells all inputs, so that an import finds no change."""
    told = {
        "flexibleTimeWindow": {"mode": "OFF"},
        "name": "found",
        "scheduleExpression": "rate(1 hours)",
        "startDate": "2098-01-01T00:00:00Z",
        "state": "ENABLED",
    }
    target = {"arn": f"arn:aws:sqs:{REGION}:{aws.account}:letters", "roleArn": f"arn:aws:iam::{aws.account}:role/r"}
    made = SCHEDULE.create(aws, {**told, "target": {**target, "input": "hello"}})
    seen = SCHEDULE.read(aws, made.id, {})
    assert seen is not None
    assert {key: seen.outputs[key] for key in told} == told
    assert seen.outputs["target"]["input"] == "hello"
