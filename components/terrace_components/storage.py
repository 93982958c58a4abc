"""Storage: the buckets for data, for artifacts and for access logs."""

from typing import NotRequired, TypedDict

import pulumi

from terrace_components.bucket import PrivateBucket, PrivateBucketArgs
from terrace_components.placement import Placement


class StorageArgs(TypedDict):
    """Arguments of Storage."""

    placement: Placement
    """Where the component stands."""
    data_key_arn: pulumi.Input[str]
    """Key that encrypts data sets."""
    models_key_arn: pulumi.Input[str]
    """Key that encrypts artifacts."""
    access_logs: bool
    """Whether each access to data and artifacts is logged to the log bucket: wherever more than one person works."""
    keeps_data_versions: NotRequired[bool]
    """Versions of data sets stay for good, since models were trained on them. Default false."""


class Storage(pulumi.ComponentResource):
    """Data, artifact and log buckets: private, encrypted, versioned, tidied up, logged, and heard by EventBridge."""

    data_bucket: pulumi.Output[str]
    """Name of the bucket for data sets."""
    artifact_bucket: pulumi.Output[str]
    """Name of the bucket for sources, models and reports."""
    log_bucket: pulumi.Output[str]
    """Name of the bucket for access logs."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        placement = args["placement"]
        super().__init__("terrace:index:Storage", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        logs = PrivateBucket(f"{name}-logs", {"placement": placement, "purpose": "logs", "receives_logs": True}, inside)
        data_args = PrivateBucketArgs(placement=placement, purpose="data", key_arn=args["data_key_arn"])
        if args.get("keeps_data_versions"):
            data_args["keeps_versions"] = True
        artifact_args = PrivateBucketArgs(placement=placement, purpose="artifacts", key_arn=args["models_key_arn"])
        if args["access_logs"]:
            data_args["log_bucket"] = artifact_args["log_bucket"] = logs.bucket
        data = PrivateBucket(f"{name}-data", data_args, inside)
        artifacts = PrivateBucket(f"{name}-artifacts", artifact_args, inside)

        self.data_bucket = data.bucket
        self.artifact_bucket = artifacts.bucket
        self.log_bucket = logs.bucket
        self.register_outputs(
            {"data_bucket": self.data_bucket, "artifact_bucket": self.artifact_bucket, "log_bucket": self.log_bucket}
        )
