"""How a client reaches the sandbox: a boto3 session, or the environment variables of any other."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.accounts import access_key

MISLEADING = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables of the user's that must not be set when a client is to reach the sandbox."""

MLFLOW = "/_terrace/mlflow"
"""Path of the gateway that leads MLflow's clients to the server of an ARN."""

SECRET = "sandbox"  # noqa: S105  (the sandbox checks no signature)


class Session:
    """Makes boto3 clients for one account and region of the sandbox. Nothing of the user's AWS settings is read.

    Args:
        url: Address of the sandbox.
        account: Twelve digits.
        region: Region that the calls are for.
    """

    def __init__(self, url: str, account: str, region: str) -> None:
        from terrace.sandbox.provider.clients import SandboxClients

        self._clients = SandboxClients(url, account, region)

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        return self._clients(service)


def session(url: str, account: str, region: str) -> Session:
    """Return what makes boto3 clients for an account and region of the sandbox."""
    return Session(url, account, region)


def environment(url: str, account: str, region: str) -> dict[str, str]:
    """Return the environment variables with which any AWS client reaches an account of the sandbox.

    A client may be led elsewhere by variables of `MISLEADING`: unset those.
    """
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": access_key(account),
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        # Where the plugin sagemaker-mlflow finds what an ARN as tracking URI stands for; on AWS it knows by itself.
        "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": f"{url}{MLFLOW}",
        "NO_PROXY": "127.0.0.1,localhost",
    }
