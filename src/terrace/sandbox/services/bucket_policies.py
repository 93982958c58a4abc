"""Bucket policies as far as the sandbox judges them: statements without a condition.

moto knows no conditions and takes every statement for unconditional, so that a policy which denies calls without TLS
denied every call. A statement with a condition is not enforced here; `terrace sandbox status` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

NOT_ENFORCED = "conditions of bucket policies are not enforced"


def install() -> None:
    """Put this judgement in the place of moto's. Once in a process, before the server starts."""
    setattr(FakeBucket, "get_permission", get_permission)  # noqa: B010


def get_permission(self: Any, action: str, resource: str) -> PermissionResult:
    """Tell whether the policy of a bucket permits or denies an action on a resource, or says nothing of it."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy.decode() if isinstance(self.policy, bytes) else self.policy)
    effects = {
        statement["Effect"]
        for statement in _each(policy.get("Statement", []))
        if not statement.get("Condition") and _matches(statement, action, resource)
    }
    if "Deny" in effects:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if "Allow" in effects else PermissionResult.NEUTRAL


def _matches(statement: dict[str, Any], action: str, resource: str) -> bool:
    actions, resources = _each(statement.get("Action", [])), _each(statement.get("Resource", []))
    return any(fnmatchcase(action.lower(), one.lower()) for one in actions) and any(
        fnmatchcase(resource, one) for one in resources
    )


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
