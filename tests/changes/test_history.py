"""The history of a model's runs goes through every change of level, and goes for good only when a person says so."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from changes.baseline import write_infra
from changes.world import World

from terrace.billing import read_bill
from terrace.contracts import need_model
from terrace.descent import line, read_run
from terrace.engines import open_engine
from terrace.executions import BY_HAND
from terrace.project import open_project
from terrace.runs import program_of
from terrace.versions import list_versions

NAME = "acme-dev-operations-flights"
SETTINGS = """config:
  terrace:model: flights
  terrace:region: eu-central-1
  terrace:team: operations
  terrace:owner: mlops@acme.example
  # Nothing answers, so that nothing needs a container: what arrived is scored by hand.
  terrace:mode: batch
  terrace:image: {image}
"""


class Flights:
    """A model project beside the platform, whose image is never run."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.path = folder / "flights"
        write_infra(self.path / "infra")
        registry = f"{world.target('dev').account}.dkr.ecr.eu-central-1.amazonaws.com"
        self.file = self.path / "infra" / "Pulumi.dev.yaml"
        self.file.write_text(SETTINGS.format(image=f"{registry}/{NAME}@sha256:{'0' * 64}"))

    @property
    def sagemaker(self) -> Any:
        return self.world.target("dev").client("sagemaker")

    def __call__(self, *args: str, expect: int = 0) -> Any:
        """Run a command on the project with --json, and return its object."""
        return self.world(*args, "--project", str(self.path), expect=expect)

    def publish(self) -> str:
        """Publish a pipeline of the project's own, and return it."""
        step = {"Name": "Own", "Type": "Fail", "Arguments": {"ErrorMessage": "this project's own"}}
        text = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})
        self.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=text)
        return text

    def train(self, runs: int) -> str:
        """Run the pipeline as `terrace pipeline run` does until each run has ended; return the last one's ARN."""
        for _ in range(runs):
            arn: str = self.sagemaker.start_pipeline_execution(
                PipelineName=NAME, PipelineExecutionDescription=f"{BY_HAND} flights dev"
            )["PipelineExecutionArn"]
            self.ended(NAME)
        return arn

    def register(self, execution: str) -> None:
        """Register a version as a run does."""
        image = yaml.safe_load(self.file.read_text())["config"]["terrace:image"]
        self.sagemaker.create_model_package(
            ModelPackageGroupName=NAME,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": image}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={"code": "abc", "data": "def", "execution": execution},
        )

    def started_by(self) -> str:
        """Return what `terrace models` says that started the run of the version."""
        target = self.world.target("dev")
        contract = need_model(target, "dev", "flights")
        (version,) = list_versions(target, contract)
        return line(contract, version, (), read_run(target, version)).started_by

    def history(self) -> tuple[Any, ...]:
        """Return what AWS says of the pipeline and its role, of every run, and of the steps of each."""
        sagemaker = self.sagemaker
        found = sagemaker.describe_pipeline(PipelineName=NAME)
        role = self.world.target("dev").client("iam").get_role(RoleName=found["RoleArn"].rpartition("/")[2])["Role"]
        runs = sagemaker.list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"]
        steps = [
            sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=run["PipelineExecutionArn"])[
                "PipelineExecutionSteps"
            ]
            for run in runs
        ]
        made = (found["PipelineArn"], found["CreationTime"], found["PipelineDefinition"], found["RoleArn"])
        return made, role["RoleId"], runs, steps

    def ended(self, pipeline: str) -> list[Any]:
        """Wait until no run of a pipeline is under way, and return all of them, the latest first."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found: list[Any] = self.sagemaker.list_pipeline_executions(PipelineName=pipeline)[
                "PipelineExecutionSummaries"
            ]
            if not [run for run in found if run["PipelineExecutionStatus"] in ("Executing", "Stopping")]:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{pipeline} still runs")

    def may(self, pipeline: str = NAME) -> list[str]:
        """Return the names of the policies that a pipeline's role has."""
        role = self.sagemaker.describe_pipeline(PipelineName=pipeline)["RoleArn"].rpartition("/")[2]
        found: list[str] = self.world.target("dev").client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        return found

    def starters(self) -> list[str]:
        """Return what could start the pipeline by itself."""
        rules = self.world.target("dev").client("events").list_rules()["Rules"]
        return [one["Name"] for one in rules if one["Name"].startswith(NAME)]


@pytest.fixture(scope="module")
def flights(world: World, tmp_path_factory: pytest.TempPathFactory) -> Flights:
    """The model at level 2, with three runs of a pipeline of its own. Tests run in order."""
    world("upgrade", "dev", "--to", "2")
    found = Flights(world, tmp_path_factory.mktemp("history"))
    made = found("up", "dev")
    assert made["kept"] == []
    found.publish()
    found.register(found.train(3))
    return found


@pytest.mark.parametrize("level", [1, 0])
def test_runs_are_there_after_the_platform_went_down_and_up(flights: Flights, level: int) -> None:
    """Below level 2 the pipeline stays and can do nothing; back there it is the same, with the same runs."""
    before, world = flights.history(), flights.world
    assert len(before[2]) == 3
    assert flights.starters() == [f"{NAME}-new-data"]
    plan = world("upgrade", "dev", "--to", str(level))["plan"]
    assert plan["team"][-1].startswith("model flights, at level 2: ")
    assert plan["team"][-1].endswith(" It keeps training-pipeline, with what is in it.")
    assert "training-pipeline" in flights("preview", "dev")["kept"]
    assert "terrace:keep" not in flights.file.read_text()

    assert "training-pipeline" in flights("up", "dev")["kept"]
    assert "wrote terrace:keep to" in world.said
    assert "terrace:keep:\n    - training-pipeline\n" in flights.file.read_text()
    assert flights.history() == before
    assert (flights.may(), flights.starters()) == ([], [])
    assert flights.started_by().startswith("person: ")
    assert need_model(world.target("dev"), "dev", "flights").pipeline is None
    again = flights("up", "dev")["resources"]
    assert [again[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]

    world("upgrade", "dev", "--to", "2")
    assert flights("up", "dev")["kept"] == []
    assert "terrace:keep" not in flights.file.read_text()
    assert flights.history() == before
    assert flights.may() == ["pipeline"]
    assert flights.starters() == [f"{NAME}-new-data"]
    contract = need_model(world.target("dev"), "dev", "flights")
    assert len(read_bill(world.target("dev"), contract).rows) == 3


def test_a_level_that_is_changed_by_hand_keeps_them_too(flights: Flights) -> None:
    """The model's own terrace:level goes down in its file, and out of it again: the same pipeline, the same runs."""
    before, text = flights.history(), flights.file.read_text()
    flights.file.write_text(f"{text}  terrace:level: 1\n")
    assert flights("up", "dev")["kept"] == ["training-pipeline"]
    assert (flights.history(), flights.may()) == (before, [])
    flights.file.write_text(flights.file.read_text().replace("  terrace:level: 1\n", ""))
    assert flights("up", "dev")["kept"] == []
    assert (flights.history(), flights.may()) == (before, ["pipeline"])
    assert flights.file.read_text() == text


def test_neither_a_program_without_them_nor_destroy_takes_them(flights: Flights) -> None:
    """Who runs the program by hand and forgets what is to be kept loses nothing; nor does a `destroy`."""
    before, world = flights.history(), flights.world
    project = open_project(flights.path, "dev", {"level": 1})
    result = open_engine(world.engine, world.target("dev")).up(program_of(project))
    assert "model-training-pipeline-pipeline" in [change.name for change in result.kept]
    assert flights.history() == before
    said = flights("destroy", "dev", expect=1)
    assert "model-training-pipeline-pipeline" in said["error"]["message"]
    assert flights("up", "dev")["kept"] == []
    assert flights.history() == before


def test_runs_of_scoring_are_there_after_the_mode_changed_and_changed_back(flights: Flights) -> None:
    """Out of mode batch the pipeline that scored stays and can do nothing; back in it, it is the same."""
    name, world = f"{NAME}--batch", flights.world
    flights.sagemaker.start_pipeline_execution(PipelineName=name)
    before = flights.ended(name)
    assert before
    project = open_project(flights.path, "dev", {"mode": "serverless", "image": None, "keep": ["serving"]})
    result = open_engine(world.engine, world.target("dev")).up(program_of(project))
    assert "aws:scheduler/schedule:Schedule" in {change.type for change in result.deleted}
    assert (result.kept, flights.ended(name), flights.may(name)) == ([], before, [])
    made = flights.sagemaker.describe_pipeline(PipelineName=name)["CreationTime"]
    assert flights("up", "dev")["kept"] == []
    assert flights.sagemaker.describe_pipeline(PipelineName=name)["CreationTime"] == made
    # The new schedule fires at once.
    assert [run for run in flights.ended(name) if run in before] == before
    assert flights.may(name) == ["score"]


@pytest.mark.parametrize(
    ("capability", "says"),
    [
        ("training-pipeline", "training-pipeline is on in flights in dev: only what is kept can be retired"),
        ("serving", "serving is on in flights in dev: only what is kept can be retired"),
        ("data-quality", "flights in dev keeps nothing of data-quality"),
        ("tracking", "tracking is no capability of a model"),
    ],
)
def test_what_a_model_does_not_keep_is_not_retired(flights: Flights, capability: str, says: str) -> None:
    """What is on, was never there or is the platform's is refused."""
    assert says in flights("retire", "dev", capability, expect=1)["error"]["message"]


def test_runs_go_for_good_when_a_person_says_so(flights: Flights) -> None:
    """It is said how many are lost, and asked twice; back at level 2 there is a new pipeline without a run."""
    world = flights.world
    world("upgrade", "dev", "--to", "1")
    flights("up", "dev")
    before = flights.history()
    typed = ("retire", "dev", "training-pipeline", "--project", str(flights.path))
    said = world.typed(*typed, answers="y\nflights\n", expect=1)
    assert f"Pipeline {NAME}: 3 runs, with what started each" in said
    assert "That is not its name." in said
    assert "is no capability of a platform" in world("retire", "dev", "training-pipeline", expect=1)["error"]["message"]
    assert flights.history() == before

    said = world.typed(*typed, answers="y\ndev\n")
    assert "terrace:keep" not in flights.file.read_text()
    assert NAME not in [one["PipelineName"] for one in flights.sagemaker.list_pipelines()["PipelineSummaries"]]
    assert f"{NAME}-pipeline" not in [role["RoleName"] for role in _roles(world)]
    assert flights("preview", "dev")["kept"] == []
    world("upgrade", "dev", "--to", "2")
    flights("up", "dev")
    assert flights.history()[2] == []
    assert flights.started_by() == ""


def _roles(world: World) -> list[Any]:
    found: list[Any] = world.target("dev").client("iam").list_roles()["Roles"]
    return found
