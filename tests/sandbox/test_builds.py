"""Builds: CodeBuild runs what the buildspec says, and tells how it went."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from building import Building, phases, shown
from serving import until

from terrace.sandbox.builds.record import Record
from terrace.sandbox.provider.clients import SandboxClients

RUN = """\
version: 0.2
phases:
  build:
    commands:
      - {command}
"""

ALL = (
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
)
"""The phases of a build that goes well."""


@pytest.fixture
def building(aws: SandboxClients) -> Building:
    """A maker of builds in an account of its own."""
    return Building(aws)


def _spec(*commands: str) -> str:
    return RUN.replace("      - {command}\n", "".join(f"      - {command}\n" for command in commands))


def test_a_build_runs_its_commands_in_the_source(building: Building) -> None:
    """Phases have real times, and the log is where the description says."""
    location = building.put({"data.txt": "from the source", "run.sh": "echo ran"}, {"run.sh": 0o755})
    project = building.project(_spec("cat data.txt", "sh -c ./run.sh", "sleep 1.1"))
    build = building.build(project, location)
    assert build["buildStatus"] == "SUCCEEDED", building.log(build)
    assert phases(build) == dict.fromkeys(ALL, "SUCCEEDED")
    assert build["phases"][-1]["phaseType"] == build["currentPhase"] == "COMPLETED"
    [took] = [phase for phase in build["phases"] if phase["phaseType"] == "BUILD"]
    assert took["durationInSeconds"] == 1
    assert took["endTime"] > took["startTime"]
    assert build["source"]["location"] == location
    assert build["logs"]["groupName"] == f"/aws/codebuild/{project}"
    log = building.log(build)
    assert "from the source" in log
    assert "ran" in log
    assert "Running command cat data.txt" in log


def test_a_build_that_goes_on_is_shown_so(building: Building) -> None:
    """IN_PROGRESS with the phase that runs; the log comes while it runs."""
    id = building.start(building.project(_spec("echo begun", "sleep 5")))
    seen: dict[str, Any] = until(
        lambda: building.codebuild.batch_get_builds(ids=[id])["builds"][0], lambda one: one["currentPhase"] == "BUILD"
    )
    assert (seen["buildStatus"], seen["buildComplete"]) == ("IN_PROGRESS", False)
    assert "endTime" not in seen
    until(lambda: building.log(seen), lambda text: "begun" in text)
    building.codebuild.stop_build(id=id)


def test_a_phase_that_failed_while_nobody_looked_has_failed(tmp_path: Path) -> None:
    """What the container wrote since the last look counts before the next phase begins."""
    record = Record("p:1", {}, "123456789012", "eu-central-1", 1, "somebody", events=tmp_path / "events.jsonl")
    record.enter("DOWNLOAD_SOURCE")
    begun = {"phase": "POST_BUILD", "start": 1.0}
    (tmp_path / "events.jsonl").write_text(json.dumps(begun) + "\n")
    record._take_events()
    ended = {**begun, "end": 2.0, "status": "FAILED", "context": "exit status 1"}
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write(json.dumps(ended) + "\n")
    record.enter("UPLOAD_ARTIFACTS")
    record.events = None
    record.finish("FAILED")
    told = {phase["phaseType"]: phase.get("phaseStatus") for phase in record._phases}
    assert told["POST_BUILD"] == "FAILED"


def test_a_command_that_fails_fails_the_build(building: Building) -> None:
    """The commands after it are left out, post_build runs all the same and knows, and the context says what failed."""
    spec = """\
version: 0.2
phases:
  build: {commands: ["exit 3", "echo never"]}
  post_build: {commands: ['echo succeeding=$CODEBUILD_BUILD_SUCCEEDING', 'test "$CODEBUILD_BUILD_SUCCEEDING" = 1']}
"""
    build = building.build(building.project(spec))
    assert build["buildStatus"] == "FAILED"
    assert (phases(build)["BUILD"], phases(build)["POST_BUILD"]) == ("FAILED", "FAILED")
    [failed] = [phase for phase in build["phases"] if phase["phaseType"] == "BUILD"]
    assert failed["contexts"] == [
        {
            "statusCode": "COMMAND_EXECUTION_ERROR",
            "message": "Error while executing command: exit 3. Reason: exit status 3",
        }
    ]
    assert "\nsucceeding=0\n" in building.log(build)
    assert "Running command echo never" not in building.log(build)


def test_a_failed_preparation_ends_the_build(building: Building) -> None:
    """After a failed install or pre_build nothing else runs."""
    spec = "version: 0.2\nphases:\n  install: {commands: ['false']}\n  build: {commands: [echo never]}\n"
    build = building.build(building.project(spec))
    assert build["buildStatus"] == "FAILED"
    assert "BUILD" not in phases(build)
    assert "echo never" not in building.log(build)


def test_commands_share_variables_and_folder(building: Building) -> None:
    """As in the one shell that CodeBuild runs them in, across phases; a command that exits ends itself alone."""
    spec = """\
version: 0.2
env: {variables: {FROM_SPEC: "a b"}, exported-variables: [TAG]}
phases:
  pre_build:
    commands: [TAG=v7, "export QUOTED=\\"it's \\\\\\"so\\\\\\"\\"", mkdir -p deep/er, cd deep/er, exit 0]
  build:
    commands:
      - echo "tag=$TAG quoted=$QUOTED spec=$FROM_SPEC in=${PWD#$CODEBUILD_SRC_DIR}"
      - |
        if true; then
          echo several lines
        fi
    finally: [echo at last]
"""
    build = building.build(building.project(spec))
    log = building.log(build)
    assert build["buildStatus"] == "SUCCEEDED", log
    assert 'tag=v7 quoted=it\'s "so" spec=a b in=/deep/er' in log
    assert "\nseveral lines\n" in log
    assert "\nat last\n" in log
    assert build["exportedEnvironmentVariables"] == [{"name": "TAG", "value": "v7"}]


def test_variables_come_from_everywhere(building: Building) -> None:
    """Buildspec, project, call (which wins), parameters and secrets; CodeBuild's own tell of the build."""
    building.aws("ssm").put_parameter(Name="/stage", Value="green", Type="SecureString")
    building.aws("secretsmanager").create_secret(Name="login", SecretString='{"user": "ada"}')
    spec = """\
version: 0.2
env:
  variables: {A: spec, B: spec, C: spec}
  parameter-store: {STAGE: /stage}
  secrets-manager: {WHO: "login:user"}
phases:
  build: {commands: ["echo $A-$B-$C-$STAGE-$WHO-$FROM_STORE; echo $CODEBUILD_BUILD_ID $CODEBUILD_BUILD_NUMBER $CI"]}
"""
    project = building.project(
        spec,
        variables=[
            {"name": "B", "value": "project"},
            {"name": "C", "value": "project"},
            {"name": "FROM_STORE", "value": "/stage", "type": "PARAMETER_STORE"},
        ],
    )
    building.build(project)
    build = building.build(project, C="call")
    log = building.log(build)
    assert "spec-project-call-green-ada-green" in log
    assert f"{build['id']} 2 true" in log
    shown_variables = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    assert shown_variables == {"B": "project", "C": "call", "FROM_STORE": "/stage"}


def test_nothing_of_the_servers_environment_reaches_a_build(building: Building) -> None:
    """A build acts as its role at the sandbox's address."""
    log = building.log(building.build(building.project(_spec("env | sort"))))
    assert f"AWS_ENDPOINT_URL={building.aws.url}" in log
    assert "AWS_ACCESS_KEY_ID=ASIA" in log
    assert "PYTEST" not in log
    assert "VIRTUAL_ENV" not in log


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("version: 0.2\nphases: {build: {commands: [a\n", "no YAML"),
        ("version: 9\nphases:\n  build: {commands: [a]}\n", "version is 9"),
        ("version: 0.2\nphases:\n  built: {commands: [a]}\n", "'built'; it can have build, install"),
        ("version: 0.2\nphases:\n  build: {command: [a]}\n", "'command'; it can have commands"),
        ("version: 0.2\nphases:\n  build: {commands: a}\n", "phases.build.commands is a list"),
        ("version: 0.2\n#\n", "phases is missing"),
        ("other.yml", "YAML file does not exist: other.yml"),
        ("../../../etc/passwd", "YAML file does not exist"),
        (None, "YAML file does not exist: buildspec.yml"),
    ],
)
def test_a_buildspec_that_is_wrong_is_told(building: Building, spec: str | None, why: str) -> None:
    """The download fails with the key and what is allowed."""
    build = building.build(building.project(spec), building.put({"x": "y"}))
    assert build["buildStatus"] == "FAILED"
    [failed] = [phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED"]
    assert failed["phaseType"] == "DOWNLOAD_SOURCE"
    assert failed["contexts"][0]["statusCode"] == "YAML_FILE_ERROR"
    assert why in failed["contexts"][0]["message"]
    assert why in building.log(build)


def test_the_buildspec_may_be_in_the_source(building: Building) -> None:
    """Where the project names no commands, or names a file."""
    location = building.put({"buildspec.yml": _spec("echo of the source"), "ci/b.yml": _spec("echo of the file")})
    assert "\nof the source\n" in building.log(building.build(building.project(None), location))
    assert "\nof the file\n" in building.log(building.build(building.project("ci/b.yml"), location))


def test_a_source_that_is_not_there_is_told(building: Building) -> None:
    """The key is named."""
    build = building.build(building.project(), f"{building.bucket}/none.zip")
    assert phases(build)["DOWNLOAD_SOURCE"] == "FAILED", shown(build)
    assert "error while downloading key none.zip" in build["phases"][-2]["contexts"][0]["message"]


@pytest.mark.parametrize("name", ["../outside.txt", "/outside.txt", "a/../../outside.txt"])
def test_a_source_that_leads_outside_is_refused(building: Building, name: str) -> None:
    """Nothing is written outside of the build's folder."""
    build = building.build(building.project(_spec("echo never")), building.put({name: "x"}))
    assert build["buildStatus"] == "FAILED"
    assert "lies outside of it" in building.log(build)


def test_a_source_elsewhere_is_refused_by_name(building: Building) -> None:
    """The sandbox reaches no repository on the internet."""
    source = {"type": "GITHUB", "location": "https://github.com/acme/churn.git", "buildspec": _spec("echo never")}
    build = building.build(building.project(None, source=source))
    assert build["buildStatus"] == "FAILED"
    assert "takes its source from S3, not from GITHUB" in building.log(build)


def test_a_stop_ends_the_commands(building: Building) -> None:
    """The build is STOPPED, and what it ran is gone."""
    id = building.start(building.project(_spec("echo begun", "sleep 300")))
    until(
        lambda: building.codebuild.batch_get_builds(ids=[id])["builds"][0], lambda one: one["currentPhase"] == "BUILD"
    )
    began = time.monotonic()
    building.codebuild.stop_build(id=id)
    build = building.ended(id)
    assert time.monotonic() - began < 5
    assert build["buildStatus"] == "STOPPED"
    assert phases(build)["BUILD"] == "STOPPED"


def test_more_builds_than_run_at_once_are_queued(building: Building) -> None:
    """They wait their turn, and all end."""
    project = building.project(_spec("sleep 0.5"))
    ids = [building.start(project) for _ in range(5)]
    waiting = [building.codebuild.batch_get_builds(ids=[id])["builds"][0]["currentPhase"] for id in ids]
    assert "QUEUED" in waiting
    assert {building.ended(id)["buildStatus"] for id in ids} == {"SUCCEEDED"}


def test_logs_go_where_the_project_says(building: Building) -> None:
    """A group and a prefix of its own, or nowhere."""
    logs = {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/builds", "streamName": "images"}}
    build = building.build(building.project(_spec("echo hello"), logsConfig=logs))
    assert build["logs"]["groupName"] == "/builds"
    assert build["logs"]["streamName"] == f"images/{build['id'].rpartition(':')[2]}"
    assert "\nhello\n" in building.log(build)
    quiet = building.build(building.project(_spec("echo hello"), logsConfig={"cloudWatchLogs": {"status": "DISABLED"}}))
    assert quiet["buildStatus"] == "SUCCEEDED"
    assert "groupName" not in quiet["logs"]


def test_builds_are_listed(building: Building) -> None:
    """The newest first, numbered from one; those that nobody knows are told apart."""
    first, second = building.project(_spec("true")), building.project(_spec("true"))
    ids = [building.build(project)["id"] for project in (first, second, first)]
    codebuild = building.codebuild
    assert codebuild.list_builds_for_project(projectName=first)["ids"] == [ids[2], ids[0]]
    assert codebuild.list_builds(sortOrder="ASCENDING")["ids"] == ids
    found = codebuild.batch_get_builds(ids=[ids[2], f"{first}:none"])
    assert [build["buildNumber"] for build in found["builds"]] == [2]
    assert found["buildsNotFound"] == [f"{first}:none"]


def test_what_does_not_exist_is_refused(building: Building) -> None:
    """Projects and builds."""
    with pytest.raises(ClientError, match=r"Project cannot be found: arn:aws:codebuild:.*project/none"):
        building.codebuild.start_build(projectName="none")
    with pytest.raises(ClientError, match="Build none:1 does not exist"):
        building.codebuild.stop_build(id="none:1")
    with pytest.raises(ClientError, match="Invalid build ID"):
        building.codebuild.batch_get_builds(ids=["none"])
