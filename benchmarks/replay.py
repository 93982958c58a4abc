"""The AWS calls of an `up`, recorded and made again directly with boto3, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client

from terrace.sandbox.provider.clients import SandboxClients

Call = tuple[str, str, dict[str, Any], Any]
"""Service, operation, parameters, answer."""


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Record every call that boto3 makes inside the block and that succeeds."""
    calls: list[Call] = []
    lock, original = threading.Lock(), botocore.client.BaseClient._make_api_call

    def make(self: Any, operation: str, params: dict[str, Any]) -> Any:
        answer = original(self, operation, params)
        with lock:
            calls.append((self.meta.service_model.service_name, operation, params, answer))
        return answer

    botocore.client.BaseClient._make_api_call = make
    try:
        yield calls
    finally:
        botocore.client.BaseClient._make_api_call = original


def replay(calls: list[Call], aws: SandboxClients) -> None:
    """Make the calls again on an empty account; ids that AWS gave then are replaced by those that it gives now."""
    renamed: dict[str, str] = {}
    for service, operation, params, then in calls:
        now = aws(service)._make_api_call(operation, _replaced(params, renamed))
        _learn(then, now, renamed)


def _learn(then: Any, now: Any, renamed: dict[str, str]) -> None:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then.keys() & now.keys() - {"ResponseMetadata"}:
            _learn(then[key], now[key], renamed)
    elif isinstance(then, list) and isinstance(now, list):
        for one, other in zip(then, now, strict=False):
            _learn(one, other, renamed)
    elif isinstance(then, str) and isinstance(now, str) and then != now and len(then) > 8:
        renamed[then] = now


def _replaced(value: Any, renamed: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, renamed) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, renamed) for inner in value]
    if isinstance(value, str):
        if value in renamed:
            return renamed[value]
        for then, now in renamed.items():
            if then in value:
                value = value.replace(then, now)
    return value
