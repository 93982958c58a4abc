"""What is true of every bucket: its policy and how it is tidied up. Pure."""

from collections.abc import Sequence
from typing import Any

from terrace_components.documents import Document, Statement, allow, deny_insecure, document

UNFINISHED_UPLOAD_DAYS = 7
NONCURRENT_DAYS = 90
"""How long a version that was overwritten or deleted can be brought back."""


def bucket_policy(bucket: str, statements: Sequence[Statement] = ()) -> Document:
    """Return a bucket's policy: what is given, and nothing without TLS."""
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return document(*statements, deny_insecure("s3:*", arns))


def log_delivery(bucket: str, prefix: str, account: str) -> Statement:
    """Return the statement by which S3 writes the access logs of the environment's buckets into its log bucket."""
    return allow(
        "AccessLogDelivery",
        ["s3:PutObject"],
        [f"arn:aws:s3:::{bucket}/*"],
        principal={"Service": "logging.s3.amazonaws.com"},
        condition={
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{prefix}-*"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    )


def lifecycle_rules(retention_days: int, *, expires: bool, keeps_versions: bool = False) -> list[dict[str, Any]]:
    """Return the rules that tidy a bucket up.

    Args:
        retention_days: How long logs are kept.
        expires: Current objects expire too, after `retention_days`: for logs, never for data.
        keeps_versions: Versions that were overwritten or deleted stay: models were trained on them.
    """
    unfinished = {
        "id": "unfinished-uploads",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": UNFINISHED_UPLOAD_DAYS},
    }
    noncurrent = {
        "id": "noncurrent-versions",
        "status": "Enabled",
        "filter": {"prefix": ""},
        **(_KEPT if keeps_versions else _expired(retention_days)),
    }
    old_logs = {
        "id": "old-logs",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": retention_days},
    }
    return [unfinished, noncurrent, old_logs] if expires else [unfinished, noncurrent]


# The cheapest class that is read at once: a run that is repeated after years waits for nothing.
_KEPT = {"noncurrent_version_transitions": [{"noncurrent_days": NONCURRENT_DAYS, "storage_class": "GLACIER_IR"}]}


def _expired(retention_days: int) -> dict[str, Any]:
    return {"noncurrent_version_expiration": {"noncurrent_days": min(NONCURRENT_DAYS, retention_days)}}
