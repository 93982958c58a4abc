"""Versions of a model in the registry: what each is, and the decision on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from terrace.errors import ProjectError
from terrace.target import Target

if TYPE_CHECKING:
    from terrace.maturity import ModelContract

PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"
DECIDED_BY, DECIDED_AT = "decided-by", "decided-at"
"""Metadata of a version: who approved or rejected it, and when."""
BROUGHT_FROM, BROUGHT_DIGEST = "brought-from", "brought-sha256"
"""Metadata of a version of another environment: its ARN there, and the hash of its archive."""
_LONGEST = {"value": 256, "description": 1024}
"""What SageMaker takes of a metadata's value and of an approval's description."""


@dataclass(frozen=True)
class Version:
    """A version of a model: a model package.

    Attributes:
        number: Its number in the group.
        arn: Its ARN.
        status: `PendingManualApproval`, `Approved` or `Rejected`.
        image: Image that serves it, by digest.
        model_data: Where its archive lies.
        registered_at: When it was registered.
        registered_by: ARN of who registered it, empty where it is not told.
        reason: What the decision on it says.
        metadata: What was registered with it: `code`, `data`, `source`, `execution`, `metric:<name>`…
        package_status: SageMaker's own: `Completed`, or `Failed` for one that cannot be used.
    """

    number: int
    arn: str
    status: str
    image: str
    model_data: str
    registered_at: datetime
    registered_by: str = ""
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    package_status: str = "Completed"

    @property
    def metrics(self) -> dict[str, float]:
        """Its metrics; one that is no number is left out."""
        return metrics(self.metadata)

    @property
    def decided(self) -> str:
        """Who decided on it and when, for people; empty before."""
        by, at = self.metadata.get(DECIDED_BY), self.metadata.get(DECIDED_AT)
        return f"by {by} at {at}" if by and self.status != PENDING else ""

    def metrics_text(self) -> str:
        """Return its metrics for people."""
        return ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items()) or "no metrics"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = self.metadata
        return {
            "version": self.number,
            "arn": self.arn,
            "status": self.status,
            "reason": self.reason or None,
            "decided_by": told.get(DECIDED_BY),
            "decided_at": told.get(DECIDED_AT),
            "metrics": self.metrics,
            "registered_at": self.registered_at.isoformat(),
            "registered_by": self.registered_by or None,
            "code": told.get("code"),
            "data": told.get("data"),
            "source": told.get("source"),
            "image": self.image,
            "model_data": self.model_data,
            "execution": told.get("execution"),
            "brought_from": told.get(BROUGHT_FROM),
        }

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Version:
        """Return a version as DescribeModelPackage shows it."""
        containers = said.get("InferenceSpecification", {}).get("Containers") or [{}]
        return cls(
            number=int(said["ModelPackageVersion"]),
            arn=said["ModelPackageArn"],
            status=said.get("ModelApprovalStatus", PENDING),
            image=containers[0].get("Image", ""),
            model_data=containers[0].get("ModelDataUrl", ""),
            registered_at=said["CreationTime"],
            registered_by=_who(said.get("CreatedBy") or {}),
            reason=said.get("ApprovalDescription", ""),
            metadata=dict(said.get("CustomerMetadataProperties") or {}),
            package_status=said.get("ModelPackageStatus", "Completed"),
        )


def metrics(metadata: Mapping[str, str]) -> dict[str, float]:
    """Return the metrics in a version's metadata. One that is no number is left out."""
    found: dict[str, float] = {}
    for name, value in metadata.items():
        if name.startswith("metric:"):
            try:
                found[name.removeprefix("metric:")] = float(value)
            except ValueError:
                continue
    return found


def read_version(target: Target, arn: str) -> Version:
    """Return a version by the ARN of its package."""
    return Version.read(target.client("sagemaker").describe_model_package(ModelPackageName=arn))


def list_versions(target: Target, contract: ModelContract, last: int | None = None) -> list[Version]:
    """Return the versions of a model, the newest first; with `last`, only so many."""
    pages = (
        target.client("sagemaker")
        .get_paginator("list_model_packages")
        .paginate(ModelPackageGroupName=contract.package_group)
    )
    listed = {int(one["ModelPackageVersion"]): one["ModelPackageArn"] for p in pages for one in _summaries(p)}
    return [read_version(target, listed[number]) for number in sorted(listed, reverse=True)[:last]]


def need_version(versions: Iterable[Version], contract: ModelContract, number: int) -> Version:
    """Return a version by its number.

    Raises:
        ProjectError: There is none; the message names those that there are.
    """
    known = list(versions)
    found = next((one for one in known if one.number == number), None)
    if found is None:
        there = ", ".join(str(one.number) for one in reversed(known)) or "none"
        raise ProjectError(
            f"{contract.model} has no version {number} in {contract.environment}.", f"There are: {there}."
        )
    return found


def choose(
    versions: Iterable[Version],
    contract: ModelContract,
    number: int | None,
    wanted: str,
    reason: str,
    serving: int | None,
) -> Version | None:
    """Return the version that a decision is about, None if it is decided so already. Pure.

    Args:
        versions: All there are.
        contract: Of the model.
        number: Which is asked for; None is the newest that waits for a decision.
        wanted: `Approved` or `Rejected`.
        reason: What was given as reason.
        serving: Number of the version that serves; None if that is the baseline.

    Raises:
        ProjectError: There is none, or the decision makes no sense.
    """
    known, where = list(versions), f"{contract.model} {contract.environment}"
    if len(reason) > _LONGEST["description"]:
        raise ProjectError(
            f"The reason has {len(reason)} characters; the registry takes {_LONGEST['description']}.",
            "Say it in short, and where the rest can be read.",
        )
    if number is None:
        waiting = [one for one in known if one.status == PENDING]
        if not waiting:
            there = ", ".join(f"{one.number} is {one.status}" for one in known) or "none is registered"
            raise ProjectError(
                f"No version of {contract.model} in {contract.environment} waits for a decision.", f"Of all: {there}."
            )
        found = max(waiting, key=lambda one: one.number)
    else:
        found = need_version(known, contract, number)
    if found.status == wanted:
        return None
    if wanted == APPROVED and found.package_status != "Completed":
        raise ProjectError(
            f"Version {found.number} of {contract.model} is {found.package_status} in the registry.",
            "SageMaker could not make it; train again.",
        )
    if wanted == REJECTED and found.number == serving:
        raise ProjectError(
            f"Version {found.number} of {contract.model} serves in {contract.environment} now.",
            f"First take it out of service: terrace rollback {where}",
        )
    if found.status != PENDING and not reason:
        raise ProjectError(
            f"Version {found.number} of {contract.model} is {found.status} already {found.decided}".rstrip() + ".",
            "To turn a decision over, say why with --reason.",
        )
    return found


def decide(target: Target, version: Version, wanted: str, reason: str) -> Version:
    """Write a decision on a version, with who decided and when, and return the version as it is then."""
    by = str(target.client("sts").get_caller_identity()["Arn"])
    asked: dict[str, Any] = {
        "ModelPackageArn": version.arn,
        "ModelApprovalStatus": wanted,
        # An empty text would leave the reason of an earlier decision.
        "ApprovalDescription": reason or f"{wanted} without a reason",
        "CustomerMetadataProperties": {
            DECIDED_BY: by[: _LONGEST["value"]],
            DECIDED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }
    target.client("sagemaker").update_model_package(**asked)
    return read_version(target, version.arn)


def _summaries(page: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return [one for one in page["ModelPackageSummaryList"] if one.get("ModelPackageVersion")]


def _who(said: Mapping[str, Any]) -> str:
    return str(said.get("UserProfileArn") or (said.get("IamIdentity") or {}).get("Arn") or "")
