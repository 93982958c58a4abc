"""SageMaker's operations on model packages, in the place of moto's.

moto gives a number again after a deletion, forgets half of what it is told, and an update there empties all that it
does not mention.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.registry import models
from terrace.sandbox.registry.package import KEPT, ModelPackage, now
from terrace.sandbox.services.extend import Refusal, add, page, state, when
from terrace.sandbox.services.kept import wrap

if TYPE_CHECKING:
    from terrace.sandbox.registry.room import Registry

_MOST_PROPERTIES = 50
_CHANGEABLE = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
)


def install(room: Registry) -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""
    numbering = threading.Lock()

    def create_model_package(response: Any) -> ActionResult:
        seen = state(response.sagemaker_backend, "model package tokens")
        token = response._get_param("ClientToken")
        with numbering:
            if token is not None and token in seen:
                return ActionResult({"ModelPackageArn": seen[token]})
            made = _made(response)
            packages(response)[made.arn] = made
            seen[token] = made.arn
        room.tell(response, made, [])
        return ActionResult({"ModelPackageArn": made.arn})

    def describe_model_package(response: Any) -> ActionResult:
        whole = response._get_param("IncludedData") != "MetadataOnly"
        return ActionResult(_package(response, response._get_param("ModelPackageName")).describe(whole=whole))

    def update_model_package(response: Any) -> ActionResult:
        found = _package(response, response._get_param("ModelPackageArn"))
        changed = _update(response, found)
        if changed:
            found.modified = now()
            room.tell(response, found, changed)
        return ActionResult({"ModelPackageArn": found.arn})

    def delete_model_package(response: Any) -> EmptyResult:
        found = _package(response, response._get_param("ModelPackageName"))
        del packages(response)[found.arn]
        return EmptyResult()

    def batch_describe_model_package(response: Any) -> ActionResult:
        known, asked = packages(response), response._get_param("ModelPackageArnList")
        errors = {
            arn: {"ErrorCode": "ValidationException", "ErrorResponse": f"ModelPackage {arn} does not exist."}
            for arn in asked
            if arn not in known
        }
        found = {arn: known[arn].batch_summary() for arn in asked if arn in known}
        return ActionResult({"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors})

    operations = (
        create_model_package,
        describe_model_package,
        update_model_package,
        delete_model_package,
        batch_describe_model_package,
        list_model_packages,
    )
    add(SageMakerResponse, operations)
    wrap(SageMakerResponse, "create_model_package_group", _create_group)
    models.install(_package)
    original = SageMakerModelBackend._get_resource_from_arn

    def resource(backend: Any, arn: str) -> Any:
        return backend.model_packages[arn] if arn in backend.model_packages else original(backend, arn)

    setattr(SageMakerModelBackend, "_get_resource_from_arn", resource)  # noqa: B010


def packages(response: Any) -> dict[str, ModelPackage]:
    """Return the packages of an account and region, by ARN; moto's own dictionary of them."""
    held: dict[str, ModelPackage] = response.sagemaker_backend.model_packages
    return held


def list_model_packages(response: Any) -> ActionResult:
    """List packages: versions of a group, or by type."""
    group, kind = response._get_param("ModelPackageGroupName"), response._get_param("ModelPackageType")
    group = group.rsplit("/", 1)[-1] if group else None
    kind = kind or ("Versioned" if group else "Unversioned")
    contains, status = response._get_param("NameContains") or "", response._get_param("ModelApprovalStatus")
    after, before = (when(response._get_param(f"CreationTime{end}")) for end in ("After", "Before"))
    listed = [
        one
        for one in tuple(packages(response).values())
        if (group is None or one.model_package_group_name == group)
        and (kind == "Both" or (kind == "Versioned") == (one.model_package_group_name is not None))
        and contains.lower() in one.model_package_name.lower()
        and status in (None, one.said.get("ModelApprovalStatus"))
        and (after is None or one.created > after)
        and (before is None or one.created < before)
    ]
    if response._get_param("SortBy") == "Name":
        listed.sort(key=lambda one: (one.model_package_name, one.model_package_version or 0))
    if response._get_param("SortOrder") == "Descending":
        listed.reverse()
    found, token = page(listed, response._get_param("MaxResults"), response._get_param("NextToken"))
    return ActionResult({"ModelPackageSummaryList": [one.summary() for one in found], "NextToken": token})


def _create_group(original: Any, self: Any) -> Any:
    name = self._get_param("ModelPackageGroupName")
    known = self.sagemaker_backend.model_package_groups.get(name)
    if known is not None:
        raise Refusal("ValidationException", f"Model Package Group already exists: {known.arn}")
    return original()


def _made(response: Any) -> ModelPackage:
    name, group = response._get_param("ModelPackageName"), response._get_param("ModelPackageGroupName")
    if name and group:
        raise Refusal(
            "ValidationException",
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to "
            "use.",
        )
    if not name and not group:
        raise Refusal("ValidationException", "Missing ARN.")
    said = {member: copy.deepcopy(response._get_param(member)) for member in KEPT}
    said = {member: value for member, value in said.items() if value is not None}
    tags = list(response._get_param("Tags") or ())
    arn = f"arn:aws:sagemaker:{response.region}:{response.current_account}:model-package/"
    number = None
    if group:
        if tags:
            raise Refusal(
                "ValidationException", "Tags are not allowed for a versioned model package: it has those of its group."
            )
        name = group.rsplit("/", 1)[-1]
        number = _next_number(response, name)
        said.setdefault("ModelApprovalStatus", "PendingManualApproval")
    else:
        if f"{arn}{name}" in packages(response):
            raise Refusal("ConflictException", f"ModelPackage already exists: {arn}{name}")
        said.pop("ModelApprovalStatus", None)
    return ModelPackage(
        arn=f"{arn}{name}/{number}" if number else f"{arn}{name}",
        model_package_name=name,
        model_package_group_name=name if group else None,
        model_package_version=number,
        user=_user(response),
        said=said,
        certified=bool(response._get_param("CertifyForMarketplace")),
        tags=tags,
    )


def _next_number(response: Any, name: str) -> int:
    """Return the number of a group's next version. A number is never given twice, as long as the group lives."""
    group = response.sagemaker_backend.model_package_groups.get(name)
    if group is None:
        arn = f"arn:aws:sagemaker:{response.region}:{response.current_account}:model-package-group/{name}"
        raise Refusal("ValidationException", f"ModelPackageGroup {arn} does not exist.")
    number = int(getattr(group, "terrace_versions", 0)) + 1
    group.terrace_versions = number
    return number


def _package(response: Any, said: str) -> ModelPackage:
    """Return a package by ARN or name. Raises ValidationException."""
    known = packages(response)
    arn = f"arn:aws:sagemaker:{response.region}:{response.current_account}:model-package/{said}"
    found = known.get(said) or known.get(arn)
    if found is None:
        raise Refusal("ValidationException", f"ModelPackage {said if said.startswith('arn:') else arn} does not exist.")
    return found


def _update(response: Any, found: ModelPackage) -> list[str]:
    """Take an update over; return which members it changed."""
    if response._get_param("ModelApprovalStatus") and found.model_package_version is None:
        raise Refusal("ValidationException", f"ModelPackage {found.arn} is not versioned, and is not approved.")
    said = dict(found.said)
    for member in _CHANGEABLE:
        given = response._get_param(member)
        if given is not None:
            said[member] = given
    card = response._get_param("ModelCard")
    if card is not None:
        said["ModelCard"] = {**said.get("ModelCard", {}), **card}
    properties = _properties(response, said.get("CustomerMetadataProperties", {}))
    if properties or "CustomerMetadataProperties" in said:
        said["CustomerMetadataProperties"] = properties
    more = response._get_param("AdditionalInferenceSpecificationsToAdd")
    if more:
        said["AdditionalInferenceSpecifications"] = [*said.get("AdditionalInferenceSpecifications", []), *more]
    changed = [member for member in said if said[member] != found.said.get(member)]
    found.said = said
    return changed


def _properties(response: Any, before: Mapping[str, str]) -> dict[str, str]:
    result = {**before, **(response._get_param("CustomerMetadataProperties") or {})}
    for name in response._get_param("CustomerMetadataPropertiesToRemove") or ():
        result.pop(name, None)
    if len(result) > _MOST_PROPERTIES:
        raise Refusal(
            "ValidationException", f"A model package has at most {_MOST_PROPERTIES} CustomerMetadataProperties."
        )
    return result


def _user(response: Any) -> dict[str, Any]:
    arn = f"arn:aws:sts::{response.current_account}:user/moto"
    return {"IamIdentity": {"Arn": arn, "PrincipalId": "AKIAIOSFODNN7EXAMPLE"}}
