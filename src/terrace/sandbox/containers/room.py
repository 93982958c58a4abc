"""The room of the server that all containers live in."""

from __future__ import annotations

import shutil
import threading
import uuid
from pathlib import Path
from typing import Any

from terrace.sandbox.containers.capabilities import capabilities
from terrace.sandbox.containers.container import Command, Container
from terrace.sandbox.containers.logs import Sink
from terrace.sandbox.room import Server


class Containers:
    """Makes containers, and ends them all when the sandbox is emptied or stopped."""

    name = "containers"

    def __init__(self) -> None:
        self._folder = Path()
        self._made: dict[Path, Container] = {}
        self._lock = threading.Lock()

    def install(self, server: Server) -> None:
        """Take the folder for containers, and clear what a server that was killed has left there."""
        self._folder = server.home / "containers"
        shutil.rmtree(self._folder, ignore_errors=True)

    def folder(self) -> Path:
        """Return a new folder for a container."""
        made = self._folder / uuid.uuid4().hex[:12]
        made.mkdir(parents=True)
        return made

    def make(self, folder: Path, command: Command, sink: Sink | None = None) -> Container:
        """Return a container in a folder of `folder()`, not yet started. A folder serves one container at a time."""
        container = Container(folder, command, sink)
        with self._lock:
            self._made[folder] = container
        return container

    def remove(self, folder: Path) -> None:
        """End the container of a folder by force if it still runs, and delete the folder."""
        with self._lock:
            container = self._made.pop(folder, None)
        if container is not None:
            container.stop(0)
        shutil.rmtree(folder, ignore_errors=True)

    def status(self) -> Any:
        """Return how many run, and what this machine does not give them."""
        given = capabilities()
        with self._lock:
            running = [container for container in self._made.values() if container.poll() is None]
        return {
            "running": len(running),
            "memory_mb": sum(container.memory() for container in running) // 2**20,
            "namespaces": given.namespaces,
            "network_isolation": given.network,
            "missing": list(given.missing),
            "limits": ["Model servers reach AWS, which is the sandbox, and no other network."] if given.network else [],
        }

    def reset(self) -> None:
        """End all by force and delete their folders."""
        with self._lock:
            folders = list(self._made)
        for folder in folders:
            self.remove(folder)

    def stop(self) -> None:
        """Do the same when the server ends."""
        self.reset()
