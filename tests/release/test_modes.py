"""A model changes its mode by `up`, in every direction: what is released stays, and nothing that holds data goes.

The tests of this file tell one story and run in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from release.scoring_world import PREFIX, ScoringWorld

from terrace.contracts import read_release
from terrace.maturity.scoring import RETIRED
from terrace.release import release
from terrace.sandbox import Sandbox

MADE = {"aws:scheduler/schedule:Schedule", "aws:sqs/queue:Queue"}
SERVES = {"aws:sagemaker/endpoint:Endpoint", "aws:sagemaker/endpointConfiguration:EndpointConfiguration"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringWorld]:
    """A platform with a serverless project, in a sandbox of the module's own."""
    folder = tmp_path_factory.mktemp("modes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        yield ScoringWorld(folder, "terrace:mode: serverless")
        Sandbox(folder / "home").stop()


def _stores(world: ScoringWorld) -> dict[str, Any]:
    """Return what of the model holds data or history, and when it was made."""
    contract, target = world.contract, world.target
    group = world.sagemaker.describe_model_package_group(ModelPackageGroupName=contract["packageGroup"])
    images = target.client("ecr").describe_repositories(repositoryNames=[contract["repositoryName"]])["repositories"]
    logs = target.client("logs").describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints/")["logGroups"]
    data = world.s3.list_objects_v2(Bucket=contract["dataBucket"], Prefix=f"{PREFIX}in/")
    return {
        "registry": group["CreationTime"],
        "images": images[0]["createdAt"],
        "logs": [one["creationTime"] for one in logs],
        "data": {one["Key"]: one["LastModified"] for one in data.get("Contents", ())},
    }


def test_from_an_endpoint_to_scoring(world: ScoringWorld) -> None:
    """The endpoint goes, and the version that it served scores: also what had arrived before."""
    world.up()
    world.register("model A")
    release(world.target, "dev", "tiny", None, lambda _: None)
    world.arrive("early.jsonl", 1, 2)
    assert world.ask() == "model A"
    before, record = _stores(world), read_release(world.target, "dev", "tiny")
    world.settings("terrace:mode: batch\nterrace:batch:\n  schedule: rate(1 hour)")
    run = world.up()
    assert {change.type for change in run.result.deleted} >= SERVES
    assert {change.type for change in run.result.created} >= MADE
    assert "version 1 scores" in run.notes
    assert world.sagemaker.list_endpoints()["Endpoints"] == []
    assert _stores(world) == before
    after = read_release(world.target, "dev", "tiny")
    assert record is not None
    assert after is not None
    assert (after.model_version, after.code, after.metrics) == (1, record.code, record.metrics)


def test_the_run_that_the_schedule_starts_at_once_scores_nothing_with_the_baseline(world: ScoringWorld) -> None:
    """A schedule fires as soon as it is made, before the version is brought; then the pipeline waits for it."""
    first = world.by_itself()
    assert first.status == "Succeeded"
    if "AwaitRelease" in [step.name for step in first.steps]:
        assert world.below("out/") == []
        assert "the released version was not brought here yet" in world.told(
            "pipeline", "status", "tiny", "dev", "--batch", "--execution", first.id
        )
    world.score()
    assert world.predictions("early.jsonl") == [{"id": id, "by": "model A"} for id in (1, 2)]


def test_a_model_of_an_endpoint_is_not_taken_for_an_isolated_one(world: ScoringWorld) -> None:
    """Serverless endpoints have models outside of the network; what scores has one of its own."""
    record = read_release(world.target, "dev", "tiny")
    assert record is not None
    names = [one["ModelName"] for one in world.sagemaker.list_models()["Models"]]
    released = [world.sagemaker.describe_model(ModelName=name) for name in names if "-v1-" in name]
    assert sorted(one["EnableNetworkIsolation"] for one in released) == [False, True]
    scores = world.sagemaker.describe_model(ModelName=record.sagemaker_model)
    assert (scores["EnableNetworkIsolation"], bool(scores.get("VpcConfig"))) == (True, True)


def test_a_pipeline_that_is_gone_is_made_again_with_the_version(world: ScoringWorld) -> None:
    """Somebody deletes it by hand: `refresh` finds out, and `up` brings it back as it was."""
    definition = world.sagemaker.describe_pipeline(PipelineName=world.pipeline)["PipelineDefinition"]
    world.sagemaker.delete_pipeline(PipelineName=world.pipeline, ClientRequestToken="x" * 36)
    world.told("refresh", "dev", "--project", str(world.root))
    assert "version 1 scores" in world.up().notes
    made = world.sagemaker.describe_pipeline(PipelineName=world.pipeline)["PipelineDefinition"]
    assert json.loads(made) == json.loads(definition)
    assert world.score().steps


def test_from_scoring_to_an_endpoint(world: ScoringWorld) -> None:
    """The version answers again; predictions and records stay where they are, and so does the history of runs."""
    before, predictions, runs = _stores(world), world.below("out/"), world.runs()
    pipeline = world.pipeline
    world.settings("terrace:mode: realtime\nterrace:instanceCount: 1")
    run = world.up()
    assert {change.type for change in run.result.deleted} >= MADE
    assert "version 1 serves" in run.notes
    assert world.ask() == "model A"
    assert (_stores(world), world.below("out/")) == (before, predictions)
    assert "batch" not in world.contract
    assert world.runs(pipeline) == runs
    kept = json.loads(world.sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"])
    assert [step["Name"] for step in kept["Steps"]] == [RETIRED]
    record = read_release(world.target, "dev", "tiny")
    assert record is not None
    assert (record.model_version, record.pipeline, record.sagemaker_model) == (1, None, None)
    counts = world.up().result.counts
    assert [counts[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]


def test_what_was_scored_once_is_not_scored_again_after_a_detour(world: ScoringWorld) -> None:
    """Back in mode batch, what has its predictions keeps them; a rollback goes back to the baseline there too."""
    before = world.runs("acme-dev-operations-tiny--batch")
    world.settings("terrace:mode: batch")
    world.up()
    world.by_itself(len(before))
    assert world.runs()[-len(before) :] == before
    world.arrive("late.jsonl", 3)
    assert world.score().step("Score") is not None
    modified = world.s3.head_object(Bucket=world.contract["dataBucket"], Key=f"{PREFIX}out/early.jsonl.out")
    assert world.predictions("late.jsonl") == [{"id": 3, "by": "model A"}]
    assert "the baseline scores again, in place of version 1" in world.told("rollback", "tiny", "dev")
    world.arrive("later.jsonl", 4)
    world.score()
    assert world.predictions("later.jsonl") == [{"id": 4, "by": "baseline 1"}]
    again = world.s3.head_object(Bucket=world.contract["dataBucket"], Key=f"{PREFIX}out/early.jsonl.out")
    assert again["LastModified"] == modified["LastModified"]
