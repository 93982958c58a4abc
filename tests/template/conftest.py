"""The template in a git repository of its own, so that tests may change it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
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


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One environment with what any combination of answers needs."""
    folder = tmp_path_factory.mktemp("shared")
    lock = (ROOT / "templates/model/project/requirements/dev.txt.jinja").read_text()
    # Without its conditions the lock holds what all choices need together.
    (folder / "dev.txt").write_text(re.sub(r"{%.*?%}\n?", "", lock))
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", folder / "dev.txt"], check=True)
    (folder / "venv" / ".ready").touch()
    return folder / "venv"
