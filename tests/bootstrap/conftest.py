"""A platform's settings on a sandbox of the ring's own, each test in an account of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sandbox_fixtures import sandbox

from terrace.maturity import PlatformSettings
from terrace.sandbox import Running
from terrace.target import Target

__all__ = ["sandbox"]

_numbers = itertools.count(1)


def settings(**more: Any) -> PlatformSettings:
    """Return settings of an environment of level 1 that trusts GitHub; what is named replaces the default."""
    said = {
        "organisation": "acme",
        "environment": "dev",
        "level": 1,
        "region": "eu-central-1",
        "owner": "mlops@acme.example",
        "budget": {"monthly": 200},
        "ci": {"github": {"organisation": "acme", "organisationId": "1234"}},
    }
    return PlatformSettings.model_validate(said | more)


@pytest.fixture
def account() -> str:
    """An account that no other test has."""
    return f"7{next(_numbers):011d}"


@pytest.fixture
def target(sandbox: Running, account: str) -> Target:
    """That account in the sandbox."""
    return Target("sandbox", account, "eu-central-1", sandbox.url, sandbox.incarnation)


@pytest.fixture
def of(account: str) -> Callable[..., PlatformSettings]:
    """Settings of an environment in that account."""
    return lambda **more: settings(account=account, **more)
