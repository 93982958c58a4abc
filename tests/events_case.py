"""What the tests of events share: queues to look into, and patience."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from provider_case import REGION

from terrace.sandbox.provider.base import Clients

ROLE = "arn:aws:iam::123456789012:role/events"


def queue(aws: Clients, name: str = "heard", **attributes: str) -> str:
    """Make a queue and return its ARN."""
    aws("sqs").create_queue(QueueName=name, Attributes=attributes)
    return f"arn:aws:sqs:{REGION}:{aws.account}:{name}"


def messages(aws: Clients, count: int = 1, name: str = "heard", seconds: float = 20.0) -> list[dict[str, Any]]:
    """Return the next messages of a queue, once there are so many."""
    client, found = aws("sqs"), []
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        for message in got.get("Messages", []):
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
        if len(found) < count:
            time.sleep(0.02)
    assert len(found) == count, f"{len(found)} messages in {name} after {seconds} seconds"
    return found


def heard(aws: Clients, count: int = 1, name: str = "heard", seconds: float = 20.0) -> list[Any]:
    """Return the next messages of a queue as the JSON they are."""
    return [json.loads(message["Body"]) for message in messages(aws, count, name, seconds)]


def silent(aws: Clients, name: str = "heard", seconds: float = 0.5) -> bool:
    """Tell whether nothing comes into a queue for a while."""
    time.sleep(seconds)
    url = aws("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    return "Messages" not in aws("sqs").receive_message(QueueUrl=url)


def rule(aws: Clients, pattern: dict[str, Any], *targets: dict[str, Any], name: str = "watch") -> str:
    """Make a rule with targets, and return its ARN."""
    arn = aws("events").put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    given = [{"Id": f"target-{number}", **target} for number, target in enumerate(targets)]
    if given:
        aws("events").put_targets(Rule=name, Targets=given)
    return str(arn)


def put(aws: Clients, detail: dict[str, Any], source: str = "tests", kind: str = "Told") -> str:
    """Put an event on the default bus and return its id."""
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": ["arn:aws:x:::y"]}
    (answer,) = aws("events").put_events(Entries=[entry])["Entries"]
    return str(answer["EventId"])


def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return what a condition returns once it is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"not within {seconds} seconds"
        time.sleep(0.03)
    return found
