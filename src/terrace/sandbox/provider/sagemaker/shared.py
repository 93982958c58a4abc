"""What the SageMaker handlers share: the settings of Studio users, tags, and what a missing resource looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.schema import leaves
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map
from terrace.sandbox.provider.waiters import wait

MISSING = (
    "ResourceNotFound",
    "ResourceNotFoundException",
    "ValidationException: Could not find",
    "ValidationException: does not exist",
)
"""SageMaker has a code for what is missing in some operations, only a message in others (its API model says which)."""

_IDLE = {
    "idleSettings": {
        "idleTimeoutInMinutes": int,
        "lifecycleManagement": str,
        "maxIdleTimeoutInMinutes": int,
        "minIdleTimeoutInMinutes": int,
    }
}
_RESOURCE_SPEC = {
    "instanceType": str,
    "lifecycleConfigArn": str,
    "sagemakerImageArn": str,
    "sagemakerImageVersionAlias": str,
    "sagemakerImageVersionArn": str,
}
_IMAGES = [{"appImageConfigName": str, "imageName": str, "imageVersionNumber": int}]
_EDITOR = {
    "appLifecycleManagement": _IDLE,
    "builtInLifecycleConfigArn": str,
    "customImages": _IMAGES,
    "defaultResourceSpec": _RESOURCE_SPEC,
    "lifecycleConfigArns": [str],
}
_LAB = {**_EDITOR, "codeRepositories": [{"repositoryUrl": str}]}
_FILES = {"fileSystemId": str, "fileSystemPath": str}
_POSIX = {"gid": int, "uid": int}
_STORAGE = {"defaultEbsStorageSettings": {"defaultEbsVolumeSizeInGb": int, "maximumEbsVolumeSizeInGb": int}}

_USER: Mapping[str, Any] = {
    "autoMountHomeEfs": str,
    "codeEditorAppSettings": _EDITOR,
    "customPosixUserConfig": _POSIX,
    "defaultLandingUri": str,
    "executionRole": str,
    "jupyterLabAppSettings": _LAB,
    "securityGroups": [str],
    "sharingSettings": {"notebookOutputOption": str, "s3KmsKeyId": str, "s3OutputPath": str},
    "spaceStorageSettings": _STORAGE,
    "studioWebPortal": str,
    "studioWebPortalSettings": {"hiddenAppTypes": [str], "hiddenInstanceTypes": [str], "hiddenMlTools": [str]},
}
DEFAULT_USER: Mapping[str, Any] = {**_USER, "customFileSystemConfigs": [{"efsFileSystemConfig": _FILES}]}
"""Settings that a domain gives its users. The apps that Studio has retired (Canvas, RStudio, JupyterServer,
TensorBoard) are not among them."""

PROFILE_USER: Mapping[str, Any] = {**_USER, "customFileSystemConfigs": [{"efsFileSystemConfigs": [_FILES]}]}
"""Settings of one user: the same, but that the real provider has a list of one file system here."""

SPACE: Mapping[str, Any] = {
    "customFileSystemConfigs": [{"efsFileSystemConfig": _FILES}],
    "customPosixUserConfig": _POSIX,
    "executionRole": str,
    "jupyterLabAppSettings": _LAB,
    "securityGroups": [str],
    "spaceStorageSettings": _STORAGE,
}
"""Settings that a domain gives its shared spaces."""


def required_settings(settings: Mapping[str, Any], prefix: str) -> frozenset[str]:
    """Return the paths below `prefix` that the real provider requires where what is above them is given."""
    asked = (path for path in leaves(settings) if path == "executionRole" or path.rsplit(".", 1)[-1] in _REQUIRED)
    return frozenset(f"{prefix}.{path}" for path in asked)


_REQUIRED = {
    "appImageConfigName",
    "defaultEbsVolumeSizeInGb",
    "fileSystemId",
    "fileSystemPath",
    "gid",
    "imageName",
    "maximumEbsVolumeSizeInGb",
    "repositoryUrl",
    "uid",
}


def tags_of(client: Any, arn: str) -> dict[str, str]:
    """Return the tags of a SageMaker resource."""
    return tag_map(tag for page in client.get_paginator("list_tags").paginate(ResourceArn=arn) for tag in page["Tags"])


def retag(client: Any, arn: str, old: Props, new: Props) -> None:
    """Bring the tags of a SageMaker resource from the old inputs to the new ones."""
    put, gone = tag_changes(old, new)
    if gone:
        client.delete_tags(ResourceArn=arn, TagKeys=gone)
    if put:
        client.add_tags(ResourceArn=arn, Tags=tag_list({"tags": put}))


def in_service(
    what: str, describe: Callable[[], Mapping[str, Any]], key: str = "Status", seconds: float = 900
) -> Mapping[str, Any]:
    """Wait until a resource is `InService`, and return what AWS says of it then.

    Raises:
        SandboxError: It failed, with AWS's reason, or took longer than `seconds`.
    """
    seen: Mapping[str, Any] = {}

    def status() -> str:
        nonlocal seen
        seen = describe()
        if "Failed" in seen[key]:
            raise SandboxError(f"{what} is {seen[key]}: {seen.get('FailureReason') or 'AWS gives no reason'}")
        return str(seen[key])

    wait(what, status, until={"InService"}, seconds=seconds)
    return seen
