"""Keeps what moto accepts and forgets, so that a description shows all that was asked for.

Each operation here runs moto's own first, then puts what moto left out on the object that moto made. The state is
moto's, one set for each account and region, and goes when moto's is reset.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from moto.codebuild import responses as codebuild
from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, unix_time
from moto.logs.exceptions import ResourceNotFoundException as NoLogGroup
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import Domain
from moto.sagemaker.responses import SageMakerResponse


def install() -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts."""
    wrap(SageMakerResponse, "create_model", _create_model)
    wrap(SageMakerResponse, "create_endpoint_config", _create_endpoint_config)
    wrap(SageMakerResponse, "create_domain", _create_domain)
    wrap(Domain, "describe", _describe_domain)
    codebuild._validate_required_params_source = _check_source
    wrap(CodeBuildResponse, "create_project", _create_project)
    setattr(CodeBuildResponse, "update_project", _update_project)  # noqa: B010  (moto has none to type)
    wrap(LogsResponse, "create_log_group", _create_log_group)
    wrap(LogGroup, "to_describe_dict", _describe_log_group)
    setattr(LogsResponse, "associate_kms_key", _associate_kms_key)  # noqa: B010
    setattr(LogsResponse, "disassociate_kms_key", _disassociate_kms_key)  # noqa: B010


def wrap(owner: type, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by one that gets the original as its first argument."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(functools.partial(original, self, *args, **kwargs), self)

    setattr(owner, name, method)


def _keep(response: Any, kept: Any, names: Iterable[str]) -> None:
    for name in names:
        value = response._get_param(name)
        if value is not None:
            setattr(kept, camelcase_to_underscores(name), value)


def _create_model(original: Callable[[], Any], self: Any) -> Any:
    name, models = self._get_param("ModelName"), self.sagemaker_backend._models
    if name in models:
        raise ValidationError(message=f'Cannot create already existing model "{models[name].arn}".')
    result = original()
    _keep(self, models[name], ("EnableNetworkIsolation", "InferenceExecutionConfig"))
    return result


def _create_endpoint_config(original: Callable[[], Any], self: Any) -> Any:
    name, configs = self._get_param("EndpointConfigName"), self.sagemaker_backend.endpoint_configs
    if name in configs:
        arn = configs[name].endpoint_config_arn
        raise ValidationError(message=f'Cannot create already existing endpoint configuration "{arn}".')
    result = original()
    forgotten = (
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "VpcConfig",
    )
    _keep(self, configs[name], forgotten)
    return result


def _create_domain(original: Callable[[], Any], self: Any) -> Any:
    name, domains = self._get_param("DomainName"), self.sagemaker_backend.domains
    if any(domain.domain_name == name for domain in domains.values()):
        raise ResourceInUseException(message=f"Resource Already Exists: Domain with name {name} already exists.")
    result = original()
    domain = next(domain for domain in domains.values() if domain.domain_name == name)
    domain.tag_propagation = self._get_param("TagPropagation") or "DISABLED"
    domain.url = f"https://{domain.id}.studio.{domain.region_name}.sagemaker.aws"
    result.result["Url"] = domain.url
    return result


def _describe_domain(original: Callable[[], Any], self: Any) -> Any:
    return {**original(), "TagPropagation": getattr(self, "tag_propagation", "DISABLED")}


_ENDPOINT_CONFIG = (
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "ExplainerConfig",
    "ShadowProductionVariants",
    "VpcConfig",
)
_PROJECT = (
    "artifacts",
    "autoRetryLimit",
    "buildBatchConfig",
    "cache",
    "concurrentBuildLimit",
    "description",
    "encryptionKey",
    "environment",
    "fileSystemLocations",
    "logsConfig",
    "queuedTimeoutInMinutes",
    "secondaryArtifacts",
    "secondarySourceVersions",
    "secondarySources",
    "serviceRole",
    "source",
    "sourceVersion",
    "tags",
    "timeoutInMinutes",
    "vpcConfig",
)
_TIMES = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480}


def _check_source(source: dict[str, Any]) -> None:
    """Refuse a source that has no place; what comes with the build or from a pipeline needs none."""
    if source["type"] not in ("NO_SOURCE", "CODEPIPELINE") and not source.get("location"):
        raise InvalidInputException("Project source location is required")


def _create_project(original: Callable[[], Any], self: Any) -> Any:
    result = original()
    project = result.result["project"]
    project.update({name: minutes for name, minutes in _TIMES.items() if not project.get(name)})
    _set_project(self, project)
    return result


def _update_project(self: Any) -> ActionResult:
    name = self._get_param("name")
    if name not in self.codebuild_backend.codebuild_projects:
        raise ResourceNotFoundException(f"Project cannot be found: {name}")
    project = self.codebuild_backend.codebuild_projects[name].project_metadata
    _set_project(self, project)
    project["lastModifiedDate"] = unix_time()
    return ActionResult({"project": project})


def _set_project(self: Any, project: dict[str, Any]) -> None:
    """Set what the request has, and take off what it empties: "", {} and a limit of -1 mean none."""
    for name in _PROJECT:
        value = self._get_param(name)
        if value is None:
            continue
        project[name] = value
        if value in ("", {}) or (name == "concurrentBuildLimit" and value == -1):
            del project[name]


def _create_log_group(original: Callable[[], Any], self: Any) -> Any:
    result = original()
    group = self.logs_backend.groups[self._get_param("logGroupName")]
    group.log_group_class = self._get_param("logGroupClass") or "STANDARD"
    return result


def _describe_log_group(original: Callable[[], Any], self: Any) -> Any:
    return {**original(), "logGroupClass": getattr(self, "log_group_class", "STANDARD")}


def _associate_kms_key(self: Any) -> EmptyResult:
    _group(self).kms_key_id = self._get_param("kmsKeyId")
    return EmptyResult()


def _disassociate_kms_key(self: Any) -> EmptyResult:
    _group(self).kms_key_id = None
    return EmptyResult()


def _group(self: Any) -> Any:
    name = self._get_param("logGroupName")
    if name not in self.logs_backend.groups:
        raise NoLogGroup
    return self.logs_backend.groups[name]
