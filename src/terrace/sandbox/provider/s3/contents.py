"""What becomes of the objects in a bucket: versions, encryption, how long they stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.s3.setting import BucketSetting
from terrace.sandbox.provider.shapes import request, response
from terrace.sandbox.provider.tags import tag_list, tag_map


class BucketVersioning(BucketSetting):
    """Keeps old versions of objects. To delete it suspends versioning, as nothing can undo it."""

    type = "aws:s3/bucketVersioning:BucketVersioning"
    inputs = {"bucket": str, "versioningConfiguration": {"status": str}}
    required = frozenset({"bucket", "versioningConfiguration", "versioningConfiguration.status"})

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        s3.put_bucket_versioning(**request(s3, "PutBucketVersioning", {**inputs, "bucket": bucket}))

    def see(self, s3: Any, bucket: str) -> Props | None:
        status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        return {"VersioningConfiguration": {"Status": status}} if status else None

    def clear(self, s3: Any, bucket: str) -> None:
        if self.see(s3, bucket):
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})

    def outputs(self, bucket: str, inputs: Props, seen: Props) -> Props:
        # Without inputs (a read by id alone) all there is to tell is the status.
        like = {"versioningConfiguration": {"status": ""}, **inputs}
        return {**response(self.inputs, like, seen), "bucket": bucket}


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """Encrypts objects by default. Without it S3 uses a key of its own."""

    type = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    inputs = {
        "bucket": str,
        "rules": [
            {
                "applyServerSideEncryptionByDefault": {"kmsMasterKeyId": str, "sseAlgorithm": str},
                "bucketKeyEnabled": bool,
            }
        ],
    }
    required = frozenset({"bucket", "rules", "rules.applyServerSideEncryptionByDefault.sseAlgorithm"})
    missing = "ServerSideEncryptionConfigurationNotFoundError"
    names = {"kmsMasterKeyId": "KMSMasterKeyID"}

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        props = {"bucket": bucket, "serverSideEncryptionConfiguration": {"rules": inputs["rules"]}}
        s3.put_bucket_encryption(**request(s3, "PutBucketEncryption", props, self.names))

    def see(self, s3: Any, bucket: str) -> Props | None:
        seen: Props = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        return seen

    def clear(self, s3: Any, bucket: str) -> None:
        s3.delete_bucket_encryption(Bucket=bucket)

    def outputs(self, bucket: str, inputs: Props, seen: Props) -> Props:
        return {**response(self.inputs, inputs, seen, self.names), "bucket": bucket}


_FILTER = {
    "and": {"objectSizeGreaterThan": int, "objectSizeLessThan": int, "prefix": str, "tags": dict},
    "objectSizeGreaterThan": int,
    "objectSizeLessThan": int,
    "prefix": str,
    "tag": {"key": str, "value": str},
}


class BucketLifecycleConfiguration(BucketSetting):
    """Moves objects to cheaper storage and deletes them, by age."""

    type = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    inputs = {
        "bucket": str,
        "rules": [
            {
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": int},
                "expiration": {"date": str, "days": int, "expiredObjectDeleteMarker": bool},
                "filter": _FILTER,
                "id": str,
                "noncurrentVersionExpiration": {"newerNoncurrentVersions": int, "noncurrentDays": int},
                "noncurrentVersionTransitions": [
                    {"newerNoncurrentVersions": int, "noncurrentDays": int, "storageClass": str}
                ],
                "status": str,
                "transitions": [{"date": str, "days": int, "storageClass": str}],
            }
        ],
    }
    required = frozenset(
        {
            "bucket",
            "rules",
            "rules.id",
            "rules.status",
            "rules.filter.tag.key",
            "rules.filter.tag.value",
            "rules.noncurrentVersionExpiration.noncurrentDays",
            "rules.noncurrentVersionTransitions.noncurrentDays",
            "rules.noncurrentVersionTransitions.storageClass",
            "rules.transitions.storageClass",
        }
    )
    missing = "NoSuchLifecycleConfiguration"

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        rules = [_rule_for_aws(rule) for rule in inputs["rules"]]
        props = {"bucket": bucket, "lifecycleConfiguration": {"rules": rules}}
        s3.put_bucket_lifecycle_configuration(**request(s3, "PutBucketLifecycleConfiguration", props))

    def see(self, s3: Any, bucket: str) -> Props | None:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        return {"Rules": [_rule_of_aws(rule) for rule in rules]}

    def clear(self, s3: Any, bucket: str) -> None:
        s3.delete_bucket_lifecycle(Bucket=bucket)


def _rule_for_aws(rule: Props) -> Props:
    # A rule without a filter is for all objects, and says so by an empty prefix.
    where = dict(rule.get("filter") or {"prefix": ""})
    if "and" in where:
        where["and"] = {**where["and"], "tags": tag_list(where["and"], "key", "value")}
    return {**rule, "filter": where}


def _rule_of_aws(rule: Props) -> Props:
    where = rule.get("Filter", {})
    if "And" in where:
        tags = tag_map(where["And"].get("Tags", []))
        where = {**where, "And": {**where["And"], "Tags": tags}}
    seen: Props = _dates_as_text({**rule, "Filter": where})
    return seen


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return {key: _dates_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(inner) for inner in value]
    return value
