"""What a model keeps of mode batch goes for good when a person says so, and with nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from release.scoring_world import ScoringWorld

from terrace.sandbox import Sandbox


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringWorld]:
    """A project in mode batch that scored once, in a sandbox of the module's own."""
    folder = tmp_path_factory.mktemp("scored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        world = ScoringWorld(folder, "terrace:mode: batch")
        world.up()
        world.by_itself()
        world.arrive("early.jsonl", 1)
        world.score()
        yield world
        Sandbox(folder / "home").stop()


def test_the_history_of_scoring_is_retired_by_its_name(world: ScoringWorld) -> None:
    """It is refused in mode batch; in another it says how many runs are lost, and leaves records and predictions."""
    pipeline, predictions = world.pipeline, world.predictions("early.jsonl")
    retire = ("retire", "dev", "serving", "--project", str(world.root), "--yes-delete", "dev")
    assert "serving is on in tiny in dev: only what is kept can be retired" in world.told(*retire, expect=1)
    world.settings("terrace:mode: serverless")
    assert world.up().kept == ("serving",)
    said = world.told(*retire)
    assert f"Pipeline {pipeline}: 2 runs, with what started each" in said
    assert world.project.settings.keep == ()
    assert pipeline not in [one["PipelineName"] for one in world.sagemaker.list_pipelines()["PipelineSummaries"]]
    assert world.ask() == "baseline 1"
    world.settings("terrace:mode: batch")
    assert world.up().kept == ()
    assert world.by_itself().status == "Succeeded"
    assert world.predictions("early.jsonl") == predictions
