"""Keeps what moto accepts and forgets of buckets: parts of lifecycle rules, and events that go to EventBridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

# Where the XML of a request has one element for each item, an answer has a list of another name.
_LISTS = {"Transition": "Transitions", "NoncurrentVersionTransition": "NoncurrentVersionTransitions"}


def install() -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts."""
    _set_lifecycle_of(FakeBucket.set_lifecycle)
    _serialized_of(S3Response.serialized)


def _set_lifecycle_of(original: Callable[[Any, Any], None]) -> None:
    def set_lifecycle(self: Any, rules: list[dict[str, Any]]) -> None:
        original(self, rules)
        for kept, rule in zip(self.rules, rules, strict=True):
            kept.asked_for = rule

    setattr(FakeBucket, "set_lifecycle", set_lifecycle)  # noqa: B010


def _serialized_of(original: Callable[[Any, Any], Any]) -> None:
    def serialized(self: Any, action_result: Any) -> Any:
        answer = action_result.result
        if not isinstance(answer, dict):
            return original(self, action_result)  # a refusal, or nothing to tell
        if self.data.get("Action") == "GetBucketLifecycleConfiguration":
            rules = self.backend.get_bucket_lifecycle(self.bucket_name)
            answer["Rules"] = [_rule(rule.asked_for) for rule in rules]
        if self.data.get("Action") == "GetBucketNotificationConfiguration":
            kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
            if kept and kept.event_bridge is not None:
                answer["EventBridgeConfiguration"] = {}
        return original(self, action_result)

    setattr(S3Response, "serialized", serialized)  # noqa: B010


def _rule(asked_for: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule as S3 answers it, from the parsed XML that set it, in which all values are text."""
    rule: dict[str, Any] = {_LISTS.get(name, name): _list(name, value) for name, value in asked_for.items()}
    where = dict(rule.get("Filter") or {})
    if where.get("And"):
        tags = _many(where["And"].get("Tag"))
        where["And"] = {**{k: v for k, v in where["And"].items() if k != "Tag"}, "Tags": tags}
    for holder in (where, where.get("And") or {}):
        if "Prefix" in holder:
            holder["Prefix"] = holder["Prefix"] or ""  # an empty element is parsed as nothing
    if "Filter" in rule:
        rule["Filter"] = where
    return rule


def _list(name: str, value: Any) -> Any:
    if name in _LISTS:
        return _many(value)
    marker = "ExpiredObjectDeleteMarker"
    if name == "Expiration" and value and marker in value:
        return {**value, marker: str(value[marker]).lower() == "true"}
    return value


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
