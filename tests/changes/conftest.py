"""What the tests of changes share: a sandbox, a platform in it, and the way that each environment goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from changes.world import Seen, World

from terrace.engine.pulumi.where import find_cli
from terrace.sandbox import Sandbox

MISSING = "Pulumi's command line is not on this machine; `make test-pulumi` builds it"
ENGINES = ["embedded", pytest.param("pulumi", marks=pytest.mark.skipif(find_cli() is None, reason=MISSING))]
ENVIRONMENTS = ["dev", "staging", "prod"]


@pytest.fixture(scope="module", params=ENGINES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform in a sandbox of the module's own; its environments are accounts that know nothing of each other."""
    folder = tmp_path_factory.mktemp("changes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        patch.setenv("PULUMI_HOME", str(folder / "pulumi"))
        yield World(folder, request.param)
        Sandbox(folder / "home").stop()


@dataclass(frozen=True)
class Step:
    """One change of level: what the command said, what it left in AWS, and what it left in the settings."""

    said: dict[str, Any]
    stores: Seen
    endpoints: list[str]
    level: int
    keep: tuple[str, ...]

    @property
    def plan(self) -> dict[str, Any]:
        """What the command said that it would do."""
        plan: dict[str, Any] = self.said["plan"]
        return plan


@dataclass(frozen=True)
class Journey:
    """An environment's way: made at level 0, up to 1, down to 0, up to 1 again."""

    environment: str
    made: Step
    up: Step
    down: Step
    again: Step

    @property
    def steps(self) -> list[tuple[Step, Step]]:
        """Every change of level, as before and after."""
        return [(self.made, self.up), (self.up, self.down), (self.down, self.again)]


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def journey(world: World, request: pytest.FixtureRequest) -> Journey:
    """Go the whole way once, with an object in the data bucket and a package in the repository on board."""
    environment: str = request.param

    def step(level: int) -> Step:
        said = world("upgrade", environment, "--to", str(level))
        settings = world.platform(environment).settings
        return Step(said, world.stores(environment), world.endpoints(environment), settings.level, settings.keep)

    made = step(0)
    world.put_object(environment)
    up = step(1)
    world.publish(environment)
    return Journey(environment, made, up, step(0), step(1))
