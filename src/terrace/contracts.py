"""Contracts and records where they are published: SSM parameters."""

from __future__ import annotations

from terrace.errors import ProjectError, TerraceError
from terrace.maturity import ModelContract, PlatformContract, Release, names
from terrace.target import Target


def read_platform(target: Target, environment: str) -> PlatformContract | None:
    """Return what the environment's platform offers, None if there is no platform yet."""
    text = _read(target, names.platform_parameter(environment))
    return None if text is None else PlatformContract.from_json(text)


def need_platform(target: Target, environment: str) -> PlatformContract:
    """Return what the environment's platform offers.

    Raises:
        TerraceError: There is no platform yet.
    """
    found = read_platform(target, environment)
    if found is None:
        raise TerraceError(
            f"There is no platform in {environment}: the parameter {names.platform_parameter(environment)} is missing.",
            f"Make it with: terrace up {environment}",
        )
    return found


def read_model(target: Target, environment: str, model: str) -> ModelContract | None:
    """Return what a model's stack offers, None if it has not been built."""
    text = _read(target, names.model_parameter(environment, model))
    return None if text is None else ModelContract.from_json(text)


def need_model(target: Target, environment: str, model: str) -> ModelContract:
    """Return what a model's stack offers.

    Raises:
        ProjectError: The model is not in the environment; the message names those that are.
    """
    found = read_model(target, environment, model)
    if found is None:
        there = ", ".join(models(target, environment)) or "none"
        raise ProjectError(
            f"There is no model {model} in {environment}; there are: {there}.",
            f"Make it with: terrace up {environment} --project PATH",
        )
    return found


def models(target: Target, environment: str) -> list[str]:
    """Return the names of the models in an environment, sorted."""
    pages = target.client("ssm").get_paginator("get_parameters_by_path")
    found = pages.paginate(Path=f"/terrace/{environment}", Recursive=True)
    listed = [parameter["Name"].split("/") for page in found for parameter in page["Parameters"]]
    return sorted(parts[3] for parts in listed if parts[-1] == "contract")


def read_release(target: Target, environment: str, model: str) -> Release | None:
    """Return the record of who serves, None before the first release."""
    text = _read(target, names.model_parameter(environment, model, "release"))
    return None if text is None else Release.from_json(text)


def read_releases(target: Target, environment: str, model: str) -> list[Release]:
    """Return the records of who served, the oldest first: Parameter Store keeps the last hundred."""
    ssm = target.client("ssm")
    pages = ssm.get_paginator("get_parameter_history").paginate(
        Name=names.model_parameter(environment, model, "release")
    )
    try:
        kept = [(one["Version"], one["Value"]) for page in pages for one in page["Parameters"]]
    except ssm.exceptions.ParameterNotFound:
        return []
    return [Release.from_json(value) for _, value in sorted(kept)]


def write_release(target: Target, record: Release) -> None:
    """Record a release. Parameter Store keeps the earlier ones as versions of the parameter."""
    target.client("ssm").put_parameter(
        Name=names.model_parameter(record.environment, record.model, "release"),
        Description=f"Who serves {record.model} in {record.environment}",
        Value=record.to_json(),
        Type="String",
        Overwrite=True,
    )


def _read(target: Target, name: str) -> str | None:
    ssm = target.client("ssm")
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return None
