"""Buckets and their settings, from the inputs of a program to what S3 shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.s3 import (
    Bucket,
    BucketLogging,
    BucketNotification,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)

BUCKET, POLICY, BLOCK, OWNERS = Bucket(), BucketPolicy(), BucketPublicAccessBlock(), BucketOwnershipControls()
VERSIONS, ENCRYPTION = BucketVersioning(), BucketServerSideEncryptionConfiguration()
LOGGING, NOTIFICATION = BucketLogging(), BucketNotification()
KEY = "arn:aws:kms:eu-central-1:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"
_DEFAULT, _SHOWN = "applyServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault"


def _bucket(aws: Clients) -> dict[str, str]:
    name = f"acme-{aws.account}"
    BUCKET.create(aws, {"bucket": name})
    return {"BUCKET": name}


def _log_bucket(aws: Clients) -> dict[str, str]:
    for name in ("logs", "more"):
        bucket = f"{name}-{aws.account}"
        BUCKET.create(aws, {"bucket": bucket})
        POLICY.create(aws, {"bucket": bucket, "policy": _policy("s3:PutObject", bucket, "Allow")})
    return {**_bucket(aws), "LOGS": f"logs-{aws.account}", "MORE": f"more-{aws.account}"}


def _policy(action: str, bucket: str = "<BUCKET>", effect: str = "Deny") -> str:
    statement = {
        "Sid": "One",
        "Effect": effect,
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": [action],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _look_bucket(aws: Clients, state: State) -> Any:
    client = aws("s3")
    listed = {b["Name"] for b in client.list_buckets()["Buckets"]}
    locked = True
    try:
        client.get_object_lock_configuration(Bucket=state.id)
    except ClientError:
        locked = False
    tags = named(client.get_bucket_tagging(Bucket=state.id)["TagSet"])
    return {"name": state.id if state.id in listed else None, "tags": tags, "locked": locked}


CASES = [
    Case(
        "bucket",
        BUCKET,
        {"bucket": "b-<ACCOUNT>", "objectLockEnabled": True, "forceDestroy": False, "tags": {"a": "1", "b": "2"}},
        {"bucket": "b-<ACCOUNT>", "objectLockEnabled": True, "forceDestroy": True, "tags": {"a": "3", "c": "4"}},
        _look_bucket,
        {"bucket": "name", "objectLockEnabled": "locked", "tags": "tags"},
        unseen=frozenset({"forceDestroy"}),
    ),
    Case(
        "policy",
        POLICY,
        {"bucket": "<BUCKET>", "policy": _policy("s3:GetObject")},
        {"bucket": "<BUCKET>", "policy": _policy("s3:PutObject")},
        lambda aws, state: {**aws("s3").get_bucket_policy(Bucket=state.id), "Bucket": state.id},
        {"bucket": "Bucket", "policy": "Policy"},
        _bucket,
    ),
    *(
        Case(
            f"public access, {flag}",
            BLOCK,
            {"bucket": "<BUCKET>", flag: True},
            {"bucket": "<BUCKET>", flag: False},
            lambda aws, state: {**aws("s3").get_public_access_block(Bucket=state.id), "Bucket": state.id},
            {"bucket": "Bucket", flag: f"PublicAccessBlockConfiguration.{flag[0].upper()}{flag[1:]}"},
            _bucket,
        )
        for flag in BLOCK.inputs
        if flag != "bucket"
    ),
    Case(
        "ownership",
        OWNERS,
        {"bucket": "<BUCKET>", "rule": {"objectOwnership": "ObjectWriter"}},
        {"bucket": "<BUCKET>", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        lambda aws, state: {**aws("s3").get_bucket_ownership_controls(Bucket=state.id), "Bucket": state.id},
        {"bucket": "Bucket", "rule.objectOwnership": "OwnershipControls.Rules[0].ObjectOwnership"},
        _bucket,
    ),
    Case(
        "encryption",
        ENCRYPTION,
        {"bucket": "<BUCKET>", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {
            "bucket": "<BUCKET>",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
                    "bucketKeyEnabled": True,
                }
            ],
        },
        lambda aws, state: {
            **aws("s3").get_bucket_encryption(Bucket=state.id)["ServerSideEncryptionConfiguration"],
            "Bucket": state.id,
        },
        {
            "bucket": "Bucket",
            f"rules.{_DEFAULT}.sseAlgorithm": f"Rules[].{_SHOWN}.SSEAlgorithm",
        },
        _bucket,
    ),
    Case(
        "encryption, key",
        ENCRYPTION,
        {
            "bucket": "<BUCKET>",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": f"{KEY}1"},
                    "bucketKeyEnabled": True,
                }
            ],
        },
        {
            "bucket": "<BUCKET>",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": f"{KEY}2"},
                    "bucketKeyEnabled": False,
                }
            ],
        },
        lambda aws, state: aws("s3").get_bucket_encryption(Bucket=state.id)["ServerSideEncryptionConfiguration"],
        {
            f"rules.{_DEFAULT}.kmsMasterKeyId": f"Rules[].{_SHOWN}.KMSMasterKeyID",
            "rules.bucketKeyEnabled": "Rules[].BucketKeyEnabled",
        },
        _bucket,
    ),
    Case(
        "logging",
        LOGGING,
        {"bucket": "<BUCKET>", "targetBucket": "<LOGS>", "targetPrefix": "one/"},
        {"bucket": "<BUCKET>", "targetBucket": "<MORE>", "targetPrefix": "two/"},
        lambda aws, state: {**aws("s3").get_bucket_logging(Bucket=state.id)["LoggingEnabled"], "Bucket": state.id},
        {"bucket": "Bucket", "targetBucket": "TargetBucket", "targetPrefix": "TargetPrefix"},
        _log_bucket,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_s3_and_follows_a_change(case: Case, aws: Clients) -> None:
    """S3 shows what a bucket was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


@pytest.mark.parametrize(
    "handler", [BUCKET, POLICY, BLOCK, OWNERS, ENCRYPTION, LOGGING], ids=lambda handler: handler.type
)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """Every input that a handler knows is shown by one of the cases above."""
    assert uncovered(handler, CASES) == {}


def _status(aws: Clients, bucket: str) -> str | None:
    status: str | None = aws("s3").get_bucket_versioning(Bucket=bucket).get("Status")
    return status


def _watched(aws: Clients, bucket: str) -> bool:
    return "EventBridgeConfiguration" in aws("s3").get_bucket_notification_configuration(Bucket=bucket)


def test_versioning_is_switched_on_and_suspended_when_it_is_removed(aws: Clients) -> None:
    """Versions that were kept stay: S3 knows no way back to a bucket that never had any."""
    name = _bucket(aws)["BUCKET"]
    on = {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}
    off = {"bucket": name, "versioningConfiguration": {"status": "Suspended"}}
    assert VERSIONS.find(aws, on) is None
    made = VERSIONS.create(aws, on)
    assert (made.id, _status(aws, name), VERSIONS.find(aws, on)) == (name, "Enabled", name)
    assert VERSIONS.read(aws, name, on) == made
    assert VERSIONS.update(aws, name, on, off) == VERSIONS.read(aws, name, off)
    assert _status(aws, name) == "Suspended"
    VERSIONS.update(aws, name, off, on)
    VERSIONS.delete(aws, name, on)
    assert _status(aws, name) == "Suspended"
    left = VERSIONS.read(aws, name, on)
    assert left is not None
    assert left.outputs["versioningConfiguration"] == {"status": "Suspended"}


def test_events_go_to_eventbridge_until_they_are_not_asked_for(aws: Clients) -> None:
    """The one setting of a notification is set, changed and cleared."""
    name = _bucket(aws)["BUCKET"]
    on, off = {"bucket": name, "eventbridge": True}, {"bucket": name, "eventbridge": False}
    made = NOTIFICATION.create(aws, on)
    assert (made.id, _watched(aws, name)) == (name, True)
    assert NOTIFICATION.read(aws, name, on) == made
    NOTIFICATION.update(aws, name, on, off)
    assert not _watched(aws, name)
    NOTIFICATION.update(aws, name, off, on)
    NOTIFICATION.delete(aws, name, on)
    assert not _watched(aws, name)


@pytest.mark.parametrize("handler", [POLICY, BLOCK, OWNERS, ENCRYPTION, LOGGING, NOTIFICATION, VERSIONS])
def test_a_setting_is_gone_with_its_bucket(handler: Handler, aws: Clients) -> None:
    """To delete the setting of a bucket that somebody deleted is no error, and a read finds nothing."""
    inputs = {"bucket": f"never-{aws.account}", "eventbridge": True}
    assert handler.read(aws, inputs["bucket"], inputs) is None
    handler.delete(aws, inputs["bucket"], inputs)


def test_a_bucket_has_the_outputs_that_programs_use(aws: Clients) -> None:
    """Its ARN and its addresses are those of AWS."""
    name = f"outputs-{aws.account}"
    outputs = BUCKET.create(aws, {"bucket": name}).outputs
    assert outputs["arn"] == f"arn:aws:s3:::{name}"
    assert outputs["bucketDomainName"] == f"{name}.s3.amazonaws.com"
    assert outputs["bucketRegionalDomainName"] == f"{name}.s3.{aws.region}.amazonaws.com"
    assert outputs["tagsAll"] == {}


def _fill(aws: Clients, name: str) -> None:
    s3 = aws("s3")
    VERSIONS.create(aws, {"bucket": name, "versioningConfiguration": {"status": "Enabled"}})
    for body in (b"one", b"two"):
        s3.put_object(Bucket=name, Key="data/a", Body=body)
    s3.put_object(Bucket=name, Key="data/b", Body=b"three")
    s3.delete_object(Bucket=name, Key="data/b")
    s3.create_multipart_upload(Bucket=name, Key="data/c")


@pytest.mark.parametrize("force", [False, True])
def test_a_bucket_with_objects_is_deleted_only_by_force(force: bool, aws: Clients) -> None:
    """S3 refuses to delete a bucket that holds anything, and the refusal stands unless the program forces it."""
    name = _bucket(aws)["BUCKET"]
    _fill(aws, name)
    if not force:
        with pytest.raises(ClientError, match="BucketNotEmpty"):
            BUCKET.delete(aws, name, {"bucket": name})
        assert BUCKET.find(aws, {"bucket": name}) == name
    else:
        BUCKET.delete(aws, name, {"bucket": name, "forceDestroy": True})
        assert BUCKET.find(aws, {"bucket": name}) is None


def test_a_purge_empties_a_bucket_of_every_version(aws: Clients) -> None:
    """After it the bucket is deleted without force."""
    name = _bucket(aws)["BUCKET"]
    _fill(aws, name)
    BUCKET.purge(aws, name, {"bucket": name})
    BUCKET.delete(aws, name, {"bucket": name})
    assert BUCKET.read(aws, name, {"bucket": name}) is None


def test_a_bucket_of_another_account_is_not_taken_for_ones_own(aws: Clients) -> None:
    """Names are the world's: what an interrupted creation left is looked for in the account alone."""
    other = type(aws)(aws.url, str(int(aws.account) + 500000), aws.region)
    BUCKET.create(other, {"bucket": f"theirs-{aws.account}"})
    assert BUCKET.find(aws, {"bucket": f"theirs-{aws.account}"}) is None


@pytest.mark.parametrize("name", ["bucket", "objectLockEnabled"])
def test_a_bucket_is_replaced_where_the_real_provider_replaces_it(name: str) -> None:
    """A new name, or a lock that only creation can set, makes a new bucket, after the old one is gone."""
    diff = BUCKET.diff(
        {"bucket": "a", "objectLockEnabled": False}, {"bucket": "a", "objectLockEnabled": False, name: "b"}
    )
    assert diff.replace == (name,)
    assert diff.delete_before_replace
