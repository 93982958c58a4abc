"""Keeps what moto forgets of queues: the policy when another attribute is set, and who may use a dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.sqs.models import Queue


def install() -> None:
    """Put the methods of this module in the place of moto's. Once in a process, before the server starts."""
    original = Queue._set_attributes

    def set_attributes(queue: Any, attributes: Mapping[str, Any], now: float | None = None) -> None:
        policy = getattr(queue, "policy", None)
        original(queue, dict(attributes), now)
        if "Policy" not in attributes:
            queue.policy = policy
        # A queue has one kind of encryption: a key of the account, or SQS's own.
        if attributes.get("KmsMasterKeyId"):
            queue.sqs_managed_sse_enabled = False

    setattr(Queue, "_set_attributes", set_attributes)  # noqa: B010
    setattr(Queue, "redrive_allow_policy", None)  # noqa: B010  (moto has none to type)
    Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")
