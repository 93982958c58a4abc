"""A sandbox of a test run's own, for every ring that needs one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terrace.sandbox import Running, Sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running sandbox with a home of its own; tests share it, and keep apart by their accounts."""
    server = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield server.start()
    server.stop()
