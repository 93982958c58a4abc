"""What a model keeps of pipelines that it has no more: their runs, and nothing that could add one."""

import json

import pytest
from components.conftest import graph_of
from components.recorder import Graph
from terrace_components.model_parts import placement, training_args
from terrace_components.training_pipeline import TrainingPipeline

from components import programs
from terrace.errors import PlanError, TerraceError
from terrace.maturity import ModelContract, ModelSettings, PlatformContract

KEPT = {
    "model-training-pipeline-pipeline": "model-training-pipeline-role",
    "model-serving-batch-pipeline": "model-serving-batch-score-role",
}
"""Pipeline → its role."""


@pytest.fixture(params=[("kept", 1, "dev"), ("kept", 0, "prod")], ids=["dev", "prod"])
def kept(request: pytest.FixtureRequest) -> Graph:
    """A model that had both pipelines and has neither now."""
    return graph_of(*request.param)


def _whole() -> Graph:
    return graph_of("batch", 2, "dev")


@pytest.mark.parametrize("pipeline", KEPT)
def test_pipeline_and_role_are_the_same_ones(pipeline: str) -> None:
    """Type, name and place in the stack are those of the level and the mode that they are from; so are their inputs."""
    before, after = _whole(), graph_of("kept", 1, "dev")
    for name in (pipeline, KEPT[pipeline]):
        had, has = before.one(name), after.one(name)
        assert (has.type, has.parent) == (had.type, had.parent)
        changing = ("tags", "pipelineDefinition")
        left = ({key: value for key, value in one.inputs.items() if key not in changing} for one in (had, has))
        assert next(left) == next(left)


def test_nothing_of_them_can_run(kept: Graph) -> None:
    """There is no policy, trigger, queue or alarm of them left, whatever the level."""
    for part in ("model-training-pipeline", "model-serving-batch"):
        names = [one.name for one in kept if one.name.startswith(part)]
        assert sorted(names) == sorted(name for pair in KEPT.items() for name in pair if name.startswith(part))
    assert not [one.name for kind in ("Queue", "EventRule", "Schedule") for one in kept.of(kind)]
    assert not [one for _, one in programs.statements(kept) if "StartPipelineExecution" in json.dumps(one)]
    contract = ModelContract.from_json(str(kept.one("model-contract").inputs["value"]))
    assert (contract.pipeline, contract.batch, contract.watched_prefix) == (None, None, None)


def test_what_scored_says_why_it_does_nothing(kept: Graph) -> None:
    """Its definition is one step with the reason; the training pipeline's is not touched."""
    (step,) = json.loads(kept.one("model-serving-batch-pipeline").inputs["pipelineDefinition"])["Steps"]
    assert step["Type"] == "Condition"
    assert "not in mode batch any more" in step["Description"]


def test_what_is_on_is_whole_whatever_is_kept() -> None:
    """A list that was not tidied up takes nothing away."""
    keep = ["serving", "training-pipeline"]
    assert programs.model(level=2, mode="batch", keep=keep).names() == _whole().names()


def test_a_repository_deletes_no_pipeline() -> None:
    """The history of runs would go with it."""
    assert not [one for _, one in programs.statements(_whole()) if "DeletePipeline" in json.dumps(one)]


def test_a_training_pipeline_without_tracking_is_refused() -> None:
    """Programs in other languages hear what is missing; for the history alone nothing is."""
    platform = PlatformContract.from_json(programs.contract_of("dev", 2))
    settings = ModelSettings(**programs.model_settings())
    args = training_args(settings, platform, placement(settings, platform, 2), None)
    del args["stores_only"]
    with pytest.raises(TerraceError, match="trackingKind is missing"):
        TrainingPipeline("training", args)


def test_a_model_keeps_what_models_have() -> None:
    """Capabilities of platforms, and those without stores, are refused by name."""
    with pytest.raises(PlanError, match="terrace:keep names 'tracking', which is no capability of a model"):
        programs.model(level=1, keep=["tracking"])
    with pytest.raises(PlanError, match="terrace:keep names alarms, which has no stores"):
        programs.model(level=1, keep=["alarms"])
