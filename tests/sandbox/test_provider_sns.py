"""Topics, their policies and subscriptions, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.documents import same_policy
from terrace.sandbox.provider.sns import Topic, TopicPolicy, TopicSubscription

TOPIC, POLICY, SUBSCRIPTION = Topic(), TopicPolicy(), TopicSubscription()
ARN = f"arn:aws:sns:{REGION}:<ACCOUNT>:alerts"
QUEUE = f"arn:aws:sqs:{REGION}:<ACCOUNT>:alerts"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"


def _topic(aws: Clients, state: State) -> Any:
    client = aws("sns")
    seen = client.get_topic_attributes(TopicArn=state.id)["Attributes"]
    tags = named(client.list_tags_for_resource(ResourceArn=state.id)["Tags"])
    return {**seen, "Name": state.id.rsplit(":", 1)[1], "Tags": tags, "Signature": int(seen["SignatureVersion"])}


def _subscription(aws: Clients, state: State) -> Any:
    seen = aws("sns").get_subscription_attributes(SubscriptionArn=state.id)["Attributes"]
    return {**seen, "Raw": seen["RawMessageDelivery"] == "true"}


def _publish(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ARN,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _retries(n: int) -> str:
    healthy = {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": n, "backoffFunction": "linear"}
    return json.dumps({"http": {"defaultHealthyRetryPolicy": healthy, "disableSubscriptionOverrides": False}})


def _given_topic(aws: Clients) -> dict[str, str]:
    TOPIC.create(aws, {"name": "alerts"})
    aws("sqs").create_queue(QueueName="alerts")
    return {}


_SUBSCRIBED = {"endpoint": QUEUE, "protocol": "sqs", "topic": ARN}
CASES = [
    Case(
        "topic",
        TOPIC,
        before={
            "deliveryPolicy": _retries(3),
            "displayName": "Alerts",
            "kmsMasterKeyId": f"{KEY}0",
            "name": "alerts",
            "policy": _publish("cloudwatch"),
            "signatureVersion": 1,
            "tags": {"owner": "ml@example.com", "level": "0"},
            "tracingConfig": "PassThrough",
        },
        after={
            "deliveryPolicy": _retries(5),
            "displayName": "Alarms",
            "kmsMasterKeyId": f"{KEY}1",
            "name": "alerts",
            "policy": _publish("budgets"),
            "signatureVersion": 2,
            "tags": {"owner": "platform@example.com"},
            "tracingConfig": "Active",
        },
        look=_topic,
        shows={
            "deliveryPolicy": "DeliveryPolicy",
            "displayName": "DisplayName",
            "kmsMasterKeyId": "KmsMasterKeyId",
            "name": "Name",
            "policy": "Policy",
            "signatureVersion": "Signature",
            "tags": "Tags",
            "tracingConfig": "TracingConfig",
        },
    ),
    Case(
        "topic policy",
        POLICY,
        before={"arn": ARN, "policy": _publish("cloudwatch")},
        after={"arn": ARN, "policy": _publish("budgets")},
        look=lambda aws, state: aws("sns").get_topic_attributes(TopicArn=state.id)["Attributes"],
        shows={"arn": "TopicArn", "policy": "Policy"},
        given=_given_topic,
    ),
    Case(
        "topic subscription",
        SUBSCRIPTION,
        before={
            **_SUBSCRIBED,
            "deliveryPolicy": json.dumps({"healthyRetryPolicy": {"numRetries": 3}}),
            "filterPolicy": json.dumps({"severity": ["high"]}),
            "filterPolicyScope": "MessageAttributes",
            "rawMessageDelivery": True,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": f"{QUEUE}-dead-1"}),
        },
        after={
            **_SUBSCRIBED,
            "deliveryPolicy": json.dumps({"healthyRetryPolicy": {"numRetries": 5}}),
            "filterPolicy": json.dumps({"severity": ["high", "low"]}),
            "filterPolicyScope": "MessageBody",
            "rawMessageDelivery": False,
            "redrivePolicy": json.dumps({"deadLetterTargetArn": f"{QUEUE}-dead-2"}),
        },
        look=_subscription,
        shows={
            "deliveryPolicy": "DeliveryPolicy",
            "endpoint": "Endpoint",
            "filterPolicy": "FilterPolicy",
            "filterPolicyScope": "FilterPolicyScope",
            "protocol": "Protocol",
            "rawMessageDelivery": "Raw",
            "redrivePolicy": "RedrivePolicy",
            "topic": "TopicArn",
        },
        given=_given_topic,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_sns_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a topic and of what hangs on it is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [TOPIC, POLICY, SUBSCRIPTION], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_topic_without_its_own_policy_has_that_of_aws(aws: Clients) -> None:
    """Taking a policy away leaves the one that a new topic has: its own account only."""
    TOPIC.create(aws, {"name": "fresh"})
    born = aws("sns").get_topic_attributes(TopicArn=_arn(aws, "fresh"))["Attributes"]["Policy"]
    old = {"name": "alerts", "policy": _publish("cloudwatch").replace("<ACCOUNT>", aws.account), "displayName": "x"}
    state = TOPIC.create(aws, old)
    TOPIC.update(aws, state.id, old, {"name": "alerts"})
    left = aws("sns").get_topic_attributes(TopicArn=state.id)["Attributes"]
    assert same_policy(left["Policy"], born.replace(":fresh", ":alerts"))
    assert left["DisplayName"] == ""


def test_an_address_of_mail_waits_for_its_owner(aws: Clients) -> None:
    """A subscription by mail exists at once, and says that nobody has confirmed it."""
    topic = TOPIC.create(aws, {"name": "alerts"})
    inputs = {"topic": topic.id, "protocol": "email", "endpoint": "ml@example.com"}
    state = SUBSCRIPTION.create(aws, inputs)
    assert state.id.startswith(f"{topic.id}:")
    assert state.outputs["pendingConfirmation"] is True
    assert SUBSCRIPTION.create(aws, inputs).id == state.id
    SUBSCRIPTION.delete(aws, state.id, inputs)


def _arn(aws: Clients, name: str) -> str:
    return f"arn:aws:sns:{REGION}:{aws.account}:{name}"
