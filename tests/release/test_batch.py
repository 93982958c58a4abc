"""Mode batch: what arrives is scored by the clock, by the baseline first and then by versions, without an endpoint.

The tests of this file tell one story and run in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from release.scoring_world import PREFIX, ScoringWorld

from terrace.contracts import need_model
from terrace.engines import open_engine
from terrace.errors import ProjectError
from terrace.pipelines import pipeline_name
from terrace.platform import open_platform
from terrace.release import release
from terrace.rollback import rollback
from terrace.runs import Options, program_of, up_platform
from terrace.sandbox import Sandbox

BATCH = "terrace:mode: batch"


def silent(_text: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringWorld]:
    """A platform with a project in mode batch, in a sandbox of the module's own."""
    folder = tmp_path_factory.mktemp("batch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        yield ScoringWorld(folder, BATCH)
        Sandbox(folder / "home").stop()


def test_before_an_image_there_is_nothing_that_scores(world: ScoringWorld) -> None:
    """A model without one has no schedule that could fire; its contract names what will be there."""
    up_platform(world.platform, Options())
    open_engine("embedded", world.target).up(program_of(world.project))
    said = world.contract
    assert "image" not in said
    assert said["batch"]["scheduleName"]
    assert world.sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert world.target.client("scheduler").list_schedules()["Schedules"] == []
    shown = world.told("status", "dev")
    assert "schedule missing" in shown
    assert "nothing yet: it has no image" in shown
    for command in ("run", "status", "logs"):
        told = world.told("pipeline", command, "tiny", "dev", "--batch", expect=1)
        assert "has no pipeline that scores in dev yet" in told


def test_up_makes_what_scores_and_no_endpoint(world: ScoringWorld) -> None:
    """One command goes from nothing to a schedule that starts a pipeline; it has run already, and found nothing."""
    assert "the baseline scores" in world.up().notes
    assert world.sagemaker.list_endpoints()["Endpoints"] == []
    schedule = world.target.client("scheduler").get_schedule(
        **dict(zip(("GroupName", "Name"), world.contract["batch"]["scheduleName"].split("/"), strict=True))
    )
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 day)", "ENABLED")
    assert schedule["Target"]["Arn"].endswith(f":pipeline/{world.pipeline}")
    assert schedule["Target"]["DeadLetterConfig"]["Arn"]
    first = world.by_itself()
    assert first.status == "Succeeded"
    assert [step.name for step in first.steps] == ["Collect", "AnythingNew"]


def test_a_second_up_changes_nothing(world: ScoringWorld) -> None:
    """The definition in place is the one that the program declares."""
    counts = world.up().result.counts
    assert [counts[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]


def test_what_has_arrived_is_scored_by_the_baseline(world: ScoringWorld) -> None:
    """Under the keys that it came with, in its order; what tools put beside data needs no prediction."""
    world.arrive("2026/a.jsonl", 3, 1, 2)
    world.arrive("b.jsonl", 7)
    run = world.score()
    assert [step.name for step in run.steps] == ["Collect", "AnythingNew", "Score"]
    assert sorted(world.below("out/")) == ["2026/a.jsonl.out", "b.jsonl.out"]
    assert world.predictions("2026/a.jsonl") == [{"id": id, "by": "baseline 1"} for id in (3, 1, 2)]
    assert sorted(world.below(f"work/{run.id}/")) == ["collected.json", "manifest.json"]


def test_the_jobs_stand_in_the_network_with_the_datas_key(world: ScoringWorld) -> None:
    """The model is isolated in the network; the first job is in it, and not isolated, because it asks S3."""
    model = world.sagemaker.describe_model(ModelName=_default(world, "ModelName"))
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"]["Subnets"]
    (job,) = world.sagemaker.list_transform_jobs()["TransformJobSummaries"]
    transform = world.sagemaker.describe_transform_job(TransformJobName=job["TransformJobName"])
    key = world.contract["dataKeyArn"]
    assert (transform["TransformOutput"]["KmsKeyId"], transform["TransformResources"]["VolumeKmsKeyId"]) == (key, key)
    (first, *_) = world.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    collect = world.sagemaker.describe_processing_job(ProcessingJobName=first["ProcessingJobName"])
    assert collect["NetworkConfig"]["VpcConfig"]["Subnets"] == model["VpcConfig"]["Subnets"]
    assert collect["RoleArn"] == world.contract["batch"]["collectRoleArn"] != world.contract["trainRoleArn"]


def test_what_was_scored_is_not_scored_again(world: ScoringWorld) -> None:
    """A run without anything new has no transform; an object that arrives again is scored again."""
    assert [step.name for step in world.score().steps] == ["Collect", "AnythingNew"]
    world.arrive("b.jsonl", 8, 9)
    world.score()
    assert [one["id"] for one in world.predictions("b.jsonl")] == [8, 9]


def test_a_run_by_hand_tells_what_it_scored(world: ScoringWorld) -> None:
    """The command for the pipeline that trains acts with --batch on the one that scores."""
    world.arrive("c.jsonl", 1)
    said = world.told("pipeline", "run", "tiny", "dev", "--batch")
    assert "tiny in dev: scored what was new" in said
    assert "1 object scored, 2 scored before" in said
    assert f"predictions: s3://{world.contract['dataBucket']}/{PREFIX}out/" in said
    assert "found nothing new" in world.told("pipeline", "run", "tiny", "dev", "--batch")
    shown = world("pipeline", "status", "tiny", "dev", "--batch")
    assert (shown["collected"], shown["started_by"]["kind"]) == (
        {"objects": 0, "refused": [], "skipped": 3, "left": 0},
        "person",
    )
    assert "collected" in world.told("pipeline", "logs", "tiny", "dev", "--batch", "--step", "Collect")
    assert "found nothing new" in world.told("pipeline", "follow", "tiny", "dev", "--batch")
    assert "is meant with --batch" in world.told("pipeline", "run", "tiny", "dev", expect=1)
    assert len(world("pipeline", "bill", "tiny", "dev", "--batch")["runs"]) == 6
    assert "is Succeeded; only one that Failed" in world.told("pipeline", "retry", "tiny", "dev", "--batch", expect=1)
    assert "has ended" in world.told("pipeline", "stop", "tiny", "dev", "--batch", expect=1)


def test_a_parameter_moves_one_run(world: ScoringWorld) -> None:
    """What is elsewhere in the model's own data is scored once, without a word in the settings."""
    bucket = world.contract["dataBucket"]
    world.s3.put_object(Bucket=bucket, Key=f"{PREFIX}in/late/d.jsonl", Body=b'{"id": 4}\n')
    elsewhere = f"s3://{bucket}/{PREFIX}out/again/"
    world.told("pipeline", "run", "tiny", "dev", "--batch", "-p", f"OutputUri={elsewhere}", "-p", "InstanceCount=2")
    assert "again/late/d.jsonl.out" in world.below("out/")
    assert "ModelName, Image, InputUri" in world.told(
        "pipeline", "run", "tiny", "dev", "--batch", "-p", "Wrong=1", expect=1
    )


def test_what_is_refused_is_told(world: ScoringWorld) -> None:
    """It does not stop the others; where nothing else is new the run fails, with the reason."""
    world.score()
    world.arrive("bad.jsonl", text="{")
    assert "nothing new can be scored: bad.jsonl" in world.told("pipeline", "run", "tiny", "dev", "--batch", expect=1)
    world.arrive("e.jsonl", 5)
    said = world.told("pipeline", "run", "tiny", "dev", "--batch")
    assert "refused bad.jsonl: is no JSON Lines" in said
    assert world.predictions("e.jsonl") == [{"id": 5, "by": "baseline 1"}]
    world.s3.delete_object(Bucket=world.contract["dataBucket"], Key=f"{PREFIX}in/bad.jsonl")


def test_new_code_scores_until_a_version_is_released(world: ScoringWorld) -> None:
    """Before the first release, a new baseline reaches the pipeline by `up`."""
    path = "src/tiny/__main__.py"
    world.write(path, (world.root / path).read_text().replace("baseline 1", "baseline 2"))
    world.commit()
    world.up()
    world.arrive("f.jsonl", 6)
    world.score()
    assert world.predictions("f.jsonl") == [{"id": 6, "by": "baseline 2"}]


def test_a_release_scores_from_the_next_run_on(world: ScoringWorld) -> None:
    """The record says with which model of SageMaker's, and on which pipeline; there is no endpoint in it."""
    version = world.register("model A")
    assert "version 1 scores, in place of the baseline" in world.told("release", "tiny", "dev")
    text = world.target.client("ssm").get_parameter(Name="/terrace/dev/tiny/release")["Parameter"]["Value"]
    record = json.loads(text)
    assert (record["modelVersion"], record["endpoint"], record["endpointConfig"]) == (version, "", "")
    assert (record["pipeline"], record["sagemakerModel"]) == (world.pipeline, _default(world, "ModelName"))
    assert world.sagemaker.describe_model(ModelName=record["sagemakerModel"])["EnableNetworkIsolation"] is True
    world.arrive("g.jsonl", 7)
    world.score()
    assert world.predictions("g.jsonl") == [{"id": 7, "by": "model A"}]
    assert world.predictions("f.jsonl") == [{"id": 6, "by": "baseline 2"}]


def test_an_up_leaves_the_release_in_service(world: ScoringWorld) -> None:
    """Release, then `up`, with new code too: the same version scores. The same release twice changes nothing."""
    path = "src/tiny/__main__.py"
    world.write(path, (world.root / path).read_text().replace("baseline 2", "baseline 3"))
    world.commit()
    before = _definition(world)
    assert "version 1 scores" in world.up().notes
    assert _definition(world) == before
    told: list[str] = []
    release(world.target, "dev", "tiny", None, told.append)
    assert "already serves" in told[0]
    assert _definition(world) == before


def test_changed_settings_reach_the_pipeline_of_a_released_version(world: ScoringWorld) -> None:
    """Instances and the folder in the settings are those of the next run, and the version stays."""
    version = _default(world, "ModelName")
    world.settings(f"{BATCH}\nterrace:instanceType: ml.m5d.large\nterrace:batch:\n  prefix: scoring")
    world.up()
    assert _default(world, "InstanceType") == "ml.m5d.large"
    assert _default(world, "InputUri").endswith("/operations/tiny/scoring/in/")
    assert "VolumeKmsKeyId" not in json.dumps(_definition(world))
    assert _default(world, "ModelName") == version
    world.settings(BATCH)
    world.up()
    assert _default(world, "InputUri").endswith(f"/{PREFIX}in/")


def test_a_definition_that_somebody_changed_is_mended(world: ScoringWorld) -> None:
    """By the next `up`, as everything that it declares; so is a pipeline that somebody deleted."""
    good = _definition(world)
    wrong = {**good, "Parameters": [], "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": ""}}]}
    world.sagemaker.update_pipeline(PipelineName=world.pipeline, PipelineDefinition=json.dumps(wrong))
    world.up()
    assert _definition(world) == good


def test_the_versions_tell_what_scored_with_them(world: ScoringWorld) -> None:
    """From data over code to the pipeline, with the last run that scored with it."""
    said = world.told("models", "tiny", "dev", "--version", "1")
    assert f"scored by {world.pipeline}, last run Succeeded" in said
    line = world("models", "tiny", "dev", "--version", "1")["lineage"]
    assert line["scored"]["collected"]["objects"] == 1
    assert line["served"][0]["pipeline"] == world.pipeline


def test_the_status_tells_mode_schedule_last_run_and_predictions(world: ScoringWorld) -> None:
    """A schedule that somebody disabled is shown as such, and starts nothing."""
    scheduler = world.target.client("scheduler")
    group, name = world.contract["batch"]["scheduleName"].split("/")
    seen = scheduler.get_schedule(GroupName=group, Name=name)
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: seen[key] for key in kept}, State="DISABLED")
    said = world.told("status", "dev")
    assert "tiny of team operations: batch, rate(1 day) (UTC), schedule disabled" in said
    assert "scores with version 1; 1 version registered" in said
    assert "last run: Succeeded" in said
    assert f"predictions are in s3://{world.contract['dataBucket']}/{PREFIX}out/" in said
    (model,) = world("status", "dev")["models"]
    assert (model["endpoint"], model["endpoint_status"], model["batch"]["schedule_state"]) == (None, None, "DISABLED")


def test_a_rollback_goes_back_to_what_scored_before(world: ScoringWorld) -> None:
    """To the version, and to the baseline with the newest code; each leaves a record."""
    world.register("model B")
    release(world.target, "dev", "tiny", None, silent)
    assert "version 1 scores again, in place of version 2" in world.told("rollback", "tiny", "dev", "--reason", "worse")
    world.arrive("h.jsonl", 8)
    world.score()
    assert world.predictions("h.jsonl") == [{"id": 8, "by": "model A"}]
    record = rollback(world.target, "dev", "tiny", None, None, silent)
    assert (record.model_version, record.kind) == (0, "rollback")
    world.arrive("i.jsonl", 9)
    world.score()
    assert world.predictions("i.jsonl") == [{"id": 9, "by": "baseline 3"}]
    assert "the baseline scores" in world.up().notes


def test_the_version_that_scores_is_not_rejected(world: ScoringWorld) -> None:
    """It is taken out of service first."""
    release(world.target, "dev", "tiny", 2, silent)
    said = world.told("reject", "tiny", "dev", "--version", "2", "--reason", "worse", expect=1)
    assert "First take it out of service: terrace rollback tiny dev" in said


def test_runs_are_watched_from_level_1_on(world: ScoringWorld) -> None:
    """Failed, late and undelivered ones, in the place of an endpoint's latency; the dashboard shows runs."""
    up_platform(open_platform(world.folder / "platform", "dev", {"level": 1}), Options())
    world.up()
    cloudwatch = world.target.client("cloudwatch")
    alarms = {one["AlarmName"]: one for one in cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]}
    ours = {name: one for name, one in alarms.items() if "-tiny-" in name}
    assert sorted(name.rpartition("-batch-")[2] for name in ours) == ["failed-runs", "late-runs", "undelivered"]
    assert {one["Dimensions"][0]["Value"] for one in ours.values() if one["Namespace"] != "AWS/SQS"} == {world.pipeline}
    late = next(one for name, one in ours.items() if name.endswith("late-runs"))
    assert (late["EvaluationPeriods"], late["TreatMissingData"]) == (36, "breaching")
    body = cloudwatch.get_dashboard(DashboardName="acme-dev-operations-tiny")["DashboardBody"]
    assert world.pipeline in body
    assert "ModelLatency" not in body


def test_a_model_with_an_endpoint_has_nothing_that_scores(world: ScoringWorld) -> None:
    """The refusal says which mode it is in, and what to set."""
    world.settings("terrace:mode: serverless")
    world.up()
    contract = need_model(world.target, "dev", "tiny")
    with pytest.raises(ProjectError, match="is in mode serverless: it has no pipeline that scores"):
        pipeline_name(contract, batch=True)
    assert "set terrace:mode to batch" in world.told("pipeline", "run", "tiny", "dev", "--batch", expect=1)
    assert world.ask() == "model B"


def _definition(world: ScoringWorld) -> dict[str, object]:
    said = world.sagemaker.describe_pipeline(PipelineName=world.pipeline)["PipelineDefinition"]
    found: dict[str, object] = json.loads(said)
    return found


def _default(world: ScoringWorld, name: str) -> str:
    parameters = _definition(world)["Parameters"]
    assert isinstance(parameters, list)
    return str(next(one["DefaultValue"] for one in parameters if one["Name"] == name))
