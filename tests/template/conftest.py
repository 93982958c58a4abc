"""The template in a git repository of its own, so that tests may change it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from terrace.scaffold import Template

ROOT = Path(__file__).parents[2]


def git(folder: Path, *args: str) -> str:
    """Run git in a folder, under a name of the tests' own."""
    identity = ["-c", "user.name=T", "-c", "user.email=t@acme.example"]
    command = ["git", *identity, "-C", str(folder), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """A copy of the template, committed."""
    folder = tmp_path / "template"
    shutil.copytree(ROOT / "templates", folder / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "copier.yml", folder / "copier.yml")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Template")
    return Template(str(folder), "HEAD")
