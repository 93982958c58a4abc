"""Defaults of the SageMaker SDK for an account of the sandbox.

The SDK asks STS who it is at an address that it makes up itself, whatever `AWS_ENDPOINT_URL` says, unless it is told
its bucket; and it reports its use over the network. Both are settings of its configuration file:
https://sagemaker.readthedocs.io/en/stable/overview.html#configuring-and-using-defaults-with-the-sagemaker-python-sdk
"""

from __future__ import annotations

from pathlib import Path

VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"
"""The environment variable that leads the SDK to its configuration file."""

_TEXT = """\
SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
      Session:
        DefaultS3Bucket: {bucket}
"""


def sdk_variables(home: Path, account: str, region: str) -> dict[str, str]:
    """Write the SDK's configuration for an account and region; return the variable that leads the SDK there.

    The bucket has the name that the SDK itself would choose, and is made by the SDK when it is first needed.

    Args:
        home: Terrace's folder on this machine.
        account: Twelve digits.
        region: Region that the calls are for.
    """
    file = home / "sagemaker-sdk" / f"{account}-{region}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_TEXT.format(bucket=f"sagemaker-{region}-{account}"))
    return {VARIABLE: str(file)}
