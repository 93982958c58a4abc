"""The process of one MLflow server: started when it is asked for, and again when it has died."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

from terrace.errors import SandboxError
from terrace.sandbox.containers import Container, explain

STARTUP_SECONDS = 180.0
"""How long it may take to answer: three seconds on an idle machine, far more on one that builds something else."""
_HEALTH_SECONDS = 2.0
_STOP_SECONDS = 5.0
_AGAIN_SECONDS = 3.0
"""How long a failed start is remembered, so that callers who try again and again do not start one after another."""


class MlflowConnection(http.client.HTTPConnection):
    """An HTTP connection into the container of a server, which may have a network of its own."""

    def __init__(self, container: Container, seconds: float) -> None:
        super().__init__("127.0.0.1", container.port, timeout=seconds, blocksize=64 * 2**10)
        self._container = container

    def connect(self) -> None:
        """Connect."""
        self.sock = self._container.connect()
        self.sock.settimeout(self.timeout)


class MlflowProcess:
    """Runs at most one container at a time.

    Args:
        make: Returns a new container, not yet started.
        remove: Deletes what a container that has ended leaves behind.
    """

    def __init__(self, make: Callable[[], Container], remove: Callable[[Container], None]) -> None:
        self._make = make
        self._remove = remove
        self._container: Container | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._failed: tuple[float, SandboxError] | None = None
        self.starts = 0
        self.used = time.monotonic()
        """When a call last began or ended."""

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        container = self._container
        return container is not None and container.poll() is None

    def connection(self, seconds: float) -> MlflowConnection:
        """Return a connection, starting the process first when it does not run.

        Args:
            seconds: How long a read or write may take.

        Raises:
            SandboxError: It does not start. Says why, with its last lines.
        """
        self.used = time.monotonic()
        with self._lock:
            if self._ended.is_set():
                raise SandboxError("The MLflow server was ended.")
            if self._container is None or self._container.poll() is not None:
                self._container = self._up()
            return MlflowConnection(self._container, seconds)

    def wake(self) -> None:
        """Start the process if it does not run, and return when it answers.

        Raises:
            SandboxError: It does not start. Says why, with its last lines.
        """
        self.connection(_HEALTH_SECONDS)

    def rest(self) -> None:
        """End the process; the next call starts another."""
        with self._lock:
            self._down()

    def end(self) -> None:
        """End the process for good, also one that is being started."""
        self._ended.set()
        with self._lock:
            self._down()

    def memory(self) -> int:
        """Return its resident memory, in bytes."""
        container = self._container
        return container.memory() if container is not None else 0

    def _down(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.stop(_STOP_SECONDS)
            self._remove(container)

    def _up(self) -> Container:
        if self._failed is not None and time.monotonic() - self._failed[0] < _AGAIN_SECONDS:
            raise self._failed[1]
        self._down()
        container = self._make()
        container.start()
        deadline, reason = time.monotonic() + STARTUP_SECONDS, f"did not answer within {STARTUP_SECONDS:.0f} seconds"
        while time.monotonic() < deadline and not self._ended.is_set():
            if _healthy(container):
                self.starts, self._failed = self.starts + 1, None
                return container
            if container.poll() is not None:
                reason = explain(container.poll())
                break
            self._ended.wait(0.1)
        container.stop(0)
        last = " | ".join(line.strip() for line in container.log.tail(4) if line.strip())
        failed = SandboxError(f"The MLflow server {reason}; it printed: {last or 'nothing'}")
        self._failed = (time.monotonic(), failed)
        self._remove(container)
        raise failed


def _healthy(container: Container) -> bool:
    connection = MlflowConnection(container, _HEALTH_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
