"""What moto's SageMaker lacks of package groups: their deletion, and their policies."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ConflictException, ValidationError
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.services.extend import add, state


def install() -> None:
    """Put the operations of this module on moto's SageMaker."""
    add(
        SageMakerResponse,
        [
            delete_model_package_group,
            put_model_package_group_policy,
            get_model_package_group_policy,
            delete_model_package_group_policy,
        ],
    )


def _group(self: Any) -> str:
    name: str = self._get_param("ModelPackageGroupName").rsplit("/", 1)[-1]
    if name not in self.sagemaker_backend.model_package_groups:
        raise ValidationError(f"ModelPackageGroup {name} does not exist.")
    return name


def delete_model_package_group(self: Any) -> EmptyResult:
    """Remove a group that holds no version."""
    name = _group(self)
    held = [one for one in self.sagemaker_backend.model_packages.values() if one.model_package_group_name == name]
    if held:
        raise ConflictException(f"Model Package Group {name} still has Model Packages; cannot be deleted.")
    del self.sagemaker_backend.model_package_groups[name]
    _policies(self).pop(name, None)
    return EmptyResult()


def put_model_package_group_policy(self: Any) -> ActionResult:
    """Set the resource policy of a group."""
    _policies(self)[_group(self)] = self._get_param("ResourcePolicy")
    group = self.sagemaker_backend.model_package_groups[_group(self)]
    return ActionResult({"ModelPackageGroupArn": group.arn})


def get_model_package_group_policy(self: Any) -> ActionResult:
    """Return the resource policy of a group."""
    name = _group(self)
    if name not in _policies(self):
        raise ValidationError(f"Cannot find Model Package Group: {name}")
    return ActionResult({"ResourcePolicy": _policies(self)[name]})


def delete_model_package_group_policy(self: Any) -> EmptyResult:
    """Remove the resource policy of a group."""
    _policies(self).pop(_group(self), None)
    return EmptyResult()


def _policies(self: Any) -> dict[str, str]:
    return state(self.sagemaker_backend, "package group policies")
