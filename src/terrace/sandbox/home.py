"""The sandbox as a process of this machine: started when needed, found again, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from filelock import FileLock

from terrace.errors import SandboxError

START_SECONDS = 60.0
"""How long a start may take: two seconds on a quiet machine, more where many start at once."""
STOP_SECONDS = 15.0

_direct = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Running:
    """A sandbox that runs.

    Attributes:
        url: Its address, on 127.0.0.1.
        port: Its port.
        pid: Its process.
        incarnation: Changes at each start and reset: what an earlier one held is gone.
        started: When it was started, ISO 8601 in UTC.
    """

    url: str
    port: int
    pid: int
    incarnation: str
    started: str


@dataclass(frozen=True)
class SandboxStatus:
    """What a sandbox does.

    Attributes:
        home: Its folder.
        running: How it is reached; None if it doesn't run.
        memory_mb: Memory of the server and all it started, in MB.
        environments: Account → how many calls it took since the start.
        rooms: What the parts of the sandbox say of themselves: endpoints, builds, containers.
    """

    home: str
    running: Running | None
    memory_mb: int = 0
    environments: dict[str, int] = field(default_factory=dict)
    rooms: dict[str, Any] = field(default_factory=dict)


class Sandbox:
    """The sandbox whose state, lock, log and port are in one folder.

    Args:
        home: `TERRACE_HOME`. Made when the sandbox is started.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "sandbox.log"

    def running(self) -> Running | None:
        """Return how the sandbox is reached, None if it doesn't run. A file that a dead server left means nothing."""
        try:
            said = json.loads((self.home / "sandbox.json").read_text())
            found = Running(**said)
        except (OSError, ValueError, TypeError):
            return None
        try:
            answer = self._call(found.url, "GET", "status")
        except (URLError, OSError, ValueError):
            return None
        return found if answer.get("incarnation") == found.incarnation else None

    def start(self) -> Running:
        """Start the sandbox and return when it answers; one that runs is left as it is.

        Raises:
            SandboxError: It did not come up; the message has the end of its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with FileLock(self.home / "sandbox.lock", timeout=START_SECONDS):
            found = self.running()
            if found is not None:
                return found
            (self.home / "sandbox.json").unlink(missing_ok=True)
            command = [sys.executable, "-m", "terrace.sandbox.server", "--home", str(self.home)]
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:
                found = self.running()
                if found is not None:
                    # The daemon outlives this object on purpose: nobody waits for it.
                    process.returncode = 0
                    return found
                if process.poll() is not None:
                    break
                time.sleep(0.05)
        raise SandboxError(f"The sandbox did not start:\n{self._log_tail()}", f"Its whole log is {self.log}.")

    def require(self) -> Running:
        """Return how the sandbox is reached; start it if it doesn't run."""
        return self.running() or self.start()

    def stop(self) -> bool:
        """Stop the sandbox and everything in it; tell whether it ran."""
        found = self.running()
        if found is None:
            return False
        os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and _alive(found.pid):
            time.sleep(0.05)
        if _alive(found.pid):
            os.kill(found.pid, signal.SIGKILL)
        (self.home / "sandbox.json").unlink(missing_ok=True)
        return True

    def reset(self) -> None:
        """Empty the sandbox: every resource of every account, and what runs in it.

        Raises:
            SandboxError: It doesn't run.
        """
        self.post("reset", {})

    def status(self) -> SandboxStatus:
        """Return what the sandbox does."""
        found = self.running()
        if found is None:
            return SandboxStatus(str(self.home), None)
        said = self._call(found.url, "GET", "status")
        return SandboxStatus(
            str(self.home), found, said.get("memory_mb", 0), said.get("environments", {}), said.get("rooms", {})
        )

    def register_environment(self, lock: str, python: Path) -> None:
        """Tell which interpreter has the packages of a lock.

        Args:
            lock: SHA-256 of the lock that an image installs, in hex.
            python: The interpreter of an environment that holds them.
        """
        self.post("environments", {"lock": lock, "python": str(python.absolute())})

    def register_image(self, uri: str, python: Path) -> None:
        """Let an environment of this machine stand for an image URI."""
        self.post("images", {"uri": uri, "python": str(python.absolute())})

    def post(self, path: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Call one of the sandbox's own routes.

        Raises:
            SandboxError: It doesn't run, or refuses; the message is its own.
        """
        found = self.running()
        if found is None:
            raise SandboxError("The sandbox does not run.", "Start it with: terrace sandbox start")
        answer = self._call(found.url, "POST", path, said)
        if "error" in answer:
            raise SandboxError(str(answer["error"]))
        return answer

    def _call(self, url: str, method: str, path: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = None if said is None else json.dumps(said).encode()
        request = Request(  # noqa: S310  (an address of our own, from our own file)
            f"{url}/_terrace/{path}", body, {"Content-Type": "application/json"}, method=method
        )
        with _direct.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def _log_tail(self, lines: int = 20) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])


def _alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
