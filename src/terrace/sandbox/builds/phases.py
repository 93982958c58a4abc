"""Runs the phases of a buildspec, inside the build's container.

It is run as a script, with the standard library alone: `python -SE phases.py SPEC`. What it prints is the build's log;
when a phase begins and ends goes, a JSON object a line, to a file that the server reads.

The commands of a build share one shell on CodeBuild (buildspec 0.2). Here each has a shell of its own that takes over
the variables and the working folder of the one before, so that a command that exits ends itself alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_BEFORE = """set -a
. "$TERRACE_STATE/variables"
CODEBUILD_BUILD_SUCCEEDING={succeeding}
cd "$(cat "$TERRACE_STATE/folder")"
trap 'terrace_code=$?; export -p > "$TERRACE_STATE/variables"; pwd > "$TERRACE_STATE/folder"; exit $terrace_code' EXIT
"""


class Phases:
    """One run of the phases."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._state = Path(spec["state"])
        self._state.mkdir(parents=True, exist_ok=True)
        (self._state / "folder").write_text(spec["folder"])
        # A POSIX shell ends at once when the file that it is to read is not there.
        (self._state / "variables").touch()
        self._succeeding = True

    def run(self) -> int:
        """Run all; return 0 if no command failed. A failed build is still post-built, as on CodeBuild."""
        for phase in self._spec["phases"]:
            if not self._succeeding and phase["name"] != "POST_BUILD":
                return 1
            if not self._phase(phase) and phase["name"] != "BUILD":
                return 1
        return 0 if self._succeeding else 1

    def _phase(self, phase: dict[str, Any]) -> bool:
        name, started = phase["name"], time.time()
        say(f"Entering phase {name}")
        self._note({"phase": name, "start": started})
        context = None
        for command in phase["commands"]:
            context = self._command(command)
            if context is not None and phase["on_failure"] != "CONTINUE":
                break
            context = None
        for command in phase["finally"]:
            context = self._command(command) or context
        self._succeeding = self._succeeding and context is None
        status = "SUCCEEDED" if context is None else "FAILED"
        say(f"Phase complete: {name} State: {status}")
        say(f"Phase context status code: {'COMMAND_EXECUTION_ERROR' if context else ''} Message: {context or ''}")
        self._note({"phase": name, "start": started, "end": time.time(), "status": status, "context": context})
        return context is None

    def _command(self, command: str) -> str | None:
        """Run a command; return why it failed, None if it did not."""
        say(f"Running command {command}")
        script = _BEFORE.format(succeeding=int(self._succeeding)) + command + "\n"
        env = {**os.environ, "TERRACE_STATE": str(self._state)}
        try:
            code = subprocess.run([self._spec["shell"], "-c", script], env=env, check=False).returncode
        except OSError as error:
            say(f"The shell {self._spec['shell']} cannot be started: {error}")
            code = 127
        if code == 0:
            return None
        say(f"Command did not exit successfully {command} exit status {code}")
        return f"Error while executing command: {command}. Reason: exit status {code}"

    def _note(self, event: dict[str, Any]) -> None:
        with Path(self._spec["events"]).open("a") as file:
            file.write(json.dumps(event) + "\n")


def say(text: str) -> None:
    """Write a line of the log as CodeBuild's own lines are."""
    sys.stdout.write(f"[Container] {time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime())} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(Phases(json.loads(Path(sys.argv[1]).read_text())).run())
