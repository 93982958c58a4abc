"""Queues and their policies, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.sqs import Queue, QueuePolicy

QUEUE, POLICY = Queue(), QueuePolicy()
ARN = f"arn:aws:sqs:{REGION}:<ACCOUNT>"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"


def _queue(aws: Clients, state: State) -> Any:
    client = aws("sqs")
    seen = client.get_queue_attributes(QueueUrl=state.id, AttributeNames=["All"])["Attributes"]
    numbers = {key: int(value) for key, value in seen.items() if value.isdigit()}
    truths = {key: value == "true" for key, value in seen.items() if value in ("true", "false")}
    tags = client.list_queue_tags(QueueUrl=state.id).get("Tags", {})
    return {**seen, **numbers, **truths, "Name": state.id.rsplit("/", 1)[1], "Tags": tags}


def _send(service: str, queue: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"{ARN}:{queue}",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _redrive(dead: str, count: int) -> str:
    return json.dumps({"deadLetterTargetArn": f"{ARN}:{dead}", "maxReceiveCount": count})


def _dead(aws: Clients) -> dict[str, str]:
    for name in ("dead-1", "dead-2", "dead.fifo"):
        attributes = {"FifoQueue": "true"} if name.endswith("fifo") else {}
        aws("sqs").create_queue(QueueName=name, Attributes=attributes)
    return {}


def _given_queue(aws: Clients) -> dict[str, str]:
    return {"URL": QUEUE.create(aws, {"name": "letters"}).id}


CASES = [
    Case(
        "queue",
        QUEUE,
        before={
            "delaySeconds": 5,
            "fifoQueue": False,
            "kmsDataKeyReusePeriodSeconds": 600,
            "kmsMasterKeyId": f"{KEY}0",
            "maxMessageSize": 2048,
            "messageRetentionSeconds": 1209600,
            "name": "letters",
            "policy": _send("events", "letters"),
            "receiveWaitTimeSeconds": 10,
            "redriveAllowPolicy": json.dumps({"redrivePermission": "allowAll"}),
            "redrivePolicy": _redrive("dead-1", 3),
            "tags": {"owner": "ml@example.com", "level": "2"},
            "visibilityTimeoutSeconds": 60,
        },
        after={
            "delaySeconds": 0,
            "fifoQueue": False,
            "kmsDataKeyReusePeriodSeconds": 900,
            "kmsMasterKeyId": f"{KEY}1",
            "maxMessageSize": 4096,
            "messageRetentionSeconds": 345600,
            "name": "letters",
            "policy": _send("scheduler", "letters"),
            "receiveWaitTimeSeconds": 20,
            "redriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"}),
            "redrivePolicy": _redrive("dead-2", 4),
            "tags": {"owner": "platform@example.com"},
            "visibilityTimeoutSeconds": 90,
        },
        look=_queue,
        shows={
            "delaySeconds": "DelaySeconds",
            "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
            "kmsMasterKeyId": "KmsMasterKeyId",
            "maxMessageSize": "MaximumMessageSize",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "name": "Name",
            "policy": "Policy",
            "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
            "redriveAllowPolicy": "RedriveAllowPolicy",
            "redrivePolicy": "RedrivePolicy",
            "tags": "Tags",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        },
        given=_dead,
    ),
    Case(
        "FIFO queue",
        QUEUE,
        before={
            "contentBasedDeduplication": True,
            "deduplicationScope": "messageGroup",
            "fifoQueue": True,
            "fifoThroughputLimit": "perMessageGroupId",
            "name": "letters.fifo",
            "sqsManagedSseEnabled": True,
        },
        after={
            "contentBasedDeduplication": False,
            "deduplicationScope": "queue",
            "fifoQueue": True,
            "fifoThroughputLimit": "perQueue",
            "name": "letters.fifo",
            "sqsManagedSseEnabled": False,
        },
        look=_queue,
        shows={
            "contentBasedDeduplication": "ContentBasedDeduplication",
            "deduplicationScope": "DeduplicationScope",
            "fifoQueue": "FifoQueue",
            "fifoThroughputLimit": "FifoThroughputLimit",
            "name": "Name",
            "sqsManagedSseEnabled": "SqsManagedSseEnabled",
        },
    ),
    Case(
        "queue policy",
        POLICY,
        before={"queueUrl": "<URL>", "policy": _send("events", "letters")},
        after={"queueUrl": "<URL>", "policy": _send("scheduler", "letters")},
        look=lambda aws, state: {**_queue(aws, state), "Url": state.id},
        shows={"queueUrl": "Url", "policy": "Policy"},
        given=_given_queue,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_sqs_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a queue and of its policy is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [QUEUE, POLICY], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_setting_that_is_taken_away_is_what_a_new_queue_has(aws: Clients) -> None:
    """What a program no longer sets goes back to SQS's default, except what the real provider leaves alone."""
    set_so = {"name": "plain", "delaySeconds": 9, "policy": _send("events", "plain"), "visibilityTimeoutSeconds": 7}
    made = QUEUE.create(aws, set_so)
    bare = {"name": "plain"}
    assert QUEUE.diff(set_so, bare).changed == ("delaySeconds", "visibilityTimeoutSeconds")
    QUEUE.update(aws, made.id, set_so, bare)
    seen = _queue(aws, made)
    assert (seen["DelaySeconds"], seen["VisibilityTimeout"]) == (0, 30)
    assert "events.amazonaws.com" in seen["Policy"]


def test_a_policy_survives_a_change_of_another_setting(aws: Clients) -> None:
    """Setting one attribute of a queue leaves its policy alone."""
    made = QUEUE.create(aws, {"name": "guarded"})
    POLICY.create(aws, {"queueUrl": made.id, "policy": _send("events", "guarded")})
    aws("sqs").set_queue_attributes(QueueUrl=made.id, Attributes={"VisibilityTimeout": "45"})
    assert "events.amazonaws.com" in _queue(aws, made)["Policy"]


@pytest.mark.parametrize(
    ("inputs", "property"),
    [
        ({"name": "q", "kmsMasterKeyId": "alias/q", "sqsManagedSseEnabled": True}, "sqsManagedSseEnabled"),
        ({"name": "q", "contentBasedDeduplication": True}, "contentBasedDeduplication"),
        ({}, "name"),
        ({"name": "q", "visibilityTimeout": 5}, "visibilityTimeout"),
    ],
)
def test_what_the_real_provider_refuses_is_refused(inputs: dict[str, Any], property: str) -> None:
    """Inputs that exclude each other are refused before anything is made."""
    assert [failure.property for failure in QUEUE.check(inputs)] == [property]


def test_what_terrace_did_not_make_can_be_taken_over(aws: Clients) -> None:
    """A read that knows nothing but the URL tells all inputs, so that an import finds no change."""
    told = {"name": "found", "delaySeconds": 9, "policy": _send("events", "found"), "tags": {"a": "b"}}
    made = QUEUE.create(aws, told)
    seen = QUEUE.read(aws, made.id, {})
    assert seen is not None
    assert {key: seen.outputs[key] for key in told} == told
