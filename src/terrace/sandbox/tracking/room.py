"""The room of the server in which MLflow's servers live."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from terrace.sandbox.client import MLFLOW
from terrace.sandbox.containers import SYSTEM_PATH, Command, Container, Containers, role_environment
from terrace.sandbox.room import Server
from terrace.sandbox.tracking import apps, environment, launch, servers
from terrace.sandbox.tracking.gateway import Gateway
from terrace.sandbox.tracking.process import MlflowProcess
from terrace.sandbox.tracking.tracker import Tracker

IDLE = "TERRACE_SANDBOX_MLFLOW_IDLE_SECONDS"
"""Variable that says it otherwise than `IDLE_SECONDS`."""
IDLE_SECONDS = 900.0
"""How long an App's server stays when nobody calls it: on AWS an App takes nothing while it is not used."""
_WATCH_SECONDS = 2.0
LIMITS = (
    "automatic registration of MLflow models in SageMaker's registry is stored and not acted on",
    "maintenance windows are stored and nothing is maintained",
)


class Tracking:
    """Runs an MLflow server for each App and tracking server, and leads MLflow's clients to them.

    Args:
        containers: The room that the servers' containers live in.
    """

    name = "tracking"

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._server: Server | None = None
        self._folder = Path()
        self._trackers: dict[str, Tracker] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.gateway = Gateway(self.trackers)

    def install(self, server: Server) -> None:
        """Add the operations to moto's SageMaker, and the gateway to the server."""
        self._server = server
        self._folder = server.home / "tracking"
        # A server that was killed leaves databases of Apps that are gone with it.
        shutil.rmtree(self._folder, ignore_errors=True)
        apps.install(self)
        servers.install(self)
        server.sites["mlflow"] = self.gateway.answer
        server.routes["tracking"] = lambda _: {"servers": self.status()["servers"]}
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def url(self) -> str:
        """Address of the gateway."""
        assert self._server is not None  # noqa: S101  (install comes first)
        return f"{self._server.url}{MLFLOW}"

    def find(self, arn: str) -> Tracker | None:
        """Return an App or tracking server."""
        return self._trackers.get(arn)

    def trackers(self) -> dict[str, Tracker]:
        """Return all, by ARN."""
        with self._lock:
            return dict(self._trackers)

    def make(self, arn: str, record: dict[str, Any], status: str, *, serverless: bool) -> Tracker:
        """Keep a new App or tracking server, of which `record` is the description. Its process is not started."""
        process = MlflowProcess(self._maker(arn, record), lambda ended: self._containers.remove(ended.folder))
        tracker = Tracker(record, status, process, serverless=serverless)
        with self._lock:
            self._trackers[arn] = tracker
        return tracker

    def forget(self, arn: str) -> None:
        """End an App or tracking server and delete its database."""
        with self._lock:
            tracker = self._trackers.pop(arn, None)
        if tracker is not None:
            tracker.end()
        shutil.rmtree(self._database(arn).parent, ignore_errors=True)

    def status(self) -> dict[str, Any]:
        """Return what there is, what runs of it, and what is not acted on."""
        told = [
            {
                "arn": arn,
                "status": tracker.status,
                "running": tracker.process.running,
                "starts": tracker.process.starts,
                "memory_mb": tracker.process.memory() // 2**20,
                "reason": tracker.reason,
            }
            for arn, tracker in sorted(self.trackers().items())
        ]
        limits = list(LIMITS) if told else []
        return {"mlflow": environment.version(), "servers": told, "limits": limits}

    def reset(self) -> None:
        """End all and delete their databases."""
        ends = [threading.Thread(target=self.forget, args=[arn]) for arn in self.trackers()]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        self.gateway.reset()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """Do the same when the server ends: what is in moto's backends is gone then too."""
        self._ended.set()
        self.reset()

    def _database(self, arn: str) -> Path:
        _, _, _, region, account, resource = arn.split(":")
        return self._folder / account / region / resource.replace("/", "-") / "mlflow.db"

    def _maker(self, arn: str, record: Mapping[str, Any]) -> Callable[[], Container]:
        def make() -> Container:
            assert self._server is not None  # noqa: S101  (install comes first)
            python, database = environment.ensure(), self._database(arn)
            database.parent.mkdir(parents=True, exist_ok=True)
            _, _, _, region, account, resource = arn.split(":")
            env = role_environment(self._server.url, account, record["RoleArn"], region, resource.rsplit("/", 1)[-1])
            artifacts = record["ArtifactStoreUri"].rstrip("/")
            argv = [str(python), "-I", str(Path(launch.__file__)), str(database), artifacts]
            port = int(self._server.url.rpartition(":")[2])
            env |= {"PATH": f"{python.parent}:{SYSTEM_PATH}"}
            return self._containers.make(self._containers.folder(), Command(argv, env, serves=True, reach=(port,)))

        return make

    def _watch(self) -> None:
        """Let Apps rest that nobody has called for a while."""
        while not self._ended.wait(_WATCH_SECONDS):
            for tracker in self.trackers().values():
                process = tracker.process
                idle = time.monotonic() - process.used
                if tracker.serverless and process.running and idle > float(os.environ.get(IDLE, IDLE_SECONDS)):
                    process.rest()
