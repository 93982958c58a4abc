"""Keys and aliases, from the inputs of a program to what KMS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.kms import Alias, Key

KEY, ALIAS = Key(), Alias()


def _policy(action: str) -> str:
    statement = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::<ACCOUNT>:root"},
        "Action": action,
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _look_key(aws: Clients, state: State) -> Any:
    client = aws("kms")
    tags = client.list_resource_tags(KeyId=state.id)["Tags"]
    return {
        **client.describe_key(KeyId=state.id)["KeyMetadata"],
        **client.get_key_rotation_status(KeyId=state.id),
        **client.get_key_policy(KeyId=state.id, PolicyName="default"),
        "tags": named([{"key": tag["TagKey"], "value": tag["TagValue"]} for tag in tags]),
    }


def _keys(aws: Clients) -> dict[str, str]:
    return {name: KEY.create(aws, {"description": name}).id for name in ("ONE", "TWO")}


def _look_alias(aws: Clients, state: State) -> Any:
    return next(alias for alias in aws("kms").list_aliases()["Aliases"] if alias["AliasName"] == state.id)


CASES = [
    Case(
        "key",
        KEY,
        {
            "bypassPolicyLockoutSafetyCheck": True,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "deletionWindowInDays": 7,
            "description": "Encrypts data",
            "enableKeyRotation": True,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
            "multiRegion": True,
            "policy": _policy("kms:*"),
            "rotationPeriodInDays": 180,
            "tags": {"a": "1", "b": "2"},
        },
        {
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "deletionWindowInDays": 30,
            "description": "Encrypts more",
            "enableKeyRotation": True,
            "isEnabled": False,
            "keyUsage": "ENCRYPT_DECRYPT",
            "multiRegion": True,
            "policy": _policy("kms:Decrypt"),
            "rotationPeriodInDays": 90,
            "tags": {"a": "3", "c": "4"},
        },
        _look_key,
        {
            "customerMasterKeySpec": "KeySpec",
            "description": "Description",
            "isEnabled": "Enabled",
            "keyUsage": "KeyUsage",
            "multiRegion": "MultiRegion",
            "policy": "Policy",
            "rotationPeriodInDays": "RotationPeriodInDays",
            "tags": "tags",
        },
        unseen=frozenset({"bypassPolicyLockoutSafetyCheck", "deletionWindowInDays"}),
    ),
    Case(
        "rotation",
        KEY,
        {"description": "Rotates", "enableKeyRotation": True},
        {"description": "Stays", "enableKeyRotation": False},
        _look_key,
        {"enableKeyRotation": "KeyRotationEnabled"},
    ),
    Case(
        "alias",
        ALIAS,
        {"name": "alias/acme-data", "targetKeyId": "<ONE>"},
        {"name": "alias/acme-data", "targetKeyId": "<TWO>"},
        _look_alias,
        {"name": "AliasName", "targetKeyId": "TargetKeyId"},
        _keys,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_kms_and_follows_a_change(case: Case, aws: Clients) -> None:
    """KMS shows what a key was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


@pytest.mark.parametrize("handler", [KEY, ALIAS], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """Every input that a handler knows is shown by one of the cases above."""
    assert uncovered(handler, CASES) == {}


def test_a_key_is_deleted_after_the_days_that_the_program_gave(aws: Clients) -> None:
    """Until then it can be restored, and the provider counts it as gone."""
    made = KEY.create(aws, {"deletionWindowInDays": 7})
    KEY.delete(aws, made.id, {"deletionWindowInDays": 7})
    seen = aws("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert seen["KeyState"] == "PendingDeletion"
    assert round((seen["DeletionDate"] - seen["CreationDate"]).total_seconds() / 86400) == 7
    assert KEY.read(aws, made.id, {}) is None


def test_two_keys_with_the_same_inputs_are_both_candidates(aws: Clients) -> None:
    """Which of them an interrupted creation left is for the journal to say."""
    inputs = {"description": "Encrypts data", "tags": {"a": "1"}}
    made = {KEY.create(aws, inputs).id for _ in range(2)}
    KEY.create(aws, {**inputs, "tags": {"a": "2"}})
    assert set(KEY.candidates(aws, inputs)) == made


def test_a_key_and_an_alias_have_the_outputs_that_programs_use(aws: Clients) -> None:
    """Ids and ARNs are those of AWS, and a key without a policy shows the one that it got."""
    key = KEY.create(aws, {}).outputs
    arn = f"arn:aws:kms:{aws.region}:{aws.account}:key/{key['keyId']}"
    assert key["arn"] == arn
    assert json.loads(key["policy"])["Statement"]
    alias = ALIAS.create(aws, {"name": "alias/mine", "targetKeyId": arn}).outputs
    assert alias["arn"] == f"arn:aws:kms:{aws.region}:{aws.account}:alias/mine"
    assert alias["targetKeyArn"] == arn
    assert alias["targetKeyId"] == arn


@pytest.mark.parametrize("name", ["customerMasterKeySpec", "keyUsage", "multiRegion"])
def test_a_key_is_replaced_where_the_real_provider_replaces_it(name: str) -> None:
    """What a key is cannot be changed: the new key is made before the old one is given up."""
    diff = KEY.diff({}, {name: True})
    assert (diff.replace, diff.delete_before_replace) == ((name,), False)
