"""A model follows its platform up and down, and keeps what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from changes.baseline import write_infra
from changes.world import World

from terrace.engine import Program, Result
from terrace.engines import open_engine
from terrace.maturity import ModelSettings
from terrace.settings import program_config


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a model project, as the template writes it."""
    return write_infra(tmp_path_factory.mktemp("flights") / "infra")


def _follow(world: World, infra: Path) -> Result:
    """Bring the model to where its platform is. Without an image it has no endpoint yet."""
    settings = ModelSettings(
        environment="dev", model="flights", team="operations", owner="mlops@acme.example", region="eu-central-1"
    )
    program = Program("flights", "dev", infra, program_config(settings))
    return open_engine(world.engine, world.target("dev")).up(program)


def test_a_model_follows_its_platform_and_loses_nothing(world: World, infra: Path) -> None:
    """Down, its pipeline and alarms go; its registry, repository and logs stay, and coming back finds them."""
    world("upgrade", "dev", "--to", "1")
    _follow(world, infra)
    before = world.stores("dev")
    plan = world("upgrade", "dev", "--to", "0")["plan"]
    assert any(step.startswith("release-ci: Build and release by hand") for step in plan["team"])
    assert "model flights, at level 1" in plan["team"][-1]
    down = _follow(world, infra)
    assert {change.type for change in down.deleted} >= {"aws:codebuild/project:Project"}
    assert [change.name for change in down.kept] == ["model-release-ci-build-log-group"]
    assert world.stores("dev") == before
    plan = world("upgrade", "dev", "--to", "1")["plan"]
    assert any(step.startswith("release-ci: Name the repository") for step in plan["team"])
    back = _follow(world, infra)
    assert (back.deleted, back.replaced, back.kept) == ([], [], [])
    assert world.stores("dev") == before
