"""One bucket with everything that keeps what is in it safe. Storage makes all of its buckets of this."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.bucket_rules import bucket_policy, lifecycle_rules, log_delivery
from terrace_components.child import Children
from terrace_components.documents import policy
from terrace_components.placement import Place, Placement


class PrivateBucketArgs(TypedDict):
    """Arguments of PrivateBucket."""

    placement: Placement
    """Where the component stands."""
    purpose: str
    """What the bucket holds: a word that ends its name."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key that encrypts the objects. Without it S3's own key does, which only a bucket of access logs needs."""
    log_bucket: NotRequired[pulumi.Input[str]]
    """Bucket that takes the access logs; without it there are none."""
    receives_logs: NotRequired[bool]
    """The bucket takes access logs of the environment's other buckets; what is in it expires. Default false."""
    keeps_versions: NotRequired[bool]
    """Versions that were overwritten or deleted stay for good, in a cheaper storage class. Default false."""


class PrivateBucket(pulumi.ComponentResource):
    """A bucket that is private, encrypted, versioned, tidied up, reached by TLS alone, and tells EventBridge."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    arn: pulumi.Output[str]
    """ARN of the bucket."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        receives_logs = args.get("receives_logs", False)
        super().__init__("terrace:index:PrivateBucket", name, {}, opts)
        child = Children(self, name, place, "storage")

        physical = place.name("bucket", args["purpose"])
        bucket = child(aws.s3.Bucket, "bucket", bucket=physical)
        block = child(
            aws.s3.BucketPublicAccessBlock,
            "public-access-block",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        ownership = child(
            aws.s3.BucketOwnershipControls,
            "ownership",
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
        )
        child(
            aws.s3.BucketVersioning,
            "versioning",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
        )
        child(
            aws.s3.BucketServerSideEncryptionConfiguration,
            "encryption",
            bucket=bucket.id,
            rules=[_encryption_rule(args.get("key_arn"))],
        )
        child(
            aws.s3.BucketLifecycleConfiguration,
            "lifecycle",
            bucket=bucket.id,
            rules=lifecycle_rules(
                place.retention_days, expires=receives_logs, keeps_versions=args.get("keeps_versions", False)
            ),
        )
        statements = [log_delivery(physical, place.prefix, place.account)] if receives_logs else []
        guard = child(
            aws.s3.BucketPolicy,
            "policy",
            bucket=bucket.id,
            policy=policy(bucket_policy(physical, statements)),
            # S3 refuses two changes of a bucket's access at once.
            opts=pulumi.ResourceOptions(depends_on=[block, ownership]),
        )
        child(aws.s3.BucketNotification, "notification", bucket=bucket.id, eventbridge=True)
        if "log_bucket" in args:
            child(
                aws.s3.BucketLogging,
                "logging",
                bucket=bucket.id,
                target_bucket=args["log_bucket"],
                target_prefix=f"access/{physical}/",
            )

        # The name is out once the policy is in force: S3 asks for it before it delivers access logs.
        self.bucket = pulumi.Output.all(bucket.bucket, guard.id).apply(lambda found: str(found[0]))
        self.arn = bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})


def _encryption_rule(key_arn: pulumi.Input[str] | None) -> dict[str, object]:
    if key_arn is None:
        # S3 cannot deliver access logs into a bucket whose default is a customer key.
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
        "bucket_key_enabled": True,
    }
