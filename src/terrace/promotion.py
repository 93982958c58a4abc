"""Promotion: a version that was approved in one environment becomes a version of another."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from terrace.errors import ProjectError
from terrace.image_copy import Repository, copy
from terrace.target import Say, Target
from terrace.versions import APPROVED, BROUGHT_DIGEST, BROUGHT_FROM, PENDING, Version, list_versions, need_version

if TYPE_CHECKING:
    from terrace.maturity import ModelContract

_CHUNK = 1024 * 1024
_IN_MEMORY = 64 * 1024 * 1024
"""Archives up to this size, in bytes, are not written to a file in between."""
_VALUE = 256
_KEPT = ("ModelPackageDescription", "SamplePayloadUrl", "Domain", "Task")


@dataclass(frozen=True)
class Side:
    """A model in one environment."""

    target: Target
    contract: ModelContract

    @property
    def environment(self) -> str:
        """Name of the environment."""
        return self.contract.environment


def choose(contract: ModelContract, versions: list[Version], number: int | None) -> Version:
    """Return the version to bring: the one that is asked for, else the newest approved one. Pure.

    Args:
        contract: Of the model where the version is from.
        versions: All there are.
        number: Which is asked for.

    Raises:
        ProjectError: There is none, or it is not approved there.
    """
    where = f"{contract.model} {contract.environment}"
    if number is None:
        approved = [one for one in versions if one.status == APPROVED]
        if not approved:
            waiting = [one.number for one in versions if one.status == PENDING]
            raise ProjectError(
                f"No version of {contract.model} is approved in {contract.environment}.",
                f"Approve one there: terrace approve {where} --version {max(waiting)}"
                if waiting
                else f"Train one there: terrace pipeline run {where}",
            )
        return max(approved, key=lambda one: one.number)
    found = need_version(versions, contract, number)
    if found.status != APPROVED:
        raise ProjectError(
            f"Version {number} of {contract.model} is {found.status} in {contract.environment}, not Approved.",
            f"Approve it there: terrace approve {where} --version {number}",
        )
    return found


def bring(source: Side, to: Side, number: int | None, say: Say) -> Version:
    """Bring an approved version to another environment: image, archive, metrics, and where it is from.

    What was brought before is found by where it is from, and is not registered again.

    Args:
        source: Where the version is approved.
        to: Where it is wanted.
        number: Its number there; None is the newest approved one.
        say: Told each step in a sentence.

    Returns:
        The version in the environment that it was brought to.

    Raises:
        ProjectError: It is not approved there, or its image or archive cannot be had.
    """
    if source.environment == to.environment:
        raise ProjectError(f"--from {source.environment} is the environment itself.", "Leave it out.")
    found = choose(source.contract, list_versions(source.target, source.contract), number)
    for one in list_versions(to.target, to.contract):
        if one.metadata.get(BROUGHT_FROM) == found.arn:
            say(f"version {found.number} of {source.environment} is version {one.number} here already")
            return one
    image = _bring_image(source, to, found, say)
    described = source.target.client("sagemaker").describe_model_package(ModelPackageName=found.arn)
    archive, digest = _bring_object(source, to, found.model_data, say) if found.model_data else ("", "")
    container: dict[str, Any] = {"Image": image}
    container |= {"ModelDataUrl": archive} if archive else {}
    environment = described["InferenceSpecification"]["Containers"][0].get("Environment")
    container |= {"Environment": environment} if environment else {}
    specification = {**described["InferenceSpecification"], "Containers": [container]}
    asked: dict[str, Any] = {
        "ModelPackageGroupName": to.contract.package_group,
        "ModelApprovalStatus": APPROVED,
        "ModelPackageDescription": f"version {found.number} of {source.environment}",
        "InferenceSpecification": specification,
        # Who approved it there, and when, comes along.
        "CustomerMetadataProperties": {
            **found.metadata,
            BROUGHT_FROM: found.arn[:_VALUE],
            **({BROUGHT_DIGEST: digest} if digest else {}),
        },
        # Two who bring the same at once register it once.
        "ClientToken": hashlib.sha256(f"{found.arn} {to.contract.package_group}".encode()).hexdigest()[:36],
        **{key: described[key] for key in _KEPT if described.get(key)},
    }
    metrics = described.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics")
    if metrics:
        there, _ = _bring_object(source, to, metrics["S3Uri"], say)
        asked["ModelMetrics"] = {"ModelQuality": {"Statistics": {**metrics, "S3Uri": there}}}
    sagemaker = to.target.client("sagemaker")
    arn = sagemaker.create_model_package(**asked)["ModelPackageArn"]
    if found.reason:
        # CreateModelPackage takes no reason of an approval.
        sagemaker.update_model_package(ModelPackageArn=arn, ApprovalDescription=found.reason)
    number_here = arn.rpartition("/")[2]
    say(f"registered version {found.number} of {source.environment} as version {number_here} of {to.environment}")
    return Version.read(sagemaker.describe_model_package(ModelPackageName=arn))


def _bring_image(source: Side, to: Side, version: Version, say: Say) -> str:
    """Return the version's image in this environment's repository; copy it there when it is not."""
    from botocore.exceptions import ClientError

    repository, _, digest = version.image.partition("@")
    host, _, name = repository.partition("/")
    if not digest or ".dkr.ecr." not in host:
        raise ProjectError(
            f"Version {version.number} of {source.environment} runs {version.image}, no image of ECR by digest.",
            "Register it with the image as repository@sha256:…",
        )
    here = Repository(to.target.client("ecr"), to.contract.repository_name, to.contract.account)
    there = Repository(source.target.client("ecr"), name, host.partition(".")[0])
    wanted = f"{to.contract.repository_uri}@{digest}"
    try:
        copy(there, here, digest, say)
    except ClientError as error:
        raise ProjectError(
            f"The image {version.image} could not be copied: {error.response['Error']['Message']}",
            f"Copy it with credentials of both accounts, then run this again: crane copy {version.image} {wanted}",
        ) from error
    return wanted


def _bring_object(source: Side, to: Side, uri: str, say: Say) -> tuple[str, str]:
    """Copy an object into this environment's bucket under its key; return where it is, and its hash."""
    from botocore.exceptions import ClientError

    parts = urlsplit(uri)
    name = parts.path.rpartition("/")[2]
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        hashed = hashlib.sha256()
        try:
            body = source.target.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"]
        except ClientError as error:
            raise ProjectError(
                f"{uri} of {source.environment} cannot be read: {error.response['Error']['Message']}",
                "Without it the version cannot be brought here; nothing was registered.",
            ) from error
        for chunk in body.iter_chunks(_CHUNK):
            hashed.update(chunk)
            file.write(chunk)
        file.seek(0)
        digest = hashed.hexdigest()
        # Named by content, as registration does: the same archive is the same object.
        key = f"{to.contract.artifact_prefix.strip('/')}/{digest[:16]}/{name}"
        say(f"copying {name} to s3://{to.contract.artifact_bucket}/{key}")
        to.target.client("s3").upload_fileobj(
            file,
            to.contract.artifact_bucket,
            key,
            ExtraArgs={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": to.contract.models_key_arn},
        )
    return f"s3://{to.contract.artifact_bucket}/{key}", digest
