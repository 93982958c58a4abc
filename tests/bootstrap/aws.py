"""Faults and listings on a target, for tests of what bootstrap makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from terrace.target import Target

READS = ("Get", "List", "Describe", "Head")


class Interrupted(BaseException):
    """The process ends here."""


@contextmanager
def interrupted_at(target: Target, number: int, when: str) -> Iterator[Callable[[], int]]:
    """End the process at a write: `before-call`, and AWS never hears of it, or `after-call`, once AWS has done it."""
    writes = 0

    def at(model: Any, **_: Any) -> None:
        nonlocal writes
        if not model.name.startswith(READS):
            writes += 1
            if writes == number:
                raise Interrupted(model.name)

    clients = [target.client(name) for name in ("iam", "kms", "s3")]
    for client in clients:
        client.meta.events.register(when, at, unique_id="interrupt")
    try:
        yield lambda: writes
    finally:
        for client in clients:
            client.meta.events.unregister(when, at, unique_id="interrupt")


def keys(target: Target) -> list[str]:
    """Return the ids of all keys of the account."""
    return [key["KeyId"] for key in target.client("kms").list_keys()["Keys"]]


def policy_of(target: Target, name: str) -> dict[str, Any]:
    """Return the document of a managed policy in force."""
    iam = target.client("iam")
    arn = f"arn:aws:iam::{target.account}:policy/{name}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return found if isinstance(found, dict) else dict(json.loads(found))
