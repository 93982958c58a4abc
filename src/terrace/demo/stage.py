"""Where the story is told: commands typed as a person types them, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from terrace.errors import TerraceError
from terrace.sandbox.client import MISLEADING


class Stage:
    """Runs Terrace's commands and the project's verbs, and shows them.

    Args:
        home: `TERRACE_HOME` of the story, so that it leaves the user's own sandbox alone.
        show: Prints a line of the story.
    """

    def __init__(self, home: Path, show: Callable[[str], None]) -> None:
        self.home = home
        self.show = show

    @property
    def platform(self) -> Path:
        """Folder of the platform's program."""
        return self.home / "platform"

    @property
    def project(self) -> Path:
        """Folder of the model project."""
        return self.home / "late-flights"

    @property
    def venv(self) -> Path:
        """Python of the project."""
        return self.project / ".venv" / "bin" / "python"

    def terrace(self, *args: str, quiet: bool = False, shown: bool = False, expect: int = 0) -> Any:
        """Run one of Terrace's commands with `--json` and return its result."""
        if not quiet or shown:
            self.show(f"   $ terrace {' '.join(args)}")
        command = [sys.executable, "-m", "terrace.cli", *args, "--json"]
        done = self.run(command, self.platform if self.platform.exists() else self.home, expect)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def make(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a verb of the project."""
        self.show(f"   $ make {' '.join(args)}")
        ours = [f"PYTHON={sys.executable}", f"TERRACE={sys.executable} -m terrace.cli"]
        return self.run(["make", "--no-print-directory", *ours, *args], self.project, expect)

    def python(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of the project's package."""
        self.show(f"   $ python -m late_flights {' '.join(args)}")
        return self.run([str(self.venv), "-m", "late_flights", *args], self.project, expect)

    def run(self, command: list[str], folder: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command.

        Raises:
            TerraceError: It ended with another exit status than the story expects.
        """
        environment = {name: value for name, value in os.environ.items() if name not in (*MISLEADING, "MAKEFLAGS")}
        environment |= {"TERRACE_HOME": str(self.home), "PYTHONPATH": "src", **self._aws()}
        # Where Pulumi is logged in to a service, a story must not write its state there.
        environment.setdefault("TERRACE_ENGINE", "embedded")
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != expect:
            tail = "\n".join([*done.stdout.splitlines()[-5:], *done.stderr.splitlines()[-25:]])
            raise TerraceError(f"`{' '.join(command[1:])}` ended with {done.returncode}:\n{tail}")
        return done

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service in the story's environment."""
        from terrace.platform import open_platform

        return open_platform(self.platform, "dev").target(start=False).client(service)

    def must(self, true: bool, claim: str) -> None:
        """Hold the story to what it says.

        Raises:
            TerraceError: It is not true.
        """
        if not true:
            raise TerraceError(f"The story would not be true: {claim}.")

    def _aws(self) -> dict[str, str]:
        """Return what `terrace sandbox env dev` exports, once there is a sandbox."""
        if not (self.home / "sandbox.json").exists() or not self.platform.exists():
            return {}
        from terrace.platform import open_platform

        return open_platform(self.platform, "dev").target().environment()
