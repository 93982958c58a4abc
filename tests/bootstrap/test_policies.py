"""What the deploy role may do, read as IAM reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from bootstrap.conftest import settings

from terrace import runs
from terrace.bootstrap.deploy_boundary import deploy_boundary
from terrace.bootstrap.deploy_policies import deploy_policies
from terrace.bootstrap.names import names_of
from terrace.maturity import PlatformSettings
from terrace.platform import open_platform
from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients

ROOT = Path(__file__).parents[2]
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LONGEST = {"organisation": "a" * 16, "environment": "e" * 12}
STORES = ("bucket", "key", "repository", "domain", "filesystem", "pipeline")


def statements(of: PlatformSettings, effect: str = "Allow") -> list[dict[str, Any]]:
    """Return all statements of the deploy role's policies."""
    found = deploy_policies(of, names_of(of), KEY).values()
    return [one for doc in found for one in doc["Statement"] if one["Effect"] == effect]


def many(value: Any) -> list[str]:
    """Return one or many as a list."""
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_policy_fits_into_iam_with_the_longest_names(level: int) -> None:
    """6144 characters a managed policy, ten of them a role, whatever organisation and environment are called."""
    of = settings(level=level, **LONGEST)
    documents = [*deploy_policies(of, names_of(of), KEY).values(), deploy_boundary(names_of(of))]
    for doc in documents:
        assert len(json.dumps(doc, separators=(",", ":"))) <= 6144
        sids = [one["Sid"] for one in doc["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)
    assert len(documents) <= 10


def test_no_service_and_no_administrator_is_given_away() -> None:
    """No action is `*` or `service:*`; a `*` resource stands only with a condition or where AWS knows no other."""
    unscoped = {
        "ce:CreateAnomalyMonitor",
        "ce:CreateAnomalySubscription",
        "cloudwatch:DescribeAlarms",
        "ec2:Describe*",
        "kms:ListAliases",
        "sagemaker:ListMlflowApps",
        "sns:Unsubscribe",
        "ssm:DescribeParameters",
    }
    for one in statements(settings()):
        for action in many(one["Action"]):
            assert action.partition(":")[2] not in ("", "*"), action
            if many(one["Resource"]) == ["*"]:
                assert "Condition" in one or action in unscoped, action


def test_the_role_deletes_no_store() -> None:
    """Buckets, keys, repositories and domains, and what is in them, are a person's to remove."""
    for one in statements(settings()):
        for action in many(one["Action"]):
            if action == "s3:DeleteObject":
                assert many(one["Resource"]) == [f"arn:aws:s3:::{names_of(settings()).bucket}/*"]
                continue
            verb = action.partition(":")[2].lower()
            assert not (verb.startswith(("delete", "schedule")) and verb.endswith(STORES)), action


def test_the_boundary_lets_through_all_that_the_policies_give() -> None:
    """No policy grants what the boundary takes away."""
    allowed = [one for one in deploy_boundary(names_of(settings()))["Statement"] if one["Effect"] == "Allow"]
    for one in statements(settings()):
        for action in many(one["Action"]):
            for resource in many(one["Resource"]):
                assert any(
                    any(fnmatchcase(action, wide) for wide in many(by["Action"]))
                    and any(fnmatchcase(resource, wide) for wide in many(by["Resource"]))
                    for by in allowed
                ), (action, resource)


def test_the_role_changes_neither_itself_nor_what_guards_the_state() -> None:
    """Denied in the boundary and in the policies: its role and policies, the state's bucket, key and alias."""
    at = names_of(settings())
    denied = {one["Sid"]: one for one in deploy_boundary(at)["Statement"] if one["Effect"] == "Deny"}
    assert denied == {one["Sid"]: one for one in statements(settings(), "Deny")}
    own = denied["KeepsItselfAsItIs"]
    for verb in ("PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy", "CreatePolicyVersion", "DeleteRole"):
        assert any(fnmatchcase(f"iam:{verb}", pattern) for pattern in many(own["Action"]))
    for name in (at.role_arn, at.arn(f"policy/{at.boundary}"), at.arn(f"policy/{at.policy('work')}")):
        assert any(fnmatchcase(name, pattern) for pattern in many(own["Resource"]))
    assert not any(fnmatchcase(at.roles_boundary_arn, pattern) for pattern in many(own["Resource"]))


def test_every_new_role_carries_the_environment_s_boundary() -> None:
    """Roles are made, and given policies, only under the boundary; they are passed to named services alone."""
    for one in statements(settings()):
        actions = many(one["Action"])
        if {"iam:CreateRole", "iam:PutRolePolicy"} & set(actions):
            boundary = one["Condition"]["StringEquals"]["iam:PermissionsBoundary"]
            assert boundary == names_of(settings()).roles_boundary_arn
        if "iam:PassRole" in actions:
            assert one["Condition"]["StringEquals"]["iam:PassedToService"]
        assert not {"iam:AttachRolePolicy", "iam:CreateUser", "iam:CreateAccessKey", "sts:AssumeRole"} & set(actions)


_ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
}
"""Operation → the action that IAM checks, where they are called differently."""
_PREFIXES = {"monitoring": "cloudwatch"}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Every operation that goes to AWS from this process, as the action that IAM checks."""
    actions: set[str] = set()
    lock, make = threading.Lock(), SandboxClients.__call__

    def heard(model: Any, **_: Any) -> None:
        service = model.service_model.signing_name
        action = f"{_PREFIXES.get(service, service)}:{model.name}"
        with lock:
            actions.add(_ACTIONS.get(action, action))

    def client(self: SandboxClients, service: str) -> Any:
        made = make(self, service)
        made.meta.events.register("before-call", heard, unique_id="heard")
        return made

    monkeypatch.setattr(SandboxClients, "__call__", client)
    return actions


OWN = {"tracking": {"kind": "mlflow", "uri": "https://mlflow.acme.example"}}


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"tracking": {"kind": "server"}}, OWN], ids=["app", "server", "own"])
def test_an_up_calls_nothing_that_the_role_may_not(
    called: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """What the handlers of the plan's resource types call, to make, read and change them, is in the policies."""
    monkeypatch.setenv("TERRACE_HOME", str(tmp_path))
    try:
        platform = open_platform(ROOT, "dev", {"level": 2, **more})
        runs.up_platform(platform, runs.Options("embedded"))
        runs.refresh(platform, runs.Options("embedded"))
        runs.up_platform(platform, runs.Options("embedded"))
    finally:
        Sandbox(tmp_path).stop()
    allowed = [action for one in statements(platform.settings) for action in many(one["Action"])]
    assert len(called) > 60
    assert sorted(a for a in called if not any(fnmatchcase(a, pattern) for pattern in allowed)) == []
