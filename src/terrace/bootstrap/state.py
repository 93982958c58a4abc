"""The key and the bucket of Pulumi's state: made once, and brought back to what they must be at every run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from terrace.bootstrap.names import Names
from terrace.bootstrap.steps import Step, code_of, outcome
from terrace.errors import TerraceError
from terrace.maturity.documents import Document, deny_insecure, document
from terrace.maturity.key_policies import KeyPurpose, key_policy

STATE = KeyPurpose("state", "Pulumi's state and the secrets in it")
NONCURRENT_DAYS = 90
"""Days in which a state that was overwritten can be brought back."""
UNFINISHED_DAYS = 7
PURPOSE = {"purpose": "state"}
"""Tag by which a key is found again that was made when the run ended before its alias was."""


def ensure_key(kms: Any, at: Names, tags: dict[str, str]) -> tuple[str, Step]:
    """Return the ARN of the state's key, made if there is none.

    Raises:
        TerraceError: The key is about to be deleted, and the state with it.
    """
    wanted = key_policy(at.account, at.region, STATE)
    made, changed = False, []
    key = _by_alias(kms, at)
    if key is None:
        key = _left_without_alias(kms, at)
        if key is None:
            key = kms.create_key(
                Description=f"{at.prefix}: {STATE.description}",
                Policy=json.dumps(wanted),
                Tags=[{"TagKey": name, "TagValue": value} for name, value in {**tags, **PURPOSE}.items()],
            )["KeyMetadata"]
            made = True
        else:
            changed.append("alias")
        kms.create_alias(AliasName=at.alias, TargetKeyId=key["KeyId"])
    if key["KeyState"] != "Enabled":
        raise TerraceError(
            f"The key {at.alias} is {key['KeyState']}: whatever it encrypted cannot be read, the state included.",
            f"Bring it back with: aws kms cancel-key-deletion --key-id {key['KeyId']} --region {at.region}, "
            "then aws kms enable-key; and run the same command.",
        )
    if not kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]:
        kms.enable_key_rotation(KeyId=key["KeyId"])
        changed.append("rotation")
    if json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]) != wanted:
        kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(wanted))
        changed.append("policy")
    return str(key["Arn"]), Step("state key", at.alias, *outcome(made, changed))


def ensure_bucket(s3: Any, at: Names, key_arn: str, tags: dict[str, str]) -> Step:
    """Make the state's bucket, or bring it back to private, encrypted, versioned, TLS only and tidied up.

    Raises:
        TerraceError: Another account has a bucket of that name.
    """
    made = _bucket(s3, at)
    changed = []
    for what, read, wanted, write in _properties(s3, at, key_arn, tags):
        if _absent_is_none(read) != wanted:
            write()
            changed.append(what)
    return Step("state bucket", at.bucket, *outcome(made, changed))


def bucket_policy(at: Names) -> Document:
    """Return the policy of the state's bucket: nothing without TLS. Who may at all is said by IAM."""
    arn = f"arn:aws:s3:::{at.bucket}"
    return document(deny_insecure("s3:*", [arn, f"{arn}/*"]))


def lifecycle() -> list[dict[str, Any]]:
    """Return the rules that tidy up old states; the current one never expires."""
    every = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    return [
        {"ID": "old-states", **every, "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS}},
        {
            "ID": "unfinished-uploads",
            **every,
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
        },
    ]


PRIVATE = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
_Property = tuple[str, Callable[[], Any], Any, Callable[[], Any]]


def _properties(s3: Any, at: Names, key_arn: str, tags: dict[str, str]) -> list[_Property]:
    """Return what the bucket must be: what, how it is read, what it must say, how it is written."""
    # The account is named at every call: a bucket of that name in another account is never written to.
    of = {"Bucket": at.bucket, "ExpectedBucketOwner": at.account}
    ownership = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    encryption = [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn},
            "BucketKeyEnabled": True,
        }
    ]
    policy = bucket_policy(at)
    wanted_tags = {**tags, **PURPOSE}
    tag_set = [{"Key": name, "Value": value} for name, value in wanted_tags.items()]

    def configuration() -> Any:
        rules = s3.get_bucket_encryption(**of)["ServerSideEncryptionConfiguration"]["Rules"]
        return [{name: rule.get(name) for name in encryption[0]} for rule in rules]

    return [
        (
            "public access block",
            lambda: s3.get_public_access_block(**of)["PublicAccessBlockConfiguration"],
            PRIVATE,
            lambda: s3.put_public_access_block(**of, PublicAccessBlockConfiguration=PRIVATE),
        ),
        (
            "ownership",
            lambda: s3.get_bucket_ownership_controls(**of)["OwnershipControls"],
            ownership,
            lambda: s3.put_bucket_ownership_controls(**of, OwnershipControls=ownership),
        ),
        (
            "versioning",
            lambda: s3.get_bucket_versioning(**of).get("Status"),
            "Enabled",
            lambda: s3.put_bucket_versioning(**of, VersioningConfiguration={"Status": "Enabled"}),
        ),
        (
            "encryption",
            configuration,
            encryption,
            lambda: s3.put_bucket_encryption(**of, ServerSideEncryptionConfiguration={"Rules": encryption}),
        ),
        (
            "lifecycle",
            lambda: _gist(s3.get_bucket_lifecycle_configuration(**of)["Rules"]),
            _gist(lifecycle()),
            lambda: s3.put_bucket_lifecycle_configuration(**of, LifecycleConfiguration={"Rules": lifecycle()}),
        ),
        (
            "policy",
            lambda: json.loads(s3.get_bucket_policy(**of)["Policy"]),
            policy,
            lambda: s3.put_bucket_policy(**of, Policy=json.dumps(policy)),
        ),
        (
            "tags",
            lambda: {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(**of)["TagSet"]},
            wanted_tags,
            lambda: s3.put_bucket_tagging(**of, Tagging={"TagSet": tag_set}),
        ),
    ]


def _gist(rules: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what rules do, however AWS writes that they are for everything in the bucket."""
    return sorted(
        (
            str(rule.get("ID")),
            rule.get("Status"),
            rule.get("Filter", {}).get("Prefix") or rule.get("Prefix") or "",
            rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
            rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        )
        for rule in rules
    )


_ABSENT = (
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)


def _absent_is_none(read: Callable[[], Any]) -> Any:
    """Return what is read; None where the bucket has no such configuration. Any other error stays one."""
    try:
        return read()
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return None
        raise


def _bucket(s3: Any, at: Names) -> bool:
    """Make the bucket, and tell whether it was made."""
    try:
        s3.head_bucket(Bucket=at.bucket, ExpectedBucketOwner=at.account)
        return False
    except ClientError as error:
        if code_of(error) not in ("404", "NoSuchBucket", "NotFound"):
            raise
    where: dict[str, Any] = {}
    if at.region != "us-east-1":
        where = {"CreateBucketConfiguration": {"LocationConstraint": at.region}}
    try:
        s3.create_bucket(Bucket=at.bucket, ObjectOwnership="BucketOwnerEnforced", **where)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyExists":
            raise
        raise TerraceError(
            f"Another account has a bucket called {at.bucket}.",
            "Nobody but you needs that name: find out who has it, and choose another terrace:organisation.",
        ) from error
    return True


def _by_alias(kms: Any, at: Names) -> Any:
    try:
        return kms.describe_key(KeyId=at.alias)["KeyMetadata"]
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        return None


def _left_without_alias(kms: Any, at: Names) -> Any:
    """Return the key of a run that ended between making it and naming it, None without one."""
    wanted = {"environment": at.environment, **PURPOSE}
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            try:
                found = kms.list_resource_tags(KeyId=listed["KeyId"])["Tags"]
            except ClientError as error:
                # A key whose own policy lets nobody look at it is none that bootstrap made.
                if code_of(error) in ("AccessDeniedException", "AccessDenied"):
                    continue
                raise
            tags = {tag["TagKey"]: tag["TagValue"] for tag in found}
            if wanted.items() <= tags.items():
                key = kms.describe_key(KeyId=listed["KeyId"])["KeyMetadata"]
                if key["KeyState"] == "Enabled":
                    return key
    return None
