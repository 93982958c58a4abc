"""The stores of a stack: which resources hold data, which capability they are of, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from terrace.engine import StackResource
from terrace.maturity import CAPABILITIES
from terrace.target import Target

COUNTED = 10_000
"""How many objects are counted; a store that holds more is said to hold more."""


def capability_of(urn: str) -> str | None:
    """Return the id of the capability that a resource is of, None outside any.

    The qualified type of a URN holds the types of its parents: what lies in
    `terrace:index:Platform$terrace:index:Packages$…` is of `packages`.
    """
    parents = [part.rpartition(":")[2] for part in urn.split("::")[2].split("$")[:-1]]
    by_component = {found.component: found.id for found in CAPABILITIES.values() if found.component}
    return next((by_component[parent] for parent in parents if parent in by_component), None)


def stores(resources: Iterable[StackResource]) -> list[StackResource]:
    """Return what holds data: stores are protected in every environment, and nothing else is."""
    return [resource for resource in resources if resource.custom and resource.protect]


def contents(target: Target, resource: StackResource) -> str:
    """Say in a few words what would be lost with a store, as AWS has it now. What has gone holds nothing."""
    look = _LOOKS.get(resource.type)
    if look is None:
        return "what is in it"
    try:
        return look(target, resource)
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"] or "NoSuch" in error.response["Error"]["Code"]:
            return "nothing: it has gone"
        return f"what is in it (AWS does not say: {error.response['Error']['Code']})"


def _bucket(target: Target, resource: StackResource) -> str:
    pages = target.client("s3").get_paginator("list_object_versions").paginate(Bucket=resource.id)
    sizes = [version["Size"] for version in islice(_each(pages, "Versions"), COUNTED)]
    return _counted(len(sizes), "object", "versions included", sum(sizes))


def _repository(target: Target, resource: StackResource) -> str:
    pages = target.client("ecr").get_paginator("describe_images").paginate(repositoryName=resource.inputs["name"])
    sizes = [image.get("imageSizeInBytes", 0) for image in islice(_each(pages, "imageDetails"), COUNTED)]
    return _counted(len(sizes), "image", "", sum(sizes))


def _packages(target: Target, resource: StackResource) -> str:
    names = {"domain": resource.inputs["domain"], "repository": resource.inputs["repository"]}
    pages = target.client("codeartifact").get_paginator("list_packages").paginate(**names)
    return _counted(sum(1 for _ in islice(_each(pages, "packages"), COUNTED)), "package", "all versions")


def _package_domain(target: Target, resource: StackResource) -> str:
    found = target.client("codeartifact").describe_domain(domain=resource.inputs["domain"])["domain"]
    return _counted(found.get("repositoryCount", 0), "repository", "", found.get("assetSizeBytes", 0))


def _versions(target: Target, resource: StackResource) -> str:
    pages = target.client("sagemaker").get_paginator("list_model_packages")
    found = _each(pages.paginate(ModelPackageGroupName=resource.id), "ModelPackageSummaryList")
    return _counted(sum(1 for _ in islice(found, COUNTED)), "model version")


def _runs(target: Target, resource: StackResource) -> str:
    pages = target.client("sagemaker").get_paginator("list_pipeline_executions")
    found = _each(pages.paginate(PipelineName=resource.id), "PipelineExecutionSummaries")
    count = sum(1 for _ in islice(found, COUNTED))
    return _counted(count, "run", "with what started each, its steps and what it cost")


def _log_group(target: Target, resource: StackResource) -> str:
    name = resource.inputs.get("name", resource.id)
    groups = target.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    size = next((group.get("storedBytes", 0) for group in groups if group["logGroupName"] == name), None)
    return "nothing: it has gone" if size is None else f"logs, {_bytes(size)}"


def _key(_target: Target, resource: StackResource) -> str:
    days = resource.inputs.get("deletionWindowInDays", 30)
    return f"everything encrypted under it, for good once {days} days have passed"


def _secret(_target: Target, resource: StackResource) -> str:
    days = resource.inputs.get("recoveryWindowInDays", 30)
    return f"the credential in it, for good once {days} days have passed"


def _fixed(text: str) -> Callable[[Target, StackResource], str]:
    return lambda _target, _resource: text


_LOOKS: dict[str, Callable[[Target, StackResource], str]] = {
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:codeartifact/domain:Domain": _package_domain,
    "aws:codeartifact/repository:Repository": _packages,
    "aws:ecr/repository:Repository": _repository,
    "aws:kms/alias:Alias": _fixed("the name of a key"),
    "aws:kms/key:Key": _key,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:sagemaker/domain:Domain": _fixed("the home folders of all who work in it"),
    "aws:sagemaker/mlflowApp:MlflowApp": _fixed("every run with its parameters and metrics; artifacts stay in S3"),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _fixed(
        "every run with its parameters and metrics; artifacts stay in S3"
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _versions,
    "aws:sagemaker/pipeline:Pipeline": _runs,
    "aws:sagemaker/userProfile:UserProfile": _fixed("the person's home folder"),
    "aws:secretsmanager/secret:Secret": _secret,
}


def _each(pages: Iterable[dict[str, Any]], key: str) -> Iterator[dict[str, Any]]:
    return (item for page in pages for item in page.get(key, ()))


def _counted(count: int, what: str, also: str = "", size: int | None = None) -> str:
    more = "more than " if count >= COUNTED else ""
    plural = what if count == 1 else f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    told = [f"{more}{count:,} {plural}", *([also] if also else []), *([_bytes(size)] if size is not None else [])]
    return ", ".join(told)


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
