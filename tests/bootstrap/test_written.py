"""What is written for a security team makes the same as the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from bootstrap.apply import Stack

from terrace.bootstrap.make import make
from terrace.bootstrap.trust import Repository
from terrace.bootstrap.written import write_files
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings
from terrace.target import Target

Of = Callable[..., PlatformSettings]
REPOSITORY = Repository("platform", "99")


def test_after_the_template_the_command_changes_nothing(of: Of, target: Target, tmp_path: Path) -> None:
    """Key, bucket, provider, policies and role of the template are those of the command, to the letter."""
    written = write_files(of(), REPOSITORY, tmp_path)
    Stack(target).apply(yaml.safe_load((tmp_path / "bootstrap.yaml").read_text()))
    made = make(of(), target, REPOSITORY, lambda _step: None)
    assert {step.what: step.outcome for step in made.steps if step.outcome != "unchanged"} == {}
    assert "--capabilities CAPABILITY_NAMED_IAM" in written.command


def test_the_files_are_what_a_reviewer_reads(of: Of, tmp_path: Path) -> None:
    """Each policy, the trust and both boundaries are files of their own, small enough for IAM."""
    written = write_files(of(), REPOSITORY, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == list(written.files)
    assert set(written.files) == {
        "bootstrap.yaml",
        "deploy-boundary.json",
        "deploy-policy-foundation.json",
        "deploy-policy-network.json",
        "deploy-policy-work.json",
        "deploy-trust.json",
        "roles-boundary.json",
    }
    for name in written.files:
        if name.endswith(".json"):
            assert len(json.dumps(json.loads((tmp_path / name).read_text()), separators=(",", ":"))) <= 6144


def test_keys_that_are_not_there_yet_are_named_by_their_alias(of: Of, tmp_path: Path) -> None:
    """A policy that is written before its key is made names no key of somebody else."""
    write_files(of(), REPOSITORY, tmp_path)
    for name, sid in (("deploy-policy-foundation", "UseStateKey"), ("roles-boundary", "Keys")):
        doc = json.loads((tmp_path / f"{name}.json").read_text())
        (statement,) = [one for one in doc["Statement"] if one["Sid"] == sid]
        assert "kms:ResourceAliases" in json.dumps(statement["Condition"])


def test_the_state_outlives_the_template(of: Of, tmp_path: Path) -> None:
    """Removing the CloudFormation stack removes neither bucket nor key."""
    write_files(of(), REPOSITORY, tmp_path)
    resources = yaml.safe_load((tmp_path / "bootstrap.yaml").read_text())["Resources"]
    for name in ("StateKey", "StateBucket"):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_a_boundary_that_is_prescribed_is_used_and_not_written(of: Of, tmp_path: Path) -> None:
    """The organisation's own boundary stands in the template; none of ours is in the folder."""
    arn = "arn:aws:iam::123456789012:policy/org-boundary"
    written = write_files(of(identity={"boundaryArn": arn}), REPOSITORY, tmp_path)
    assert not any("boundary" in name for name in written.files)
    resources = yaml.safe_load((tmp_path / "bootstrap.yaml").read_text())["Resources"]
    assert resources["DeployRole"]["Properties"]["PermissionsBoundary"] == arn


def test_without_a_repository_there_is_no_role(of: Of, tmp_path: Path) -> None:
    """The state's part is written, and what is missing for the rest is said."""
    written = write_files(of(), Repository(), tmp_path)
    assert "the deploy role is left out" in written.notes[0]
    assert "DeployRole" not in (tmp_path / "bootstrap.yaml").read_text()


def test_a_folder_that_cannot_be_written_to_is_an_error(of: Of, tmp_path: Path) -> None:
    """A file in its place is named, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TerraceError, match="cannot be written to"):
        write_files(of(), REPOSITORY, tmp_path / "file")
