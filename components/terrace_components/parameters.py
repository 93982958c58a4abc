"""What is there already, read by the program through its own provider: documents that others published, log groups."""

import pulumi
import pulumi_aws as aws

from terrace.errors import TerraceError
from terrace.maturity import PlatformContract, Release, names


def read_platform(component: pulumi.ComponentResource, environment: str) -> PlatformContract:
    """Return what the environment's platform offers.

    Raises:
        TerraceError: There is no platform yet; the message names the command that builds it.
    """
    parameter = names.platform_parameter(environment)
    text = _read(component, parameter)
    if text is None:
        raise TerraceError(
            f"There is no platform in {environment}: the parameter {parameter} is missing.",
            f"Build it first with: terrace up {environment}",
        )
    return PlatformContract.from_json(text)


def read_release(component: pulumi.ComponentResource, environment: str, model: str) -> Release | None:
    """Return the record of who serves the model, None before the first release."""
    text = _read(component, names.model_parameter(environment, model, "release"))
    return None if text is None else Release.from_json(text)


def log_group_owner(component: pulumi.ComponentResource, group: str) -> str | None:
    """Return the environment that a log group is of; empty text for nobody's, None if there is no such group."""
    try:
        found = aws.cloudwatch.get_log_group(name=group, opts=pulumi.InvokeOptions(parent=component))
    except Exception as error:
        if _is_missing(error):
            return None
        raise
    return (found.tags or {}).get("environment", "")


def _read(component: pulumi.ComponentResource, parameter: str) -> str | None:
    try:
        return aws.ssm.get_parameter(name=parameter, opts=pulumi.InvokeOptions(parent=component)).value
    except Exception as error:
        if _is_missing(error):
            return None
        raise


def _is_missing(error: Exception) -> bool:
    """Tell what is not there from what failed: Pulumi raises plain exceptions for both, and only the text tells."""
    return any(sign in str(error) for sign in ("ParameterNotFound", "couldn't find resource", "no matching"))
