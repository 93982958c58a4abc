"""What the tests of the sandbox share."""

from __future__ import annotations

import pytest
from provider_case import REGION, fresh_account
from sandbox_fixtures import sandbox

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

__all__ = ["sandbox"]


@pytest.fixture
def aws(sandbox: Running) -> SandboxClients:
    """Clients of an account that no other test uses."""
    return SandboxClients(sandbox.url, fresh_account(), REGION)
