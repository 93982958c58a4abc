"""The wheel, in an empty environment and outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


class Installed:
    """Terrace as somebody has it who never saw the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        out = folder / "dist"
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
        subprocess.run(build, check=True, capture_output=True)
        self.wheel = next(out.glob("*.whl"))
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.pip("install", str(self.wheel))

    def pip(self, *args: str) -> None:
        """Run pip, with the versions that the lock pins."""
        lock = self.folder / "versions.txt"
        if not lock.exists():
            lines = (ROOT / "requirements" / "dev.txt").read_text().splitlines()
            lock.write_text("\n".join(line.rstrip(" \\") for line in lines if line[:1].isalnum()) + "\n")
        python = self.folder / "venv" / "bin" / "python"
        command = [
            python,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            args[0],
            "--constraint",
            lock,
            *args[1:],
        ]
        subprocess.run(command, check=True)

    def terrace(self, *args: str, cwd: Path | None = None, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the command, with a home of its own."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["TERRACE_HOME"] = str(self.folder / "home")
        done = subprocess.run(
            [self.folder / "venv" / "bin" / "terrace", *args],
            cwd=cwd or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel without its extra."""
    found = Installed(tmp_path_factory.mktemp("wheel"))
    yield found
    found.terrace("sandbox", "stop")


def test_help_and_levels_work_without_the_extra(installed: Installed) -> None:
    """Whoever only wants to read needs no sandbox."""
    assert "maturity level" in installed.terrace("--help").stdout
    assert "DevOps" in installed.terrace("levels").stdout


def test_without_the_extra_up_says_what_to_install(installed: Installed) -> None:
    """The sandbox is an extra, and its absence names it."""
    installed.terrace("init", "platform")
    done = installed.terrace("up", "dev", cwd=installed.folder / "platform", expect=1)
    assert "pip install 'terrace-mlops[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_the_extra_everything_works_outside_the_checkout(installed: Installed) -> None:
    """Program and template come from the wheel: a platform, a project, an endpoint that answers."""
    installed.pip("install", f"{installed.wheel}[sandbox]")
    platform = installed.folder / "platform"
    said = json.loads(installed.terrace("up", "dev", "--json", cwd=platform).stdout)
    assert said["resources"]["created"] > 50
    made = json.loads(installed.terrace("new", "../late", "--env", "dev", "--defaults", "--json", cwd=platform).stdout)
    assert made["updatable"] is False
    assert any("copier update" in note for note in made["notes"])
    status = json.loads(installed.terrace("status", "dev", "--json", cwd=platform).stdout)
    assert status["level"] == 0
