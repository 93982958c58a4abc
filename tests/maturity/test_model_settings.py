"""What is refused of a model's settings, and what follows from the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from terrace.errors import SettingsError
from terrace.maturity import ModelSettings
from terrace.settings import load_model

GOOD = """\
config:
  terrace:model: flight-delays
  terrace:region: eu-central-1
  terrace:team: ml
  terrace:owner: ada@acme.example
"""


def read(folder: Path, text: str, environment: str = "dev") -> ModelSettings:
    """Load a model's settings from a file with this content."""
    (folder / f"Pulumi.{environment}.yaml").write_text(text)
    return load_model(folder, environment)


def with_line(line: str) -> str:
    """Return good settings with one line more, or in place of the one with the same key."""
    key = ":".join(line.split(":")[:2])
    return "".join(f"{old}\n" for old in GOOD.splitlines() if not old.startswith(f"  {key}:")) + f"  {line}\n"


IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/acme-dev-ml-flight-delays"
BAD_VALUES = [
    ("terrace:modle: x", "unknown key terrace:modle", "Did you mean mode?"),
    ("terrace:model: Flight Delays", "terrace:model is 'Flight Delays'", "lower-case"),
    ("terrace:model: flight_delays", "terrace:model is 'flight_delays'", "single hyphens"),
    ("terrace:model: " + "a" * 33, "terrace:model", "at most 32"),
    ("terrace:model: '{{ name }}'", "terrace:model is '{{ name }}'", "lower-case"),
    ("terrace:model: '{% raw %}'", "terrace:model", "lower-case"),
    ("terrace:model: ../../etc", "terrace:model is '../../etc'", "lower-case"),
    ("terrace:model:", "terrace:model", "must be set"),
    ("terrace:team: ml-", "terrace:team is 'ml-'", "not end with a hyphen"),
    ("terrace:level: 5", "terrace:level is 5", "less than or equal to 4"),
    ("terrace:mode: severless", "terrace:mode is 'severless'", "Did you mean serverless?"),
    ("terrace:mode: async", "terrace:mode is async", "modes that work: serverless, realtime, batch"),
    ("terrace:memoryMb: 1500", "terrace:memoryMb is 1500", "multiple of 1024"),
    ("terrace:memoryMb: 8192", "terrace:memoryMb is 8192", "less than or equal to 6144"),
    ("terrace:maxConcurrency: 0", "terrace:maxConcurrency is 0", "greater than or equal to 1"),
    ("terrace:maxConcurrency: 201", "terrace:maxConcurrency is 201", "less than or equal to 200"),
    ("terrace:instanceType: ml.m5.large", "terrace:instanceType is set", "set terrace:mode to realtime"),
    ("terrace:instanceCount: 2", "terrace:instanceCount is set", "set terrace:mode to realtime"),
    ("terrace:image: flight-delays:latest", "terrace:image", "by digest"),
    (f"terrace:image: {IMAGE}:v1", "terrace:image", "by digest"),
    (f"terrace:image: {IMAGE}@sha256:abc", "terrace:image", "64 hex digits"),
    ("terrace:batch: {schedule: rate(1 day)}", "terrace:batch is set", "set terrace:mode to batch"),
    ("terrace:slo: {latencyMs: 0}", "terrace:slo.latencyMs is 0", "greater than or equal to 1"),
    ("terrace:slo: {availability: 100}", "terrace:slo.availability is 100", "less than 100"),
    ("terrace:slo: {latency: 5}", "unknown key terrace:slo.latency", "Did you mean latencyMs?"),
    ("terrace:slo: {runbook: 'javascript:alert(1)'}", "terrace:slo.runbook", "https URL"),
    ("terrace:github: {owner: acme}", "terrace:github.ownerId", "must be set"),
    (
        "terrace:github: {owner: acme, ownerId: 7, repository: r, repositoryId: '8'}",
        "terrace:github.ownerId is 7",
        "quotes",
    ),
    ("terrace:gitlab: {project: '*'}", "terrace:gitlab.project is '*'", "must match"),
    ("terrace:account: 123456789012", "terrace:account is 123456789012", "quotes"),
    ("terrace:environment: dev", "terrace:environment cannot be set", "name of the stack"),
]


@pytest.mark.parametrize(("line", "names", "allowed"), BAD_VALUES, ids=[case[0][:60] for case in BAD_VALUES])
def test_a_bad_value_is_refused(tmp_path: Path, line: str, names: str, allowed: str) -> None:
    """A bad value of a model is refused with file, key, value and what is allowed."""
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, with_line(line))
    said = str(refused.value)
    assert "Pulumi.dev.yaml" in said
    assert names in said
    assert allowed in said


def test_sizes_of_a_serverless_endpoint_are_refused_for_instances(tmp_path: Path) -> None:
    """A size that would do nothing is refused, with the mode that it belongs to."""
    with pytest.raises(SettingsError, match=r"terrace:memoryMb is set.*set terrace:mode to serverless"):
        read(tmp_path, GOOD + "  terrace:mode: realtime\n  terrace:memoryMb: 2048\n")


def test_two_homes_of_a_repository_are_refused(tmp_path: Path) -> None:
    """A repository is on GitHub or on GitLab."""
    github = "  terrace:github: {owner: acme, ownerId: '7', repository: r, repositoryId: '8'}\n"
    with pytest.raises(SettingsError, match=r"terrace:github and terrace:gitlab exclude each other"):
        read(tmp_path, GOOD + github + "  terrace:gitlab: {project: acme/r}\n")


def test_production_serves_realtime_from_two_instances(tmp_path: Path) -> None:
    """Without a word about serving, prod is realtime and the rest serverless; one instance is refused in prod."""
    assert read(tmp_path, GOOD).effective_mode == "serverless"
    assert read(tmp_path, GOOD, "prod").effective_mode == "realtime"
    with pytest.raises(SettingsError, match=r"terrace:instanceCount is 1.*two instances or more"):
        read(tmp_path, GOOD + "  terrace:instanceCount: 1\n", "prod")


def test_a_model_lives_where_its_platform_does(tmp_path: Path) -> None:
    """A model without an account is in the sandbox, under the made-up account of the environment."""
    assert read(tmp_path, GOOD).account_id.startswith("9")
    assert read(tmp_path, GOOD + "  terrace:account: '123456789012'\n").account_id == "123456789012"
