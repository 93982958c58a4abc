"""Schedules call their targets when they are due, and are refused when they never could."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError
from events_case import ROLE, eventually, heard, messages, queue, rule, silent
from provider_case import REGION

from terrace.sandbox import Sandbox
from terrace.sandbox.events.alarmclock import AlarmClock
from terrace.sandbox.events.expressions import parse
from terrace.sandbox.events.timed_rules import TimedRules
from terrace.sandbox.provider.base import Clients
from terrace.sandbox.provider.clients import SandboxClients

OFF = {"Mode": "OFF"}


def _schedule(aws: Clients, expression: str, target: dict[str, Any], **more: Any) -> None:
    settings = {"Name": "timed", "ScheduleExpression": expression, "FlexibleTimeWindow": OFF, **more}
    aws("scheduler").create_schedule(**settings, Target={"RoleArn": ROLE, **target})


def _at(seconds: float, zone: str = "UTC") -> str:
    return f"at({datetime.now(ZoneInfo(zone)) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S})"


def test_a_single_time_comes_once(aws: Clients) -> None:
    """A schedule for a moment ahead calls its target then, once, with AWS's own words for what happened."""
    began = datetime.now(UTC)
    _schedule(aws, _at(2), {"Arn": queue(aws)})
    (event,) = heard(aws)
    assert datetime.now(UTC) - began >= timedelta(seconds=1)
    arn = f"arn:aws:scheduler:{REGION}:{aws.account}:schedule/default/timed"
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.scheduler", "Scheduled Event", [arn])
    assert silent(aws)


def test_a_single_time_that_has_just_passed_comes_at_once(aws: Clients) -> None:
    """A schedule for a minute ago is not lost."""
    _schedule(aws, _at(-60), {"Arn": queue(aws)})
    heard(aws)


def test_a_time_is_that_of_its_zone(aws: Clients) -> None:
    """The clock that a schedule looks at hangs where it says."""
    _schedule(aws, _at(1, "Asia/Tokyo"), {"Arn": queue(aws)}, ScheduleExpressionTimezone="Asia/Tokyo")
    heard(aws)


def test_a_rate_begins_at_once_or_at_its_start(aws: Clients) -> None:
    """A rate without a start date calls its target immediately, one with a start date then."""
    _schedule(aws, "rate(5 minutes)", {"Arn": queue(aws)})
    heard(aws)
    start = datetime.now(UTC) + timedelta(seconds=3)
    _schedule(aws, "rate(1 minute)", {"Arn": queue(aws, "later")}, Name="later", StartDate=start)
    assert silent(aws, "later")
    heard(aws, name="later")


def test_a_disabled_schedule_does_nothing_until_it_is_enabled(aws: Clients) -> None:
    """The state of a schedule holds when it is due, and an update alone repeats nothing."""
    target = {"Arn": queue(aws), "RoleArn": ROLE}
    _schedule(aws, "rate(5 minutes)", target, State="DISABLED")
    assert silent(aws)
    known = {"Name": "timed", "FlexibleTimeWindow": OFF, "Target": target}
    aws("scheduler").update_schedule(ScheduleExpression="rate(5 minutes)", Description="same", **known)
    assert silent(aws)
    aws("scheduler").update_schedule(ScheduleExpression=_at(1), **known)
    heard(aws)


def test_a_schedule_that_is_over_can_delete_itself(aws: Clients) -> None:
    """`ActionAfterCompletion` DELETE removes a schedule after its last time; NONE keeps it."""
    scheduler = aws("scheduler")
    _schedule(aws, _at(1), {"Arn": queue(aws)}, ActionAfterCompletion="DELETE")
    _schedule(aws, _at(1), {"Arn": queue(aws, "kept")}, Name="kept", ActionAfterCompletion="NONE")
    heard(aws)
    heard(aws, name="kept")
    eventually(lambda: [one["Name"] for one in scheduler.list_schedules()["Schedules"]] == ["kept"])


def test_a_deleted_schedule_is_never_due(aws: Clients) -> None:
    """What was due a moment later is not, once the schedule is gone."""
    _schedule(aws, _at(3), {"Arn": queue(aws)})
    aws("scheduler").delete_schedule(Name="timed")
    assert silent(aws, seconds=3)


def test_an_input_tells_when_and_by_what_it_was_called(aws: Clients) -> None:
    """The words of the Scheduler in an input stand for the schedule, its time, the execution and the attempt."""
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = json.dumps({name: f"<aws.scheduler.{name}>" for name in names})
    _schedule(aws, _at(0), {"Arn": queue(aws), "Input": text})
    (said,) = heard(aws)
    assert said["schedule-arn"].endswith(":schedule/default/timed")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["scheduled-time"])
    assert re.fullmatch(r"[0-9a-f]{32}", said["execution-id"])
    assert said["attempt-number"] == "1"


def test_an_event_is_put_on_a_bus(aws: Clients) -> None:
    """A schedule of an event bus puts an event there, which rules then see."""
    rule(aws, {"source": ["clock"]}, {"Arn": queue(aws)})
    bus = f"arn:aws:events:{REGION}:{aws.account}:event-bus/default"
    said = {"DetailType": "Time", "Source": "clock"}
    _schedule(aws, _at(0), {"Arn": bus, "EventBridgeParameters": said, "Input": '{"n": 1}'})
    (event,) = heard(aws)
    assert (event["detail-type"], event["detail"]) == ("Time", {"n": 1})


def test_any_operation_can_be_called(aws: Clients) -> None:
    """A universal target is an operation by its name, and the input its parameters."""
    queue(aws)
    url = aws("sqs").get_queue_url(QueueName="heard")["QueueUrl"]
    send = {"QueueUrl": url, "MessageBody": "<aws.scheduler.scheduled-time>"}
    _schedule(aws, _at(0), {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": json.dumps(send)})
    assert messages(aws)[0]["Body"].endswith("Z")
    put = {"Name": "/from/schedule", "Value": "yes", "Type": "String"}
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:ssm:putParameter", "Input": json.dumps(put)}
    _schedule(aws, _at(0), target, Name="parameter")
    found = eventually(lambda: aws("ssm").get_parameters(Names=["/from/schedule"])["Parameters"])
    assert found[0]["Value"] == "yes"


def test_a_pipeline_is_started_with_its_parameters(aws: Clients) -> None:
    """A schedule starts a pipeline, with the parameters that it says."""
    sagemaker = aws("sagemaker")
    definition = (
        '{"Version": "2020-12-01", "Parameters": [{"Name": "DataKey", "Type": "String", "DefaultValue": ""}],'
        ' "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "Not today"}}]}'
    )
    arn = sagemaker.create_pipeline(
        PipelineName="train", PipelineDefinition=definition, ClientRequestToken="t" * 32, RoleArn=ROLE
    )["PipelineArn"]
    parameters = {"PipelineParameterList": [{"Name": "DataKey", "Value": "all"}]}
    _schedule(aws, _at(0), {"Arn": arn, "SageMakerPipelineParameters": parameters})
    (run,) = eventually(lambda: sagemaker.list_pipeline_executions(PipelineName="train")["PipelineExecutionSummaries"])
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=run["PipelineExecutionArn"])
    assert given["PipelineParameters"] == [{"Name": "DataKey", "Value": "all"}]


def test_what_cannot_be_called_is_a_dead_letter(aws: Clients) -> None:
    """A target that is not there is told in the dead-letter queue, with the schedule, its time and the reason."""
    gone = f"arn:aws:sns:{REGION}:{aws.account}:gone"
    _schedule(aws, _at(0), {"Arn": gone, "Input": "hello", "DeadLetterConfig": {"Arn": queue(aws, "dead")}})
    (dead,) = messages(aws, name="dead")
    told = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert dead["Body"] == "hello"
    assert (told["TARGET_ARN"], told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == (gone, "NO_RESOURCE", "0")
    assert told["SCHEDULE_ARN"].endswith(":schedule/default/timed")
    assert {"EXECUTION_ID", "SCHEDULED_TIME", "ERROR_MESSAGE"} <= set(told)


_SQS = {"Arn": f"arn:aws:sqs:{REGION}:123456789012:q"}


@pytest.mark.parametrize(
    ("expression", "target", "more", "words"),
    [
        ("cron(0 3 * * * *)", _SQS, {}, "one of day-of-month and day-of-week must be ?"),
        ("rate(5 seconds)", _SQS, {}, "a rate is"),
        ("every day", _SQS, {}, "it must be rate"),
        ("rate(1 day)", _SQS, {"ScheduleExpressionTimezone": "Europe/Atlantis"}, "time zone"),
        ("rate(1 day)", _SQS, {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required"),
        (
            "rate(1 day)",
            _SQS,
            {"StartDate": datetime(2099, 1, 2, tzinfo=UTC), "EndDate": datetime(2099, 1, 1, tzinfo=UTC)},
            "EndDate",
        ),
        ("rate(1 day)", {"Arn": f"arn:aws:lambda:{REGION}:123456789012:function:f"}, {}, "not a target"),
        ("rate(1 day)", {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:flyAway", "Input": "{}"}, {}, "no such operation"),
        ("rate(1 day)", {"Arn": "arn:aws:scheduler:::aws-sdk:s3:getObject", "Input": "{}"}, {}, "only reads"),
        ("rate(1 day)", {"Arn": f"arn:aws:events:{REGION}:123456789012:event-bus/b"}, {}, "EventBridgeParameters"),
    ],
)
def test_a_schedule_that_could_never_work_is_refused(
    aws: Clients, expression: str, target: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    """Bad expressions, zones, windows, dates and targets are refused when the schedule is made."""
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        _schedule(aws, expression, target, **more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert aws("scheduler").list_schedules()["Schedules"] == []


def test_a_schedule_needs_a_role(aws: Clients) -> None:
    """A target without a role is refused, by a client that does not check itself."""
    import boto3
    from botocore.config import Config

    keys = {"aws_access_key_id": f"AKIA{aws.account}AAAA", "aws_secret_access_key": "sandbox"}
    url = aws("scheduler").meta.endpoint_url
    config = Config(parameter_validation=False)
    client = boto3.client("scheduler", endpoint_url=url, region_name=REGION, config=config, **keys)
    with pytest.raises(ClientError, match="ValidationException"):
        client.create_schedule(
            Name="timed", ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target={"Arn": _SQS["Arn"]}
        )


def test_what_was_slept_through_is_done_once() -> None:
    """A machine that slept for an hour makes up for sixty minutes with one call, and goes on as before."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock, done = AlarmClock(now=lambda: now), []
    clock.stop()  # ticked by hand

    def due(time: datetime) -> bool:
        done.append(time)
        return True

    clock.set("minutely", parse("rate(1 minute)", start=now), due)
    now += timedelta(minutes=60, seconds=30)
    clock.tick()
    clock.tick()
    assert len(done) == 1
    now += timedelta(minutes=1)
    clock.tick()
    assert done[1:] == [datetime(2026, 11, 21, 13, 1, tzinfo=UTC)]


def test_what_ends_says_so() -> None:
    """After the last time, what is to be done at the end is done, and nothing waits any more."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock, ended = AlarmClock(now=lambda: now), []
    clock.stop()
    clock.set("once", parse("at(2026-11-21T12:00:10)"), lambda time: True, ended=lambda: ended.append(now))
    assert len(clock) == 1
    now += timedelta(seconds=11)
    clock.tick()
    assert ended == [now]
    assert len(clock) == 0


@pytest.mark.parametrize(("expression", "due"), [("rate(5 minutes)", "12:05:00"), ("cron(30 12 * * ? *)", "12:30:00")])
def test_rules_for_times_are_triggered(expression: str, due: str) -> None:
    """A rule with a schedule is triggered when it says so, not while it is disabled, and never once it is gone."""
    from moto.events.models import events_backends

    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock, told = AlarmClock(now=lambda: now), []
    clock.stop()
    backend = events_backends["300000000098"][REGION]
    made = backend.put_rule("timed", scheduled_expression=expression)
    TimedRules(clock, lambda rule, event: told.append(event)).take_up(made)
    clock.tick()
    assert told == []
    now += timedelta(minutes=30)
    clock.tick()
    (event,) = told
    assert (event["detail-type"], event["source"], event["resources"]) == ("Scheduled Event", "aws.events", [made.arn])
    assert event["time"] == f"2026-11-21T{due}Z"
    backend.disable_rule("timed", None)
    now += timedelta(days=1)
    clock.tick()
    backend.enable_rule("timed", None)
    assert len(told) == 1
    now += timedelta(days=1)
    clock.tick()
    assert len(told) == 2
    backend.delete_rule("timed", None)
    now += timedelta(days=1)
    clock.tick()
    assert (len(told), len(clock)) == (2, 0)


def test_a_reset_forgets_what_was_to_come(tmp_path: Path) -> None:
    """After a reset of the sandbox nothing of before is due, and what is made then is."""
    server = Sandbox(tmp_path)
    running = server.start()
    try:
        aws = SandboxClients(running.url, "300000000099", REGION)
        queue(aws)
        _schedule(aws, _at(2), {"Arn": queue(aws)})
        rule(aws, {"source": ["tests"]}, {"Arn": queue(aws)})
        server.reset()
        with urllib.request.urlopen(f"{running.url}/_terrace/status") as answer:
            assert json.load(answer)["rooms"]["events"] == {"deliveries": 0, "scheduled": 0}
        _schedule(aws, _at(1), {"Arn": queue(aws)}, Name="new")
        (event,) = heard(aws)
        assert event["resources"][0].endswith("/new")
        assert silent(aws, seconds=1.5)
    finally:
        server.stop()
