"""Buckets and the settings that belong to one bucket each."""

from __future__ import annotations

from terrace.sandbox.provider.s3.access import BucketOwnershipControls, BucketPolicy, BucketPublicAccessBlock
from terrace.sandbox.provider.s3.bucket import Bucket
from terrace.sandbox.provider.s3.contents import (
    BucketLifecycleConfiguration,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)
from terrace.sandbox.provider.s3.watch import BucketLogging, BucketNotification

HANDLERS = (
    Bucket,
    BucketLifecycleConfiguration,
    BucketLogging,
    BucketNotification,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)
