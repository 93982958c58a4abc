"""The graphs that most tests look at: every level in a small and in a protected environment."""

from typing import Any

import pytest
from components.recorder import Graph

from components import programs

STACKS = [
    pytest.param((kind, level, environment), id=f"{kind}-{level}-{environment}")
    for kind in ("platform", "model")
    for level in (0, 1, 2)
    for environment in ("dev", "prod")
]
STACKS += [
    pytest.param(("batch", level, environment), id=f"batch-{level}-{environment}")
    for level, environment in ((0, "dev"), (1, "prod"), (2, "dev"))
]
STACKS += [
    pytest.param(("kept", level, environment), id=f"kept-{level}-{environment}")
    for level, environment in ((0, "prod"), (1, "dev"))
]
MORE: dict[str, dict[str, Any]] = {"batch": {"mode": "batch"}, "kept": {"keep": ["serving", "training-pipeline"]}}
"""Kind of a model's stack → its settings besides those that all have."""
_graphs: dict[tuple[str, int, str], Graph] = {}


def graph_of(kind: str, level: int, environment: str) -> Graph:
    """Return the graph of a stack; recorded once, for it takes a while."""
    key = (kind, level, environment)
    if key not in _graphs:
        make = programs.platform if kind == "platform" else programs.model
        _graphs[key] = make(level=level, environment=environment, **MORE.get(kind, {}))
    return _graphs[key]


@pytest.fixture(params=STACKS)
def graph(request: pytest.FixtureRequest) -> Graph:
    return graph_of(*request.param)


@pytest.fixture(params=[p for p in STACKS if "prod" in p.id])
def prod(request: pytest.FixtureRequest) -> Graph:
    return graph_of(*request.param)


@pytest.fixture(params=[p for p in STACKS if "dev" in p.id])
def dev(request: pytest.FixtureRequest) -> Graph:
    return graph_of(*request.param)


@pytest.fixture
def platform() -> Graph:
    """A platform of level 1, small."""
    return graph_of("platform", 1, "dev")


@pytest.fixture
def prod_platform() -> Graph:
    """A platform of level 1, protected."""
    return graph_of("platform", 1, "prod")


@pytest.fixture
def model() -> Graph:
    """A model's stack of level 1 in a small environment: serverless."""
    return graph_of("model", 1, "dev")


@pytest.fixture
def prod_model() -> Graph:
    """A model's stack of level 1 in a protected environment: realtime."""
    return graph_of("model", 1, "prod")
