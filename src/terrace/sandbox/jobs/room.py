"""The room of the server in which SageMaker's jobs live."""

from __future__ import annotations

import threading
from typing import Any

from terrace.sandbox.containers import Containers
from terrace.sandbox.images import Images
from terrace.sandbox.jobs.home import Home, Slots
from terrace.sandbox.jobs.job import ENDED, Job
from terrace.sandbox.jobs.operations import install
from terrace.sandbox.room import Server
from terrace.sandbox.services.extend import Refusal


class Jobs:
    """Runs jobs, where moto only says that they have run.

    Args:
        images: What an image URI stands for.
        containers: The room that the jobs' containers live in.
    """

    name = "jobs"

    def __init__(self, images: Images, containers: Containers) -> None:
        self._images = images
        self._containers = containers
        self._server: Server | None = None
        self._slots = Slots()
        self._live: list[Job] = []
        self._lock = threading.Lock()

    def install(self, server: Server) -> None:
        """Put the operations of jobs in moto's place."""
        self._server = server
        install(self)

    def home(self, account: str, region: str) -> Home:
        """Return what a job of an account and region needs."""
        assert self._server is not None  # noqa: S101  (install comes first)
        return Home(self._server, self._images, self._containers, self._slots, account, region, self.add)

    def add(self, job: Job) -> None:
        """Take a new job in and start it.

        Raises:
            Refusal: There is one of its name.
        """
        held: dict[str, Job] = getattr(job.home.backend(), job.kind.shelf)
        with self._lock:
            if job.name in held:
                raise Refusal(
                    "ResourceInUse",
                    f"{job.kind.words.capitalize()} names must be unique within an AWS account and region, and a "
                    f"{job.kind.words} with this name already exists ({held[job.name].arn})",
                )
            held[job.name] = job
            self._live = [one for one in self._live if one.status not in ENDED]
            self._live.append(job)
            job.start()

    def status(self) -> Any:
        """Return what runs and what waits."""
        with self._lock:
            live = [job for job in self._live if job.status not in ENDED]
        return {
            "at_once": self._slots.limit,
            "jobs": [{"arn": job.arn, "status": job.status, "began": job.started is not None} for job in live],
        }

    def reset(self) -> None:
        """End all jobs at once and forget them."""
        while live := self._taken():  # a tuning job may have started another meanwhile
            ends = [threading.Thread(target=job.abandon) for job in live]
            for end in ends:
                end.start()
            for end in ends:
                end.join()

    def stop(self) -> None:
        """Do the same when the server ends."""
        self.reset()

    def _taken(self) -> list[Job]:
        with self._lock:
            live, self._live = self._live, []
        return live
