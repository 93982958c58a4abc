"""boto3 clients of one account of the sandbox, deaf to the AWS settings of this machine."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config

# Neither a profile nor a file of the user may lead a call elsewhere.
_ISOLATED: dict[str, tuple[str | None, Any, Any, Any]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_CONFIG = Config(max_pool_connections=32, proxies={}, retries={"mode": "standard", "max_attempts": 3})


@cache
def _loader() -> Any:
    """Return what reads the descriptions of services: parsed once, a quarter of a second for EC2 alone."""
    return botocore.loaders.create_loader()


class SandboxClients:
    """Makes clients for one account and region at the sandbox's address; safe to share between threads.

    Args:
        url: Address of the sandbox, `http://127.0.0.1:PORT`.
        account: Twelve digits, which the access key carries.
        region: Region that the calls are for.
    """

    def __init__(self, url: str, account: str, region: str) -> None:
        self.url = url
        self.account = account
        self.region = region
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        session = botocore.session.Session(session_vars=_ISOLATED)
        session.register_component("data_loader", _loader())
        self._session = boto3.Session(
            aws_access_key_id=f"AKIA{account}AAAA",
            aws_secret_access_key="sandbox",  # noqa: S106  (the sandbox checks no signature)
            region_name=region,
            botocore_session=session,
        )

    def __call__(self, service: str) -> Any:
        """Return the client of a service, the same at each call."""
        made = self._made.get(service)
        if made is None:
            with self._lock:  # a session is not safe to make clients in two threads at once
                made = self._made.get(service) or self._session.client(
                    service,
                    endpoint_url=self.url,
                    config=_CONFIG,  # type: ignore[call-overload]
                )
                self._made[service] = made
        return made
