"""Notifications: topics, who may publish, who subscribes."""

from __future__ import annotations

import json
from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.documents import same_policy
from terrace.sandbox.provider.shapes import found
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = ("NotFound", "NotFoundException")


class Topic(Handler):
    """A topic. Its id is its ARN."""

    type = "aws:sns/topic:Topic"
    inputs = {
        "deliveryPolicy": str,
        "displayName": str,
        "kmsMasterKeyId": str,
        "name": str,
        "policy": str,
        "signatureVersion": int,
        "tags": dict,
        "tracingConfig": str,
    }
    required = frozenset({"name"})
    replace = frozenset({"name"})
    policies = frozenset({"policy"})
    documents = frozenset({"deliveryPolicy"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sns")
        attributes = {_attribute(key): str(inputs[key]) for key in _TOPIC if key in inputs}
        made = client.create_topic(Name=inputs["name"], Attributes=attributes, Tags=tag_list(inputs))
        return self._state(client, inputs, client.get_topic_attributes(TopicArn=made["TopicArn"])["Attributes"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sns")
        seen = found(client.get_topic_attributes, *_MISSING, TopicArn=id)
        return seen and self._state(client, inputs, seen["Attributes"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sns")
        for key in _TOPIC:
            if old.get(key) == new.get(key):
                continue
            gone = _default_policy(id) if key == "policy" else _TOPIC[key]
            client.set_topic_attributes(
                TopicArn=id, AttributeName=_attribute(key), AttributeValue=str(new.get(key, gone))
            )
        put, gone_tags = tag_changes(old, new)
        if gone_tags:
            client.untag_resource(ResourceArn=id, TagKeys=gone_tags)
        if put:
            client.tag_resource(ResourceArn=id, Tags=tag_list({"tags": put}))
        return self._state(client, new, client.get_topic_attributes(TopicArn=id)["Attributes"])

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sns").delete_topic, *_MISSING, TopicArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        arn = f"arn:{_partition(aws.region)}:sns:{aws.region}:{aws.account}:{inputs['name']}"
        return arn if found(aws("sns").get_topic_attributes, *_MISSING, TopicArn=arn) else None

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        arn = seen["TopicArn"]
        tags = tag_map(client.list_tags_for_resource(ResourceArn=arn)["Tags"])
        texts = {key: seen.get(_attribute(key)) for key in _TOPIC if key in inputs}
        outputs: dict[str, Any] = {key: text for key, text in texts.items() if text not in (None, "")}
        if "signatureVersion" in outputs:
            outputs["signatureVersion"] = int(outputs["signatureVersion"])
        if "tags" in inputs:
            outputs["tags"] = tags
        name = arn.rsplit(":", 1)[1]
        return State(arn, {**outputs, "name": name, "arn": arn, "owner": seen["Owner"], "tagsAll": tags})


class TopicPolicy(Handler):
    """Who may publish to a topic. Its id is the topic's ARN."""

    type = "aws:sns/topicPolicy:TopicPolicy"
    inputs = {"arn": str, "policy": str}
    required = frozenset(inputs)
    replace = frozenset({"arn"})
    policies = frozenset({"policy"})

    def create(self, aws: Clients, inputs: Props) -> State:
        client, arn = aws("sns"), inputs["arn"]
        client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=inputs["policy"])
        return self._state(client.get_topic_attributes(TopicArn=arn)["Attributes"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("sns").get_topic_attributes, *_MISSING, TopicArn=id)
        # A topic always has a policy; the one it is born with is none of ours.
        if seen is None or same_policy(seen["Attributes"]["Policy"], _default_policy(id)):
            return None
        return self._state(seen["Attributes"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        default = {"TopicArn": id, "AttributeName": "Policy", "AttributeValue": _default_policy(id)}
        found(aws("sns").set_topic_attributes, *_MISSING, **default)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["arn"], inputs)
        return state.id if state and same_policy(state.outputs["policy"], inputs["policy"]) else None

    def _state(self, seen: Props) -> State:
        arn = seen["TopicArn"]
        return State(arn, {"arn": arn, "policy": seen["Policy"], "owner": seen["Owner"]})


class TopicSubscription(Handler):
    """Where a topic's messages go. Its id is its ARN."""

    type = "aws:sns/topicSubscription:TopicSubscription"
    inputs = {
        "deliveryPolicy": str,
        "endpoint": str,
        "filterPolicy": str,
        "filterPolicyScope": str,
        "protocol": str,
        "rawMessageDelivery": bool,
        "redrivePolicy": str,
        "topic": str,
    }
    required = frozenset({"endpoint", "protocol", "topic"})
    replace = required
    documents = frozenset({"deliveryPolicy", "filterPolicy", "redrivePolicy"})

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sns")
        made = client.subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes={_attribute(key): _text(inputs[key]) for key in _SUBSCRIPTION if key in inputs},
            ReturnSubscriptionArn=True,
        )
        arn = made["SubscriptionArn"]
        return self._state(inputs, client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("sns").get_subscription_attributes, *_MISSING, SubscriptionArn=id)
        return seen and self._state(inputs, seen["Attributes"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sns")
        for key in _SUBSCRIPTION:
            if old.get(key) != new.get(key):
                value = _text(new.get(key, _SUBSCRIPTION[key]))
                client.set_subscription_attributes(
                    SubscriptionArn=id, AttributeName=_attribute(key), AttributeValue=value
                )
        return self._state(new, client.get_subscription_attributes(SubscriptionArn=id)["Attributes"])

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        # One that nobody confirmed cannot be removed; AWS forgets it after three days.
        found(aws("sns").unsubscribe, *_MISSING, "InvalidParameter: pending", SubscriptionArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        pages = aws("sns").get_paginator("list_subscriptions_by_topic")
        for page in found(lambda: list(pages.paginate(TopicArn=inputs["topic"])), *_MISSING) or []:
            for seen in page["Subscriptions"]:
                if (seen["Protocol"], seen["Endpoint"]) == (inputs["protocol"], inputs["endpoint"]):
                    # AWS gives no ARN of one that waits for its confirmation; subscribing again does.
                    return str(seen["SubscriptionArn"]) if seen["SubscriptionArn"].startswith("arn:") else None
        return None

    def _state(self, inputs: Props, seen: Props) -> State:
        outputs: dict[str, Any] = {key: seen.get(_attribute(key)) for key in _SUBSCRIPTION if key in inputs}
        if "rawMessageDelivery" in outputs:
            outputs["rawMessageDelivery"] = outputs["rawMessageDelivery"] == "true"
        return State(
            seen["SubscriptionArn"],
            {
                **{key: value for key, value in outputs.items() if value not in (None, "")},
                "endpoint": seen["Endpoint"],
                "protocol": seen["Protocol"],
                "topic": seen["TopicArn"],
                "arn": seen["SubscriptionArn"],
                "confirmationWasAuthenticated": seen.get("ConfirmationWasAuthenticated") == "true",
                "ownerId": seen["Owner"],
                "pendingConfirmation": seen.get("PendingConfirmation") == "true",
            },
        )


# Attributes by wire name, with what AWS takes for "none of it". The scope comes before the filter it is for.
_TOPIC = {
    "deliveryPolicy": "",
    "displayName": "",
    "kmsMasterKeyId": "",
    "policy": "",
    "signatureVersion": "1",
    "tracingConfig": "PassThrough",
}
_SUBSCRIPTION = {
    "filterPolicyScope": "MessageAttributes",
    "filterPolicy": "",
    "deliveryPolicy": "",
    "rawMessageDelivery": False,
    "redrivePolicy": "",
}


def _attribute(key: str) -> str:
    return key[0].upper() + key[1:]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _default_policy(arn: str) -> str:
    """Return the policy that AWS gives a new topic: its own account may do everything with it."""
    actions = [
        "Publish",
        "RemovePermission",
        "SetTopicAttributes",
        "DeleteTopic",
        "ListSubscriptionsByTopic",
        "GetTopicAttributes",
        "AddPermission",
        "Subscribe",
    ]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


HANDLERS = (Topic, TopicPolicy, TopicSubscription)
