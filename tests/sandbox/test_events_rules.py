"""Rules of EventBridge: what matches arrives at their targets, in the form they ask for, or in a dead-letter queue."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from events_case import ROLE, eventually, heard, messages, put, queue, rule, silent
from provider_case import REGION, fresh_account

from terrace.sandbox import Running
from terrace.sandbox.provider.base import Clients
from terrace.sandbox.provider.clients import SandboxClients

OURS = {"source": ["tests"]}


def _sum(aws: Clients, name: str, rule: str = "watch") -> float:
    now = datetime.now(UTC)
    points = aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Events",
        MetricName=name,
        Dimensions=[{"Name": "RuleName", "Value": rule}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_an_event_arrives_as_it_is(aws: Clients) -> None:
    """A target without an input of its own gets the whole event, with the id that PutEvents returned."""
    rule(aws, OURS, {"Arn": queue(aws)})
    id = put(aws, {"a": [1, {"b": "ü"}]})
    (event,) = heard(aws)
    assert datetime.fromisoformat(event.pop("time")) <= datetime.now(UTC)
    assert event == {
        "version": "0",
        "id": id,
        "detail-type": "Told",
        "source": "tests",
        "account": aws.account,
        "region": REGION,
        "resources": ["arn:aws:x:::y"],
        "detail": {"a": [1, {"b": "ü"}]},
    }


def test_a_disabled_rule_does_nothing(aws: Clients) -> None:
    """Disabling a rule through boto3 stops it with the next event, enabling it starts it again."""
    rule(aws, OURS, {"Arn": queue(aws)})
    aws("events").disable_rule(Name="watch")
    put(aws, {"number": 1})
    assert silent(aws)
    aws("events").enable_rule(Name="watch")
    put(aws, {"number": 2})
    assert heard(aws)[0]["detail"] == {"number": 2}


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"Input": '{"fixed": true}'}, '{"fixed": true}'),
        ({"InputPath": "$.detail.object"}, '{"key": "raw/a.csv", "size": 3}'),
        ({"InputPath": "$.detail.absent"}, "null"),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"key": "$.detail.object.key", "size": "$.detail.object.size", "all": "$.detail"},
                    "InputTemplate": '{"key": <key>, "text": "at <key>: <size>", "size": <size>, "all": <all>}',
                }
            },
            '{"key": "raw/a.csv", "text": "at raw/a.csv: 3", "size": 3,'
            ' "all": {"object": {"key": "raw/a.csv", "size": 3}, "say": "\\"hi\\""}}',
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"say": "$.detail.say"}, "InputTemplate": '"He said <say>"'}},
            '"He said \\"hi\\""',
        ),
        ({"InputTransformer": {"InputTemplate": '"<aws.events.rule-name> <unknown>"'}}, '"watch <unknown>"'),
    ],
)
def test_a_target_gets_the_input_it_asks_for(aws: Clients, how: dict[str, Any], text: str) -> None:
    """Constants, parts and templates take the place of the event."""
    rule(aws, OURS, {"Arn": queue(aws), **how})
    put(aws, {"object": {"key": "raw/a.csv", "size": 3}, "say": '"hi"'})
    (message,) = messages(aws)
    assert message["Body"] == text


def test_every_kind_of_target_is_told(aws: Clients) -> None:
    """A topic, a log group and another bus hear of the same event as a queue, each in its own way."""
    heard_by = queue(aws)
    topic = aws("sns").create_topic(Name="news")["TopicArn"]
    aws("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue(aws, "news"), Attributes={"RawMessageDelivery": "true"}
    )
    aws("logs").create_log_group(logGroupName="/aws/events/all")
    group = f"arn:aws:logs:{REGION}:{aws.account}:log-group:/aws/events/all"
    other = SandboxClients(aws.url, fresh_account(), REGION)  # type: ignore[attr-defined]
    rule(other, OURS, {"Arn": queue(other)})
    bus = f"arn:aws:events:{REGION}:{other.account}:event-bus/default"
    rule(aws, OURS, {"Arn": heard_by}, {"Arn": topic}, {"Arn": group}, {"Arn": bus})
    id = put(aws, {"n": 1})
    assert [event["id"] for event in (*heard(aws), *heard(aws, name="news"))] == [id, id]
    (passed,) = heard(other)
    assert (passed["id"], passed["account"]) == (id, aws.account)
    lines = eventually(lambda: aws("logs").filter_log_events(logGroupName="/aws/events/all")["events"])
    assert json.loads(lines[0]["message"])["id"] == id


def test_a_fifo_queue_gets_its_group(aws: Clients) -> None:
    """The group of a target is that of its messages."""
    arn = queue(aws, "heard.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    rule(aws, OURS, {"Arn": arn, "SqsParameters": {"MessageGroupId": "one"}})
    put(aws, {"n": 1})
    assert heard(aws, name="heard.fifo")[0]["detail"] == {"n": 1}


def test_one_target_that_fails_fails_alone(aws: Clients) -> None:
    """What cannot be delivered is put in the dead-letter queue with the reason; all else arrives, nobody else fails."""
    gone = f"arn:aws:sqs:{REGION}:{aws.account}:gone"
    arn = rule(aws, OURS, {"Arn": gone, "DeadLetterConfig": {"Arn": queue(aws, "dead")}}, {"Arn": queue(aws)})
    rule(aws, OURS, {"Arn": gone}, name="unheard")
    id = put(aws, {"n": 1})
    assert heard(aws)[0]["id"] == id
    (dead,) = messages(aws, name="dead")
    assert json.loads(dead["Body"])["id"] == id
    told = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert "NonExistentQueue" in told.pop("ERROR_MESSAGE")
    assert told == {"RULE_ARN": arn, "TARGET_ARN": gone, "ERROR_CODE": "NO_RESOURCE", "RETRY_ATTEMPTS": "0"}
    for name, expected in {
        "MatchedEvents": 1,
        "TriggeredRules": 1,
        "Invocations": 2,
        "FailedInvocations": 1,
        "InvocationsSentToDlq": 1,
    }.items():
        assert eventually(lambda name=name: _sum(aws, name)) == expected, name


def test_a_pipeline_starts_with_what_the_event_has(aws: Clients) -> None:
    """Parameters of a pipeline are constants, or paths into the event; one that leads nowhere is left out."""
    sagemaker = aws("sagemaker")
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": name, "Type": "String", "DefaultValue": "?"} for name in ("Key", "Fixed", "Version")],
        "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "Not today"}}],
    }
    arn = sagemaker.create_pipeline(
        PipelineName="train", PipelineDefinition=json.dumps(definition), ClientRequestToken="t" * 32, RoleArn=ROLE
    )["PipelineArn"]
    parameters = [
        {"Name": "Key", "Value": "$.detail.object.key"},
        {"Name": "Fixed", "Value": "as is"},
        {"Name": "Version", "Value": "$.detail.object.version-id"},
    ]
    target = {"Arn": arn, "RoleArn": ROLE, "SageMakerPipelineParameters": {"PipelineParameterList": parameters}}
    rule(aws, OURS, target)
    put(aws, {"object": {"key": "raw/a.csv"}})
    started = eventually(lambda: sagemaker.list_pipeline_executions(PipelineName="train")["PipelineExecutionSummaries"])
    (execution,) = [summary["PipelineExecutionArn"] for summary in started]
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)["PipelineParameters"]
    named = {parameter["Name"]: parameter["Value"] for parameter in given}
    assert (named["Key"], named["Fixed"]) == ("raw/a.csv", "as is")
    assert named.get("Version", "?") == "?"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f"}, "The sandbox delivers no events to arn:aws:l"),
        ({"Arn": "arn:aws:kinesis:eu-central-1:123456789012:stream/s", "RoleArn": ROLE}, "delivers no events to"),
        ({"Arn": "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/p"}, "RoleArn is required"),
        ({"Arn": "arn:aws:sns:eu-central-1:123456789012:t", "InputPath": "detail"}, "does not begin with"),
        ({"Arn": "arn:aws:sns:eu-central-1:123456789012:t", "Input": "{}", "InputPath": "$"}, "Only one of"),
        (
            {
                "Arn": "arn:aws:sns:eu-central-1:123456789012:t",
                "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:123456789012:q.fifo"},
            },
            "standard SQS queue",
        ),
    ],
)
def test_a_target_that_could_never_be_told_is_refused(aws: Clients, target: dict[str, Any], words: str) -> None:
    """PutTargets refuses what the sandbox delivers nothing to, and what AWS refuses."""
    rule(aws, OURS)
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        aws("events").put_targets(Rule="watch", Targets=[{"Id": "one", **target}])
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_an_event_that_goes_in_a_circle_ends(aws: Clients) -> None:
    """A bus that sends to itself stops after a few rounds."""
    bus = f"arn:aws:events:{REGION}:{aws.account}:event-bus/default"
    rule(aws, OURS, {"Arn": bus}, {"Arn": queue(aws)})
    put(aws, {"n": 1})
    assert len(heard(aws, count=6)) == 6
    assert silent(aws)


@pytest.mark.parametrize(
    "expression",
    ["rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "cron(0 3 * * * *)", "at(2030-01-01T00:00:00)"],
)
def test_a_rule_with_a_bad_schedule_is_refused(aws: Clients, expression: str) -> None:
    """What AWS takes for no schedule is refused when the rule is made."""
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        aws("events").put_rule(Name="timed", ScheduleExpression=expression)


def test_a_rule_with_a_schedule_hears_no_events(aws: Clients) -> None:
    """A rule that is for times alone is triggered by no event."""
    aws("events").put_rule(Name="timed", ScheduleExpression="rate(1 day)")
    aws("events").put_targets(Rule="timed", Targets=[{"Id": "one", "Arn": queue(aws)}])
    put(aws, {"n": 1})
    assert silent(aws)


def test_a_hundred_events_arrive_once_each(aws: Clients) -> None:
    """Nothing is lost and nothing comes twice when much happens at once."""
    rule(aws, OURS, {"Arn": queue(aws)})
    entries = [{"Source": "tests", "DetailType": "Told", "Detail": json.dumps({"n": n})} for n in range(100)]
    for start in range(0, 100, 10):
        aws("events").put_events(Entries=entries[start : start + 10])
    assert sorted(event["detail"]["n"] for event in heard(aws, count=100)) == list(range(100))


def test_the_status_says_what_is_under_way(aws: Clients, sandbox: Running) -> None:
    """The sandbox's status counts deliveries that wait and times to come."""
    import urllib.request

    with urllib.request.urlopen(f"{sandbox.url}/_terrace/status") as answer:
        said = json.load(answer)
    assert set(said["rooms"]["events"]) >= {"deliveries", "scheduled"}


def test_nobody_speaks_for_aws(aws: Clients) -> None:
    """An entry whose source is AWS's own is refused, and those beside it are not."""
    rule(aws, OURS, {"Arn": queue(aws)})
    entries = [{"Source": source, "DetailType": "Told", "Detail": "{}"} for source in ("aws.s3", "tests")]
    answer = aws("events").put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    assert heard(aws)[0]["id"] == answer["Entries"][1]["EventId"]


def test_a_rule_has_five_targets_at_most(aws: Clients) -> None:
    """The sixth target of a rule is refused, one in the place of another is not."""
    arn = queue(aws)
    rule(aws, OURS, *[{"Arn": arn}] * 5)
    aws("events").put_targets(Rule="watch", Targets=[{"Id": "target-0", "Arn": arn}])
    with pytest.raises(ClientError, match="LimitExceededException"):
        aws("events").put_targets(Rule="watch", Targets=[{"Id": "sixth", "Arn": arn}])


def test_state_machines_and_builds_are_started(aws: Clients) -> None:
    """A state machine gets the event as its input, a build gets what the target's own input overrides."""
    role = f"arn:aws:iam::{aws.account}:role/events"
    machine = aws("stepfunctions").create_state_machine(
        name="note", roleArn=role, definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    )["stateMachineArn"]
    spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo done\n"
    aws("codebuild").create_project(
        name="image",
        source={"type": "NO_SOURCE", "buildspec": spec},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=role,
    )
    project = f"arn:aws:codebuild:{REGION}:{aws.account}:project/image"
    variables = [{"name": "WHO", "value": "a rule", "type": "PLAINTEXT"}]
    build = {"Arn": project, "RoleArn": role, "Input": json.dumps({"environmentVariablesOverride": variables})}
    rule(aws, OURS, {"Arn": machine, "RoleArn": role}, build)
    id = put(aws, {"n": 1})
    (run,) = eventually(lambda: aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"])
    given = aws("stepfunctions").describe_execution(executionArn=run["executionArn"])["input"]
    assert json.loads(given)["id"] == id
    (started,) = eventually(lambda: aws("codebuild").list_builds_for_project(projectName="image")["ids"])
    (seen,) = aws("codebuild").batch_get_builds(ids=[started])["builds"]
    assert seen["environment"]["environmentVariables"] == variables


def test_an_archive_keeps_events_and_replays_them(aws: Clients) -> None:
    """What an archive kept arrives again when it is replayed, and is not archived twice."""
    bus = f"arn:aws:events:{REGION}:{aws.account}:event-bus/default"
    archive = aws("events").create_archive(ArchiveName="all", EventSourceArn=bus, EventPattern=json.dumps(OURS))
    put(aws, {"n": 1})
    rule(aws, OURS, {"Arn": queue(aws)})
    now = datetime.now(UTC)
    aws("events").start_replay(
        ReplayName="again",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=now - timedelta(hours=1),
        EventEndTime=now,
        Destination={"Arn": bus},
    )
    (event,) = heard(aws)
    assert (event["detail"], event["replay-name"]) == ({"n": 1}, "again")
    assert aws("events").describe_archive(ArchiveName="all")["EventCount"] == 1


@pytest.mark.parametrize(
    "filters",
    [
        {"detail": {"key": [{"prefx": "raw/"}]}},
        {"detail": {"key": [{"prefix": 3}]}},
        {"detail": {"key": [{"exists": "yes"}]}},
        {"detail": {"n": [{"numeric": [">"]}]}},
        {"detail": {"n": [{"numeric": ["~", 3]}]}},
        {"detail": {"key": [{"prefix": "a", "suffix": "b"}]}},
        {"detail": {"key": [["a"]]}},
        {"detail": {}},
        {"detail": {"$or": [{"a": [1]}]}},
        {"detail": {"key": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}},
    ],
)
def test_a_pattern_that_is_none_is_refused(aws: Clients, filters: dict[str, Any]) -> None:
    """A match that EventBridge does not know is refused when the rule is made: it must not match everything."""
    with pytest.raises(ClientError, match="Event pattern is not valid") as refused:
        aws("events").put_rule(Name="watch", EventPattern=json.dumps(filters))
    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({"source": ["tests"]}, True),
        ({"source": ["other"]}, False),
        ({"detail": {"key": [{"prefix": "raw/"}], "size": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"key": [{"suffix": ".CSV"}]}}, False),
        ({"detail": {"key": [{"suffix": {"equals-ignore-case": ".CSV"}}]}}, True),
        ({"detail": {"key": [{"wildcard": "raw/*.csv"}]}}, True),
        ({"detail": {"key": [{"anything-but": {"prefix": "raw/"}}]}}, False),
        ({"detail": {"absent": [{"exists": False}]}}, True),
        ({"detail": {"$or": [{"key": ["b"]}, {"size": [3]}]}}, True),
        ({"detail": {"tags": ["b"]}}, True),
    ],
)
def test_patterns_match_as_eventbridge_says(aws: Clients, filters: dict[str, Any], matches: bool) -> None:
    """TestEventPattern tells of each kind of match whether an event is one of those."""
    detail = {"key": "raw/a.csv", "size": 3, "tags": ["a", "b"]}
    event = {"id": "1", "account": "1", "source": "tests", "time": "2026-01-01T00:00:00Z", "region": REGION}
    whole = {**event, "resources": [], "detail-type": "Told", "detail": detail}
    found = aws("events").test_event_pattern(EventPattern=json.dumps(filters), Event=json.dumps(whole))
    assert found["Result"] is matches
