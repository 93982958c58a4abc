"""A container that runs under its job's eyes: how long, how much disk, until it is stopped."""

from __future__ import annotations

import enum
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from terrace.sandbox.containers import Container
from terrace.sandbox.jobs.home import stop_seconds
from terrace.sandbox.jobs.job import Job, JobGoneError
from terrace.sandbox.jobs.outputs import used

LOOK_SECONDS = 1.0
"""How often the disk is looked at, and what goes to S3 while a job runs is put there."""
RESERVE_BYTES = 2**30
"""A job is ended when the machine itself has no more disk than this, or than a quarter of what was free before."""


class Ending(enum.Enum):
    """Why a container has ended."""

    EXIT = "it ended by itself"
    STOPPED = "the job was stopped"
    OVERTIME = "it took longer than it may"
    FULL = "it took more disk than it may"


@dataclass(frozen=True)
class Outcome:
    """How a container ended: why, and with which exit code."""

    ending: Ending
    code: int


def supervise(job: Job, container: Container, seconds: float, disk: int, look: Callable[[], None]) -> Outcome:
    """Start a container and wait for its end.

    Args:
        job: Whose it is.
        container: Not yet started.
        seconds: How long it may take.
        disk: How much disk its folder may take, in bytes.
        look: Called about every second.

    Raises:
        JobGoneError: The sandbox was emptied or ends.
        SandboxError: The machine cannot start a process.
    """
    with job.lock:
        if job.gone.is_set():
            raise JobGoneError("The sandbox is gone.")
        container.start()
    reserve = min(RESERVE_BYTES, shutil.disk_usage(container.folder).free // 4)
    deadline, next_look = time.monotonic() + seconds, time.monotonic() + LOOK_SECONDS
    ending = Ending.EXIT
    while (code := container.wait(0.05)) is None:
        if job.stopping.is_set():
            ending = Ending.STOPPED
        elif time.monotonic() >= deadline:
            ending = Ending.OVERTIME
        elif time.monotonic() >= next_look:
            began = time.monotonic()
            look()
            if _too_much(container.folder, disk, reserve):
                ending = Ending.FULL
            # What takes long is done less often.
            next_look = time.monotonic() + max(LOOK_SECONDS, 10 * (time.monotonic() - began))
        if ending is not Ending.EXIT:
            code = container.stop(0 if ending is Ending.FULL else stop_seconds())
            break
    if job.gone.is_set():
        raise JobGoneError("The sandbox is gone.")
    if ending is Ending.EXIT and _too_much(container.folder, disk, reserve):
        ending = Ending.FULL
    return Outcome(ending, 137 if code is None else code)


def _too_much(folder: Path, disk: int, reserve: int) -> bool:
    return used(folder) > disk or shutil.disk_usage(folder).free < reserve
