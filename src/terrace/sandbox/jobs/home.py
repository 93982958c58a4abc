"""What every job needs of the server, and how many run at once."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from terrace.sandbox.client import Session, session
from terrace.sandbox.containers import Containers
from terrace.sandbox.images import Images
from terrace.sandbox.room import Server

RUNNING = "TERRACE_SANDBOX_JOBS"
"""Variable that says how many jobs run at once; those beyond wait, as with a quota on AWS."""
_RUNNING = 10
STOP_SECONDS = "TERRACE_SANDBOX_STOP_SECONDS"
"""Variable that says how long a job may take to end after SIGTERM."""
_STOP_SECONDS = 120.0
DISK_MB = "TERRACE_SANDBOX_JOB_DISK_MB"
"""Variable that says how much disk a job may take at most, whatever its volume's size."""


class Slots:
    """Lets so many jobs run at once."""

    def __init__(self) -> None:
        self.limit = max(1, int(os.environ.get(RUNNING, _RUNNING)))
        self._free = threading.Semaphore(self.limit)

    @contextmanager
    def taken(self, ended: threading.Event) -> Iterator[bool]:
        """Wait for a slot and hold it; yields whether there is one, which is not so when the job has ended before."""
        found = False
        while not ended.is_set() and not found:
            found = self._free.acquire(timeout=0.1)
        try:
            yield found
        finally:
            if found:
                self._free.release()


@dataclass(frozen=True)
class Home:
    """Where a job lives.

    Attributes:
        server: The server.
        images: What an image URI stands for.
        containers: The room that its container lives in.
        slots: How many jobs run at once.
        account: Whose job it is.
        region: Where.
        add: Takes in a job that another one makes, and starts it.
    """

    server: Server
    images: Images
    containers: Containers
    slots: Slots
    account: str
    region: str
    add: Callable[[Any], None]

    def clients(self) -> Session:
        """Return what makes clients for the job's account."""
        return _session(self.server.url, self.account, self.region)

    def arn(self, resource: str, name: str) -> str:
        """Return the ARN of something of SageMaker's in this place."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{resource}/{name}"

    def backend(self) -> Any:
        """Return moto's backend for this place."""
        from moto.sagemaker.models import sagemaker_backends

        return sagemaker_backends[self.account][self.region]


@functools.lru_cache(maxsize=32)
def _session(url: str, account: str, region: str) -> Session:
    # To make a client takes a tenth of a second; the same ones serve all jobs of an account.
    return session(url, account, region)


def stop_seconds() -> float:
    """Return how long a job may take to end after SIGTERM: 120 seconds, as on AWS, unless this machine says less."""
    return float(os.environ.get(STOP_SECONDS, _STOP_SECONDS))


def disk_bytes(volume_gb: int | None) -> int:
    """Return how much disk a job may take, for the size of its volume; without one it is 30 GB."""
    wanted = (volume_gb or 30) * 2**30
    given = os.environ.get(DISK_MB)
    return min(wanted, int(given) * 2**20) if given else wanted
