"""What a build is made with: the project's settings, and what the call that started it puts in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SOURCE = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "sourceAuthOverride": "auth",
    "buildspecOverride": "buildspec",
    "gitCloneDepthOverride": "gitCloneDepth",
    "gitSubmodulesConfigOverride": "gitSubmodulesConfig",
    "insecureSslOverride": "insecureSsl",
    "reportBuildStatusOverride": "reportBuildStatus",
    "buildStatusConfigOverride": "buildStatusConfig",
}
_ENVIRONMENT = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "certificateOverride": "certificate",
    "privilegedModeOverride": "privilegedMode",
    "registryCredentialOverride": "registryCredential",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
    "fleetOverride": "fleet",
}
_PROJECT = {
    "sourceVersion": "sourceVersion",
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
}
_SHOWN = (
    "artifacts",
    "cache",
    "encryptionKey",
    "environment",
    "queuedTimeoutInMinutes",
    "secondaryArtifacts",
    "secondarySourceVersions",
    "secondarySources",
    "serviceRole",
    "source",
    "sourceVersion",
    "timeoutInMinutes",
    "vpcConfig",
)
_DEFAULTS = {"artifacts": {"type": "NO_ARTIFACTS"}, "cache": {"type": "NO_CACHE"}}


def overridden(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a build, in the names that a project has."""
    settings = {**_DEFAULTS, **project, **_taken(request, _PROJECT)}
    source = {**project["source"], **_taken(request, _SOURCE)}
    if source["type"] == "NO_SOURCE":
        source.pop("location", None)
    settings["source"] = source
    variables = {
        variable["name"]: {"type": "PLAINTEXT", **variable}
        for variable in (
            *(project["environment"].get("environmentVariables") or ()),
            *(request.get("environmentVariablesOverride") or ()),
        )
    }
    settings["environment"] = {
        **project["environment"],
        **_taken(request, _ENVIRONMENT),
        "environmentVariables": list(variables.values()),
    }
    return settings


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a description of the build shows of its settings."""
    return {name: settings[name] for name in _SHOWN if settings.get(name) not in (None, "")}


def names() -> tuple[str, ...]:
    """Return the parameters of StartBuild that are acted on."""
    return (*_SOURCE, *_ENVIRONMENT, *_PROJECT, "environmentVariablesOverride")


def _taken(request: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: request[given] for given, name in names.items() if request.get(given) is not None}
