"""Scoring in files, with a new project on a platform: the template's half and the components' half meet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from terrace.platform import write_program
from terrace.sandbox import Sandbox
from terrace.scaffold import Template, new

pytestmark = pytest.mark.slow
TERRACE = f"{Path(sys.executable).with_name('terrace')}"


class Team:
    """A platform of level 0 in a sandbox, and what a team types in its project."""

    def __init__(self, folder: Path) -> None:
        self.platform, self.project = folder / "platform", folder / "late-flights"
        passed = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PYTEST", "AWS_"))}
        self._environment = {**passed, "TERRACE_HOME": str(folder / "home"), "TERRACE_ENGINE": "embedded"}

    def type(self, *command: str) -> str:
        """Run a command in the project and return all that it said."""
        done = subprocess.run(
            command, cwd=self.project, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr


@pytest.fixture
def team(shared: Path, template: Template, tmp_path: Path) -> Iterator[Team]:
    """A project that scores in files, and its platform; the sandbox is stopped in the end."""
    made = Team(tmp_path)
    write_program(made.platform)
    new(made.project, {"serving": "batch", "level": 0}, defaults=True, template=template)
    (made.project / ".venv").symlink_to(shared)
    (shared / ".ready").touch()
    yield made
    Sandbox(tmp_path / "home").stop()


def test_a_new_project_scores_files_from_its_first_day(team: Team) -> None:
    """`make score` sends flights of the sample, the stack's own pipeline scores them, and predictions are shown."""
    team.type(TERRACE, "up", "dev", "--root", str(team.platform))
    team.type(TERRACE, "up", "dev", "--project", ".", "--root", str(team.platform))
    said = team.type("make", "score", f"TERRACE={TERRACE}")
    assert said.count('{"prediction": ') == 3
    assert "1000 predictions in s3://acme-dev-data-" in said
    assert "nothing new" in team.type(TERRACE, "pipeline", "run", "late-flights", "dev", "--batch")
