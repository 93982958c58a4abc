"""Models that are made of a version in the registry: CreateModel takes image and data of the package it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.registry.package import ModelPackage
from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.services.kept import wrap

_TAKEN = ("Image", "ModelDataUrl", "ModelDataSource", "ContainerHostname")


def install(find: Callable[[Any, str], ModelPackage]) -> None:
    """Let CreateModel take package names; `find` returns the package that a request means, or refuses it."""

    def create_model(original: Callable[[], Any], self: Any) -> Any:
        primary, several = self._get_param("PrimaryContainer"), self._get_param("Containers")
        named = {
            said["ModelPackageName"]: _containers(find(self, said["ModelPackageName"]))
            for said in (primary, *(several or ()))
            if said and said.get("ModelPackageName")
        }
        result = original()
        model = self.sagemaker_backend._models[self._get_param("ModelName")]
        if primary and primary.get("ModelPackageName"):
            found = [_filled(one, primary) for one in named[primary["ModelPackageName"]]]
            # A package of several containers is a pipeline of them.
            model.primary_container, model.containers = (found[0], []) if len(found) == 1 else (None, found)
        elif named:
            model.containers = [
                one
                for said in several
                for one in ([_filled(one, said) for one in named.get(said.get("ModelPackageName"), ())] or [said])
            ]
        return result

    wrap(SageMakerResponse, "create_model", create_model)


def _containers(package: ModelPackage) -> list[Mapping[str, Any]]:
    """Return the containers of a package that may be deployed."""
    status = package.said.get("ModelApprovalStatus", "Approved")
    if status != "Approved":
        raise Refusal(
            "ValidationException",
            f"Cannot create a model of model package {package.arn}: its approval status is {status}, not Approved.",
        )
    containers: list[Mapping[str, Any]] = package.said.get("InferenceSpecification", {}).get("Containers", [])
    if not containers:
        raise Refusal("ValidationException", f"Model package {package.arn} has no InferenceSpecification.")
    return containers


def _filled(packaged: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    taken = {name: packaged[name] for name in _TAKEN if packaged.get(name)}
    environment = {**packaged.get("Environment", {}), **said.get("Environment", {})}
    return {**taken, **said, "Environment": environment}
