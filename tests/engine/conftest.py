"""What the tests of the engine share."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an empty cloud with an engine."""
    return World(tmp_path)
