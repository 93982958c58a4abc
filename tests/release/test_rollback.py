"""Decisions, rollbacks and promotion on an endpoint that answers.

The tests of this file tell one story and run in order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from release.conftest import World

from terrace import runs
from terrace.contracts import read_release, read_releases
from terrace.platform import open_platform
from terrace.project import open_project


def terrace(world: World, *args: str, expect: int = 0) -> Any:
    """Run a command in the platform's folder with --json and return its object."""
    done = subprocess.run(
        [sys.executable, "-m", "terrace.cli", *args, "--json"],
        cwd=world.folder / "platform", env={**os.environ}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    found = json.loads(done.stdout)
    if expect:
        # The sentence for people says the same as the object for scripts.
        assert found["error"]["message"].split("\n")[0] in done.stderr
        return found["error"]["message"] + (found["error"]["hint"] or "")
    return found


def test_before_a_release_there_is_nothing_to_go_back_to(world: World) -> None:
    """The baseline serves, and the refusal says so."""
    world.up()
    assert "Nothing served tiny in dev before the baseline" in terrace(world, "rollback", "tiny", "dev", expect=1)
    assert "waits for a decision" in terrace(world, "approve", "tiny", "dev", expect=1)
    assert terrace(world, "models", "tiny", "dev")["versions"] == []


def test_what_waits_for_approval_is_not_released(world: World) -> None:
    """The refusal names the command that approves, with the version and without."""
    world.register("model A", "PendingManualApproval")
    for named in (["--version", "1"], []):
        said = terrace(world, "release", "tiny", "dev", *named, expect=1)
        assert "terrace approve tiny dev --version 1" in said


def test_an_approval_is_kept_with_who_when_and_why(world: World) -> None:
    """And releases what it approved; a second one changes nothing."""
    said = terrace(world, "approve", "tiny", "dev", "--reason", "better on weekends")
    assert (said["version"], said["status"], said["changed"]) == (1, "Approved", True)
    assert (said["reason"], said["decided_at"][:2]) == ("better on weekends", "20")
    assert said["decided_by"].startswith("arn:aws:")
    assert said["metrics"] == {"roc_auc": 0.75}
    assert terrace(world, "approve", "tiny", "dev", "--version", "1")["changed"] is False
    terrace(world, "release", "tiny", "dev")
    assert world.ask() == "model A"


def test_what_serves_is_not_rejected(world: World) -> None:
    """Neither does a decision turn over without a reason."""
    assert "terrace rollback tiny dev" in terrace(
        world, "reject", "tiny", "dev", "--version", "1", "--reason", "no", expect=1
    )
    world.register("model B", "PendingManualApproval")
    assert terrace(world, "reject", "tiny", "dev")["status"] == "Rejected"
    assert "--reason" in terrace(world, "approve", "tiny", "dev", "--version", "2", expect=1)
    assert terrace(world, "approve", "tiny", "dev", "--version", "2", "--reason", "checked")["status"] == "Approved"
    assert "no version 9" in terrace(world, "approve", "tiny", "dev", "--version", "9", expect=1)


def test_a_rollback_brings_back_what_served_before_and_leaves_a_record(world: World) -> None:
    """The record says that it was a rollback, why, and what it replaced; the next one reaches the baseline."""
    terrace(world, "release", "tiny", "dev")
    assert world.ask() == "model B"
    said = terrace(world, "rollback", "tiny", "dev", "--reason", "late flights")
    assert world.ask() == "model A"
    assert (said["kind"], said["modelVersion"], said["replaces"], said["reason"]) == ("rollback", 1, 2, "late flights")
    assert terrace(world, "rollback", "tiny", "dev")["modelVersion"] == 0
    assert world.ask() == "baseline 1"
    assert terrace(world, "status", "dev")["models"][0]["serves"] == "the baseline"
    kinds = [(one.kind, one.model_version) for one in read_releases(world.target, "dev", "tiny")]
    assert kinds == [("release", 1), ("release", 2), ("rollback", 1), ("rollback", 0)]


def test_any_earlier_version_is_one_command_away(world: World) -> None:
    """A version that served is named; one that never did is refused, and so is what serves."""
    assert terrace(world, "rollback", "tiny", "dev", "--version", "2").get("replaces") is None
    assert world.ask() == "model B"
    version = world.register("model C")
    named = ["--version", str(version)]
    assert "terrace release tiny dev --version 3" in terrace(world, "rollback", "tiny", "dev", *named, expect=1)
    assert "serves in dev now" in terrace(world, "rollback", "tiny", "dev", "--version", "2", expect=1)


def test_an_up_leaves_a_rollback_alone_and_brings_a_new_baseline(world: World) -> None:
    """After a rollback to the baseline new code is the new baseline, as it was before the first release."""
    world.up()
    assert world.ask() == "model B"
    terrace(world, "rollback", "tiny", "dev", "--version", "0")
    path = "src/tiny/__main__.py"
    world.write(path, (world.root / path).read_text().replace("baseline 1", "baseline 2"))
    world.commit()
    world.up()
    assert world.ask() == "baseline 2"
    record = read_release(world.target, "dev", "tiny")
    assert record is not None
    assert (record.model_version, record.image) == (0, world.contract["image"])


def test_versions_show_who_serves_and_where_one_is_from(world: World) -> None:
    """Who serves, who served before, and the line of a version with every time that it served."""
    terrace(world, "release", "tiny", "dev", "--version", "2")
    said = terrace(world, "models", "tiny", "dev")
    assert (said["serving"], [one["version"] for one in said["versions"]]) == (2, [3, 2, 1])
    line = terrace(world, "models", "tiny", "dev", "--version", "1")["lineage"]
    assert (line["code"], line["data"]["sha256"], line["serves"]) == ("abc", "def", False)
    assert [one["kind"] for one in line["served"]] == ["release", "rollback"]
    assert line["image_digest"].startswith("sha256:")
    types = {one["type"] for one in line["sagemaker_lineage"]}
    assert {"Image", "Model", "Approval"} <= types


@pytest.fixture
def staging(world: World) -> World:
    """The same project in staging, with a baseline of its own."""
    text = (world.root / "infra/Pulumi.dev.yaml").read_text()
    world.write("infra/Pulumi.staging.yaml", text)
    if read_release(open_platform(world.folder / "platform", "staging").target(), "staging", "tiny") is None:
        runs.up_project(open_project(world.root, "staging"), runs.Options(), world.folder / "platform")
    return world


def ask_staging(world: World) -> str:
    """Ask the endpoint of staging."""
    target = open_platform(world.folder / "platform", "staging").target()
    contract = json.loads(
        target.client("ssm").get_parameter(Name="/terrace/staging/tiny/contract")["Parameter"]["Value"]
    )
    answer = target.client("sagemaker-runtime").invoke_endpoint(EndpointName=contract["endpoint"], Body=b"{}")
    return str(answer["Body"].read().decode())


def test_a_version_that_was_approved_elsewhere_is_brought_once(staging: World) -> None:
    """Image, archive, metrics and reason come along, and where it is from; the second time nothing is registered."""
    waits = staging.register("model D", "PendingManualApproval")
    named = ["--from", "dev", "--version"]
    assert f"terrace approve tiny dev --version {waits}" in terrace(
        staging, "release", "tiny", "staging", *named, str(waits), expect=1
    )
    assert "environment itself" in terrace(staging, "release", "tiny", "staging", "--from", "staging", expect=1)
    said = terrace(staging, "release", "tiny", "staging", *named, "2")
    assert ask_staging(staging) == "model B"
    assert said["broughtFrom"].endswith("/2")
    assert said["metrics"] == {"roc_auc": 0.75}
    again = terrace(staging, "release", "tiny", "staging", *named, "2")
    assert again == said
    there = terrace(staging, "models", "tiny", "staging")["versions"]
    assert [(one["version"], one["brought_from"]) for one in there] == [(1, said["broughtFrom"])]
    assert there[0]["reason"] == "checked"
    assert "staging" in there[0]["image"]
    assert "staging" in there[0]["model_data"]


def test_a_version_whose_archive_is_gone_is_not_brought(staging: World) -> None:
    """Nothing is registered, and the sentence says what cannot be read."""
    staging.target.client("s3").delete_object(
        Bucket=staging.contract["artifactBucket"], Key="models/tiny/model-C/model.tar.gz"
    )
    said = terrace(staging, "release", "tiny", "staging", "--from", "dev", "--version", "3", expect=1)
    assert "cannot be read" in said
    assert len(terrace(staging, "models", "tiny", "staging")["versions"]) == 1
