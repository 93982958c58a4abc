"""The process that serves a model: started, watched, started anew when it dies, and asked."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from terrace.errors import SandboxError
from terrace.sandbox.containers import Container, explain

PING_SECONDS = "TERRACE_SANDBOX_PING_SECONDS"
"""Variable that says how long every container may take to answer /ping, whatever its variant says."""
STARTUP_SECONDS = {"serverless": 180.0, "instance": 480.0}
"""How long SageMaker waits for /ping, unless the variant says otherwise."""
INVOCATION_SECONDS = 60.0
"""How long SageMaker waits for an answer."""
RESPONSE_BYTES = 6 * 2**20
_PING_TIMEOUT = 2.0
_IDLE_CONNECTIONS = 16
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CALM_SECONDS = 60.0
_STOP_SECONDS = 5.0


class NotHealthyError(SandboxError):
    """A container that never answered /ping with 200."""


class NotServingError(SandboxError):
    """Nobody answers at the moment: the process has died and is being started anew."""


class TimedOutError(SandboxError):
    """The model took longer to answer than SageMaker waits."""


@dataclass(frozen=True)
class Answer:
    """What a model answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    """An HTTP connection into a container, which may have a network of its own."""

    def __init__(self, container: Container) -> None:
        super().__init__("localhost", container.port)
        self._container = container

    def connect(self) -> None:
        """Connect, so that neither side waits for the other to fill a packet."""
        self.sock = self._container.connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hurry(self) -> None:
        """Acknowledge at once what comes next: many servers send head and body apart and wait in between."""
        quick = getattr(socket, "TCP_QUICKACK", None)
        if quick is not None and self.sock is not None:
            self.sock.setsockopt(socket.IPPROTO_TCP, quick, 1)


class ModelServer:
    """Keeps one container serving.

    Args:
        make: Returns a new container, not yet started.
        startup_seconds: How long it may take to answer /ping.
    """

    def __init__(self, make: Callable[[], Container], startup_seconds: float) -> None:
        given = os.environ.get(PING_SECONDS)
        self._startup = float(given) if given else startup_seconds
        self._make = make
        self._container: Container | None = None
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._serving = threading.Event()
        self._keeper: threading.Thread | None = None
        self.restarts = 0
        self.trouble = ""
        """Why it could not be started anew; empty while it serves."""

    @property
    def serving(self) -> bool:
        """Whether its container has answered /ping and still runs."""
        return self._serving.is_set()

    def start(self) -> float:
        """Start the container and wait until it answers /ping; return how many seconds that took.

        Raises:
            NotHealthyError: It ended, did not answer in time, or was stopped meanwhile. The hint has its last lines.
        """
        began = time.monotonic()
        container = self._up()
        self._keeper = threading.Thread(target=self._keep, args=[container], daemon=True)
        self._keeper.start()
        return time.monotonic() - began

    def stop(self) -> None:
        """End the container. It is not started again."""
        self._stopped.set()
        self._serving.clear()
        with self._lock:
            container, idle = self._container, self._idle
            self._idle = []
        for connection in idle:
            connection.close()
        if container is not None:
            container.stop(_STOP_SECONDS)
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join(_STOP_SECONDS)

    def invoke(self, body: bytes, headers: Mapping[str, str], seconds: float = INVOCATION_SECONDS) -> Answer:
        """Ask the model.

        Raises:
            NotServingError: Its container is down.
            TimedOutError: It took longer than `seconds`.
        """
        if not self._serving.is_set():
            raise NotServingError("The container does not run.")
        deadline = time.monotonic() + seconds
        kept = self._take()
        if kept is not None:
            try:
                return self._ask(kept, body, headers, deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                pass  # a server may close a connection that it has kept; the request was not taken
        return self._ask(self._new(), body, headers, deadline)

    def kill(self, why: str) -> None:
        """End the container by force; it is started anew."""
        container = self._container
        if container is not None:
            self.trouble = why
            container.stop(0)

    def memory(self) -> int:
        """Return the memory of its processes, in bytes."""
        return self._container.memory() if self._container is not None else 0

    def _ask(self, connection: _Connection, body: bytes, headers: Mapping[str, str], deadline: float) -> Answer:
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(max(0.01, deadline - time.monotonic()))
            connection.request("POST", "/invocations", body, dict(headers))
            connection.hurry()
            response = connection.getresponse()
            connection.hurry()
            read = response.read(RESPONSE_BYTES + 1)
        except TimeoutError as error:
            connection.close()
            raise TimedOutError("The model did not answer in time.") from error
        except ConnectionRefusedError as error:
            connection.close()
            raise NotServingError("Nobody listens in the container.") from error
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, read)
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            self._give_back(connection)
        return answer

    def _take(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _new(self) -> _Connection:
        container = self._container
        if container is None:
            raise NotServingError("The container does not run.")
        return _Connection(container)

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_CONNECTIONS and not self._stopped.is_set():
                self._idle.append(connection)
                return
        connection.close()

    def _up(self) -> Container:
        """Start a container and return it once it is healthy."""
        container = self._make()
        with self._lock:
            if self._stopped.is_set():
                raise NotHealthyError("It was stopped.")
            self._container = container
        container.start()
        deadline, pause = time.monotonic() + self._startup, 0.02
        reason = f"no answer from /ping within {self._startup:.0f} seconds"
        while time.monotonic() < deadline and not self._stopped.is_set():
            if self._ping(container):
                self._serving.set()
                return container
            if container.poll() is not None:
                reason = f"the container {explain(container.poll())}"
                break
            self._stopped.wait(pause)
            pause = min(pause * 1.3, 0.5)
        container.stop(0)
        last = " | ".join(line.strip() for line in container.log.tail(8) if line.strip())
        raise NotHealthyError(reason, last or "It printed nothing.")

    def _ping(self, container: Container) -> bool:
        connection = _Connection(container)
        try:
            connection.connect()
            connection.sock.settimeout(_PING_TIMEOUT)
            connection.request("GET", "/ping", headers={"Connection": "close"})
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _keep(self, container: Container) -> None:
        """Start the container anew each time it ends, as SageMaker replaces an instance, until it is stopped."""
        failures = 0
        while not self._stopped.is_set():
            healthy_since = time.monotonic()
            container.wait()
            self._serving.clear()
            with self._lock:
                idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()
            if time.monotonic() - healthy_since > _CALM_SECONDS:
                failures = 0
            while not self._stopped.wait(_BACKOFF[min(failures, len(_BACKOFF) - 1)]):
                failures += 1
                container.stop(0)
                try:
                    container = self._up()
                except SandboxError as error:
                    self.trouble = str(error)
                    continue
                self.restarts, self.trouble = self.restarts + 1, ""
                break
