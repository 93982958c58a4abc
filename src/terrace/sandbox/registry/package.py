"""Model packages as AWS keeps them. They hang on moto's backend, by ARN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KEPT = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "ValidationSpecification",
    "SourceAlgorithmSpecification",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
    "ManagedStorageType",
    "ApprovalDescription",
)
"""Members of a description that hold what was asked for."""
_SUMMARY = (
    "ModelPackageDescription",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_NOT_TOLD = ("CreatedBy", "LastModifiedBy", "ModelCard")
"""Members of a description that events don't have."""


def now() -> datetime:
    """Return the time as it is shown, to the millisecond, so that a listing can be cut by what a description says."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@dataclass
class ModelPackage:
    """A version of a group's model, or a package of its own.

    Attributes:
        arn: Its ARN; that of a version ends in its number.
        model_package_name: Name, of a version that of its group.
        model_package_group_name: Its group, None for a package of its own.
        model_package_version: Number in its group.
        user: Who made it.
        said: Member → value, of those in `KEPT`.
        tags: Tags of a package of its own; a version has those of its group.
    """

    arn: str
    model_package_name: str
    model_package_group_name: str | None
    model_package_version: int | None
    user: Mapping[str, Any]
    said: dict[str, Any]
    certified: bool = False
    tags: list[dict[str, str]] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    modified: datetime | None = None

    def describe(self, *, whole: bool = True) -> dict[str, Any]:
        """Return it as DescribeModelPackage shows it; without what its card says unless `whole`."""
        shown: dict[str, Any] = {**self._identity(), "CreationTime": self.created, **self.said}
        shown |= {
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "CertifyForMarketplace": self.certified,
            "CreatedBy": self.user,
        }
        if self.modified is not None:
            shown |= {"LastModifiedTime": self.modified, "LastModifiedBy": self.user}
        if not whole and "ModelCard" in shown:
            shown["ModelCard"] = {"ModelCardStatus": shown["ModelCard"].get("ModelCardStatus")}
        return shown

    def summary(self) -> dict[str, Any]:
        """Return it as ListModelPackages shows it."""
        told = {name: self.said[name] for name in _SUMMARY if name in self.said}
        return {**self._identity(), "CreationTime": self.created, "ModelPackageStatus": "Completed", **told}

    def batch_summary(self) -> dict[str, Any]:
        """Return it as BatchDescribeModelPackage shows it."""
        told = {name: self.said.get(name) for name in ("InferenceSpecification", *_SUMMARY)}
        told |= {"InferenceSpecification": told["InferenceSpecification"] or {}}
        shown = {**self._identity(), "CreationTime": self.created, "ModelPackageStatus": "Completed", **told}
        return {name: value for name, value in shown.items() if value is not None}

    def detail(self, changed: list[str]) -> dict[str, Any]:
        """Return what EventBridge hears of it, with the members that an update changed."""
        told = {name: value for name, value in self.describe().items() if name not in _NOT_TOLD}
        told = {name: _stamp(value) if isinstance(value, datetime) else value for name, value in told.items()}
        if changed:
            told["UpdatedModelPackageFields"] = changed
        return told

    def _identity(self) -> dict[str, Any]:
        if self.model_package_group_name is None:
            return {"ModelPackageName": self.model_package_name, "ModelPackageArn": self.arn}
        return {
            "ModelPackageGroupName": self.model_package_group_name,
            "ModelPackageVersion": self.model_package_version,
            "ModelPackageArn": self.arn,
        }


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
