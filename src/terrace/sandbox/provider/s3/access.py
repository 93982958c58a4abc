"""Who gets at a bucket: its policy, its block of public access, who owns its objects."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.s3.setting import BucketSetting
from terrace.sandbox.provider.shapes import request


class BucketPolicy(BucketSetting):
    """Grants and denies on a bucket."""

    type = "aws:s3/bucketPolicy:BucketPolicy"
    inputs = {"bucket": str, "policy": str}
    required = frozenset(inputs)
    policies = frozenset({"policy"})
    missing = "NoSuchBucketPolicy"

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def see(self, s3: Any, bucket: str) -> Props | None:
        seen: Props = s3.get_bucket_policy(Bucket=bucket)
        return seen

    def clear(self, s3: Any, bucket: str) -> None:
        s3.delete_bucket_policy(Bucket=bucket)


class BucketPublicAccessBlock(BucketSetting):
    """Keeps a bucket private whatever else says otherwise."""

    type = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    inputs = {
        "blockPublicAcls": bool,
        "blockPublicPolicy": bool,
        "bucket": str,
        "ignorePublicAcls": bool,
        "restrictPublicBuckets": bool,
    }
    required = frozenset({"bucket"})
    missing = "NoSuchPublicAccessBlockConfiguration"

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        flags = {name: bool(inputs.get(name)) for name in self.inputs if name != "bucket"}
        props = {"bucket": bucket, "publicAccessBlockConfiguration": flags}
        s3.put_public_access_block(**request(s3, "PutPublicAccessBlock", props))

    def see(self, s3: Any, bucket: str) -> Props | None:
        seen: Props = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        return seen

    def clear(self, s3: Any, bucket: str) -> None:
        s3.delete_public_access_block(Bucket=bucket)


class BucketOwnershipControls(BucketSetting):
    """Who owns what others put into a bucket, and whether ACLs mean anything."""

    type = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    inputs = {"bucket": str, "rule": {"objectOwnership": str}}
    required = frozenset({"bucket", "rule", "rule.objectOwnership"})
    missing = "OwnershipControlsNotFoundError"

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        props = {"bucket": bucket, "ownershipControls": {"rules": [inputs["rule"]]}}
        s3.put_bucket_ownership_controls(**request(s3, "PutBucketOwnershipControls", props))

    def see(self, s3: Any, bucket: str) -> Props | None:
        rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return {"Rule": rules[0]}

    def clear(self, s3: Any, bucket: str) -> None:
        s3.delete_bucket_ownership_controls(Bucket=bucket)
