"""A platform of its own with a sandbox of its own, and commands as a person or a script types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from terrace.platform import open_platform, write_program
from terrace.sandbox import Sandbox


class Shell:
    """A platform of its own with a sandbox of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder / "platform"
        write_program(self.folder)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
            "TERRACE_HOME": str(self.home),
            "PULUMI_HOME": str(folder / "pulumi"),
        }
        self.environment.pop("TERRACE_ENGINE", None)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "terrace.cli", *args],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *args: str, expect: int = 0) -> tuple[str, str]:
        """Run a command and check its exit status; returns its two outputs."""
        process = self.start(*args)
        out, said = process.communicate(timeout=300)
        assert process.returncode == expect, out + said
        assert "Traceback" not in said
        assert "Exception ignored" not in said
        return out, said

    def json(self, *args: str) -> Any:
        """Run a command with --json."""
        return json.loads(self(*args, "--json")[0])

    def variables(self) -> dict[str, str]:
        """What `terrace sandbox env dev` says."""
        found: dict[str, str] = self.json("sandbox", "env", "dev")
        return found

    def client(self, service: str) -> Any:
        """A client for the account of dev."""
        return open_platform(self.folder, "dev").target(start=False).client(service)

    def calls(self) -> dict[str, int]:
        """How many calls each account took."""
        return dict(Sandbox(self.home).status().environments)


def counts(said: Any) -> dict[str, int]:
    """What a run changed, without the zeros."""
    return {name: count for name, count in said["resources"].items() if count}
