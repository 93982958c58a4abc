"""Runs one command of the story under the time limit, and notes what came of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE = 120
"""Seconds that a command has to end by itself once it was interrupted: Pulumi finishes the calls that it has begun."""


@dataclass(frozen=True)
class Step:
    """One command of the story.

    Attributes:
        name: What it is: `up, level 0`.
        command: As a person would type it.
        ok: It ended well.
        seconds: How long it took.
        said: The JSON object that it printed, empty without one.
        error: The end of what it said on standard error; empty where it ended well.
    """

    name: str
    command: str
    ok: bool
    seconds: float
    said: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def resources(self) -> dict[str, int]:
        """Counts of resources by what was done with them."""
        found: dict[str, int] = self.said.get("resources", {})
        return found


class Clock:
    """The time limit of a run.

    Args:
        seconds: How long the run may take.
        now: Tells the time in seconds; for tests.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = now() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, 0 when none are."""
        return max(0.0, self._end - self._now())


def run(
    name: str, args: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float | None, shown: str
) -> Step:
    """Run a command in a process group of its own; at the limit it is interrupted as by Ctrl-C, then killed.

    Args:
        name: What it is.
        args: The command.
        folder: Where.
        environment: All of its environment variables.
        limit: Seconds; None for as long as it takes.
        shown: The command as a person would type it.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        args,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    late = ""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        late = f"interrupted: the time limit was reached after {limit:.0f} s\n"
        out, err = _stop(process)
    except BaseException:
        _stop(process)
        raise
    ok = process.returncode == 0 and not late
    error = "" if ok else late + "\n".join(err.splitlines()[-20:])
    return Step(name, shown, ok, round(time.monotonic() - began, 1), _object(out), error)


def terrace(*args: str) -> list[str]:
    """Return a command of Terrace's with `--json`, for this interpreter."""
    return [sys.executable, "-m", "terrace.cli", *args, "--json"]


def _stop(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Interrupt a process group; kill it if it does not end. Return what it said."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        return process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()


def _object(text: str) -> dict[str, Any]:
    """Return the object that a command printed; what is none is kept as text."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"value": found}
