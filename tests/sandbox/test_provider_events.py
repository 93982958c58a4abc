"""Rules and their targets, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.cloudwatch import EventRule, EventTarget

RULE, TARGET = EventRule(), EventTarget()
ARN = f"arn:aws:<SERVICE>:{REGION}:<ACCOUNT>:"
PIPELINE = f"arn:aws:sagemaker:{REGION}:<ACCOUNT>:pipeline/delays"
QUEUE = f"arn:aws:sqs:{REGION}:<ACCOUNT>:letters"


def _rule(aws: Clients, state: State) -> Any:
    client = aws("events")
    bus, _, name = state.id.rpartition("/")
    seen = client.describe_rule(Name=name, EventBusName=bus or "default")
    return {**seen, "Tags": named(client.list_tags_for_resource(ResourceARN=seen["Arn"])["Tags"])}


def _target(aws: Clients, state: State) -> Any:
    asked = {"Rule": state.outputs["rule"], "EventBusName": state.outputs["eventBusName"]}
    (seen,) = aws("events").list_targets_by_rule(**asked)["Targets"]
    return {**seen, **asked}


def _pattern(prefix: str) -> str:
    return json.dumps({"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": prefix}]}}})


def _given_rule(aws: Clients) -> dict[str, str]:
    RULE.create(aws, {"name": "arrivals", "eventPattern": _pattern("raw/")})
    return {}


def _given_bus(aws: Clients) -> dict[str, str]:
    aws("events").create_event_bus(Name="own")
    return {}


def _given_rule_on_bus(aws: Clients) -> dict[str, str]:
    _given_bus(aws)
    RULE.create(aws, {"name": "arrivals", "eventPattern": _pattern("raw/"), "eventBusName": "own"})
    return {}


CASES = [
    Case(
        "rule for events",
        RULE,
        before={
            "description": "New flights",
            "eventBusName": "own",
            "eventPattern": _pattern("raw/"),
            "forceDestroy": False,
            "name": "arrivals",
            "roleArn": "arn:aws:iam::<ACCOUNT>:role/one",
            "state": "ENABLED",
            "tags": {"owner": "ml@example.com", "level": "2"},
        },
        after={
            "description": "New weather",
            "eventBusName": "own",
            "eventPattern": _pattern("weather/"),
            "forceDestroy": True,
            "name": "arrivals",
            "roleArn": "arn:aws:iam::<ACCOUNT>:role/other",
            "state": "DISABLED",
            "tags": {"owner": "platform@example.com"},
        },
        look=_rule,
        shows={
            "description": "Description",
            "eventBusName": "EventBusName",
            "eventPattern": "EventPattern",
            "name": "Name",
            "roleArn": "RoleArn",
            "state": "State",
            "tags": "Tags",
        },
        unseen=frozenset({"forceDestroy"}),
        given=_given_bus,
    ),
    Case(
        "rule for times",
        RULE,
        before={"name": "nightly", "scheduleExpression": "rate(1 hour)"},
        after={"name": "nightly", "scheduleExpression": "cron(0 3 * * ? *)"},
        look=_rule,
        shows={"scheduleExpression": "ScheduleExpression"},
    ),
    Case(
        "pipeline target",
        TARGET,
        before={
            "arn": f"{PIPELINE}-1",
            "deadLetterConfig": {"arn": f"{QUEUE}-1"},
            "forceDestroy": False,
            "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 3},
            "roleArn": "arn:aws:iam::<ACCOUNT>:role/one",
            "rule": "arrivals",
            "sagemakerPipelineTarget": {
                "pipelineParameterLists": [
                    {"name": "DataKey", "value": "$.detail.object.key"},
                    {"name": "DataVersion", "value": "$.detail.object.version-id"},
                ]
            },
            "targetId": "train",
        },
        after={
            "arn": f"{PIPELINE}-2",
            "deadLetterConfig": {"arn": f"{QUEUE}-2"},
            "forceDestroy": True,
            "retryPolicy": {"maximumEventAgeInSeconds": 7200, "maximumRetryAttempts": 5},
            "roleArn": "arn:aws:iam::<ACCOUNT>:role/other",
            "rule": "arrivals",
            "sagemakerPipelineTarget": {"pipelineParameterLists": [{"name": "Key", "value": "$.detail.key"}]},
            "targetId": "train",
        },
        look=_target,
        shows={
            "arn": "Arn",
            "deadLetterConfig.arn": "DeadLetterConfig.Arn",
            "retryPolicy.maximumEventAgeInSeconds": "RetryPolicy.MaximumEventAgeInSeconds",
            "retryPolicy.maximumRetryAttempts": "RetryPolicy.MaximumRetryAttempts",
            "roleArn": "RoleArn",
            "rule": "Rule",
            "sagemakerPipelineTarget.pipelineParameterLists.name": (
                "SageMakerPipelineParameters.PipelineParameterList[].Name"
            ),
            "sagemakerPipelineTarget.pipelineParameterLists.value": (
                "SageMakerPipelineParameters.PipelineParameterList[].Value"
            ),
            "targetId": "Id",
        },
        unseen=frozenset({"forceDestroy"}),
        given=_given_rule,
    ),
    Case(
        "queue target",
        TARGET,
        before={
            "arn": f"{QUEUE}.fifo",
            "eventBusName": "own",
            "inputTransformer": {"inputPaths": {"key": "$.detail.object.key"}, "inputTemplate": '{"key": "<key>"}'},
            "rule": "arrivals",
            "sqsTarget": {"messageGroupId": "one"},
            "targetId": "queue",
        },
        after={
            "arn": f"{QUEUE}.fifo",
            "eventBusName": "own",
            "inputTransformer": {"inputPaths": {"k": "$.detail.object.key"}, "inputTemplate": '{"k": "<k>"}'},
            "rule": "arrivals",
            "sqsTarget": {"messageGroupId": "other"},
            "targetId": "queue",
        },
        look=_target,
        shows={
            "eventBusName": "EventBusName",
            "inputTransformer.inputPaths": "InputTransformer.InputPathsMap",
            "inputTransformer.inputTemplate": "InputTransformer.InputTemplate",
            "sqsTarget.messageGroupId": "SqsParameters.MessageGroupId",
        },
        given=_given_rule_on_bus,
    ),
    Case(
        "target with a constant",
        TARGET,
        before={"arn": QUEUE, "rule": "arrivals", "targetId": "queue", "input": '{"a": 1}'},
        after={"arn": QUEUE, "rule": "arrivals", "targetId": "queue", "input": '{"a": 2}'},
        look=_target,
        shows={"input": "Input"},
        given=_given_rule,
    ),
    Case(
        "target with a part",
        TARGET,
        before={"arn": QUEUE, "rule": "arrivals", "targetId": "queue", "inputPath": "$.detail"},
        after={"arn": QUEUE, "rule": "arrivals", "targetId": "queue", "inputPath": "$.detail.object"},
        look=_target,
        shows={"inputPath": "InputPath"},
        given=_given_rule,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_eventbridge_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a rule and of its targets is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [RULE, TARGET], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_rule_disabled_by_hand_is_found_where_the_program_says_enabled(aws: Clients) -> None:
    """A refresh sees that somebody disabled a rule; a program that does not speak of the state leaves it so."""
    told = {"name": "watched", "eventPattern": _pattern("raw/"), "state": "ENABLED"}
    made = RULE.create(aws, told)
    aws("events").disable_rule(Name="watched")
    seen = RULE.read(aws, made.id, told)
    assert seen is not None
    assert seen.outputs["state"] == "DISABLED"
    assert RULE.diff({**told, "state": "DISABLED"}, told).changed == ("state",)
    silent = {key: value for key, value in told.items() if key != "state"}
    assert not RULE.diff({**told, "state": "DISABLED"}, silent)


def test_the_spelling_of_a_pattern_is_no_change() -> None:
    """White space in an event pattern changes nothing, nor does naming the bus that is the default."""
    one = {"name": "r", "eventPattern": '{"source":["aws.s3"]}'}
    other = {"name": "r", "eventPattern": '{ "source": [ "aws.s3" ] }', "eventBusName": "default"}
    assert not RULE.diff(one, other)


def test_the_order_of_pipeline_parameters_is_no_change() -> None:
    """Pipeline parameters are a set, as for the real provider."""
    parameters = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    one = {"sagemakerPipelineTarget": {"pipelineParameterLists": parameters}}
    other = {"sagemakerPipelineTarget": {"pipelineParameterLists": parameters[::-1]}}
    assert not TARGET.diff(one, other)


@pytest.mark.parametrize(
    ("handler", "inputs", "property"),
    [
        (RULE, {"name": "r"}, "eventPattern"),
        (TARGET, {"arn": "a", "rule": "r", "targetId": "t", "input": "{}", "inputPath": "$"}, "inputPath"),
        (TARGET, {"arn": "a", "rule": "r", "targetId": "t", "ecsTarget": {}}, "ecsTarget"),
    ],
)
def test_what_the_real_provider_refuses_is_refused(handler: Handler, inputs: dict[str, Any], property: str) -> None:
    """Inputs that exclude each other, miss each other or that the sandbox lacks are refused before a call."""
    assert [failure.property for failure in handler.check(inputs)] == [property]


def test_what_terrace_did_not_make_can_be_taken_over(aws: Clients) -> None:
    """A read that knows nothing but the name tells all inputs, so that an import finds no change."""
    told = {"name": "found", "eventPattern": _pattern("raw/"), "description": "By hand", "tags": {"a": "b"}}
    made = RULE.create(aws, told)
    seen = RULE.read(aws, made.id, {})
    assert seen is not None
    assert {key: seen.outputs[key] for key in told} == told
    target = {"rule": "found", "targetId": "queue", "arn": QUEUE, "retryPolicy": {"maximumRetryAttempts": 3}}
    put = TARGET.create(aws, target)
    imported = TARGET.read(aws, "found/queue", {})
    assert imported is not None
    assert imported.id == put.id
    assert {key: imported.outputs[key] for key in target} == target
