"""Who learns what happens in a bucket: the access log and EventBridge."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.s3.setting import BucketSetting
from terrace.sandbox.provider.shapes import request


class BucketLogging(BucketSetting):
    """Writes the accesses to a bucket into another."""

    type = "aws:s3/bucketLogging:BucketLogging"
    inputs = {"bucket": str, "targetBucket": str, "targetPrefix": str}
    required = frozenset(inputs)

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        target = {name: value for name, value in inputs.items() if name != "bucket"}
        props = {"bucket": bucket, "bucketLoggingStatus": {"loggingEnabled": target}}
        s3.put_bucket_logging(**request(s3, "PutBucketLogging", props))

    def see(self, s3: Any, bucket: str) -> Props | None:
        seen: Props | None = s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
        return seen

    def clear(self, s3: Any, bucket: str) -> None:
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


class BucketNotification(BucketSetting):
    """Sends the events of a bucket to EventBridge."""

    type = "aws:s3/bucketNotification:BucketNotification"
    inputs = {"bucket": str, "eventbridge": bool}
    required = frozenset({"bucket"})

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        wanted: dict[str, Any] = {"EventBridgeConfiguration": {}} if inputs.get("eventbridge") else {}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)

    def see(self, s3: Any, bucket: str) -> Props | None:
        return {"eventbridge": "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)}

    def clear(self, s3: Any, bucket: str) -> None:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
