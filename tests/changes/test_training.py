"""Up to level 2 and down again: runs, data versions and what was said of them stay; what trains comes and goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from changes.baseline import write_infra
from changes.world import World

from terrace.contracts import read_platform
from terrace.engine import Program, Result
from terrace.engines import open_engine
from terrace.maturity import ModelSettings
from terrace.settings import program_config

TRAINS = {
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:scheduler/schedule:Schedule",
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    "aws:sqs/queue:Queue",
}


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a model project, as the template writes it."""
    return write_infra(tmp_path_factory.mktemp("flights") / "infra")


def _follow(world: World, infra: Path, **more: Any) -> Result:
    """Bring a model that trains daily to where its platform is."""
    settings = ModelSettings(
        environment="dev",
        model="flights",
        team="operations",
        owner="mlops@acme.example",
        region="eu-central-1",
        training={"schedule": "rate(1 day)"},
        **more,
    )
    program = Program("flights", "dev", infra, program_config(settings))
    return open_engine(world.engine, world.target("dev")).up(program)


def _versions(world: World) -> dict[str, Any]:
    """Return what happens to older versions of the data."""
    s3 = world.target("dev").client("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=world.bucket("dev"))["Rules"]
    return next(rule for rule in rules if rule["ID"] == "noncurrent-versions")


def test_level_2_comes_and_goes_without_a_loss(world: World, infra: Path) -> None:
    """0 to 2, 2 to 1, 1 to 2: no store is lost, versions of the data stay kept, the model's pipeline follows."""
    world("upgrade", "dev", "--to", "0")
    first = world.stores("dev")
    assert "NoncurrentVersionExpiration" in _versions(world)

    plan = world("upgrade", "dev", "--to", "2")["plan"]
    assert (plan["retired"], plan["replaced"], plan["data_touched"]) == ([], [], [])
    above = world.stores("dev")
    assert first.items() <= above.items()
    assert sum(name.startswith("runs ") for name in above) == 1
    assert _versions(world)["NoncurrentVersionTransitions"]
    made = _follow(world, infra)
    assert {change.type for change in made.created} >= {*TRAINS, "aws:sagemaker/pipeline:Pipeline"}
    sagemaker = world.target("dev").client("sagemaker")
    published = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [_fail("Own")]})
    sagemaker.update_pipeline(PipelineName="acme-dev-operations-flights", PipelineDefinition=published)
    again = _follow(world, infra)
    assert (again.created, again.updated, again.deleted) == ([], [], [])
    seen = sagemaker.describe_pipeline(PipelineName="acme-dev-operations-flights")
    assert json.loads(seen["PipelineDefinition"]) == json.loads(published)

    down = world("upgrade", "dev", "--to", "1")
    assert down["kept"] == ["tracking", "lineage"]
    assert above.items() <= world.stores("dev").items()
    assert "NoncurrentVersionExpiration" not in _versions(world)
    contract = read_platform(world.target("dev"), "dev")
    assert contract is not None
    assert (contract.tracking, contract.lineage) == (None, None)
    without = _follow(world, infra, keep=["training-pipeline"])
    assert {change.type for change in without.deleted} >= TRAINS
    assert without.kept == []
    kept = sagemaker.describe_pipeline(PipelineName="acme-dev-operations-flights")
    assert (kept["CreationTime"], kept["PipelineDefinition"]) == (seen["CreationTime"], seen["PipelineDefinition"])

    back = world("upgrade", "dev", "--to", "2")["plan"]
    assert (back["retired"], back["replaced"]) == ([], [])
    assert above.items() <= world.stores("dev").items()
    assert {change.type for change in _follow(world, infra).created} >= TRAINS


def test_from_2_to_0_keeps_runs_until_a_person_retires_them(world: World) -> None:
    """What is kept is named, and goes only when somebody says so: with it the runs."""
    world("upgrade", "staging", "--to", "2")
    before = world.stores("staging")
    down = world("upgrade", "staging", "--to", "0")
    assert down["kept"] == ["packages", "tracking", "lineage"]
    assert before.items() <= world.stores("staging").items()
    world("retire", "staging", "tracking", "--yes-delete", "staging")
    gone = before.keys() - world.stores("staging").keys()
    assert [name.split()[0] for name in gone] == ["runs"]


def test_another_tool_leaves_the_runs_of_the_one_before(world: World) -> None:
    """Who moves to an MLflow of their own keeps the App until they retire it; the secret is made empty."""
    world("upgrade", "prod", "--to", "2")
    before = world.stores("prod")
    file = world.platform("prod").settings_file
    file.write_text(file.read_text() + "  terrace:tracking: {kind: mlflow, uri: https://mlflow.acme.example}\n")
    world("up", "prod")
    assert before.items() <= world.stores("prod").items()
    contract = read_platform(world.target("prod"), "prod")
    assert contract is not None
    assert contract.tracking is not None
    assert (contract.tracking.kind, contract.tracking.arn) == ("mlflow", None)
    assert contract.tracking.secret_arn is not None
    secrets = world.target("prod").client("secretsmanager")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId=contract.tracking.secret_arn)
    world("retire", "prod", "tracking", "--yes-delete", "prod")
    gone = before.keys() - world.stores("prod").keys()
    assert [name.split()[0] for name in gone] == ["runs"]


def _fail(name: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "this project's own"}}
