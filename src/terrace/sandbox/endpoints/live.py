"""An endpoint that lives: what serves it now, and the change that goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.endpoints.fleet import Fleet
from terrace.sandbox.endpoints.model_server import INVOCATION_SECONDS

_REASON = 1024
"""Longest reason that DescribeEndpoint has."""
_STOP_SECONDS = 20.0


class LiveEndpoint:
    """One endpoint. Its changes run in threads of their own; one at a time, as AWS has it.

    Args:
        arn: Its ARN.
        note: Told each change of status, so that listings have it.
    """

    def __init__(self, arn: str, note: Callable[[str, datetime], None]) -> None:
        self.arn = arn
        self.fleet: Fleet | None = None
        self.pending: Fleet | None = None
        self.pending_since: datetime | None = None
        self.status = "Creating"
        self.config = ""
        self.reason: str | None = None
        self.deployment: Mapping[str, Any] | None = None
        self._note = note
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._gone = False

    @property
    def busy(self) -> bool:
        """Whether a change goes on, so that AWS refuses another."""
        return self.status in ("Creating", "Updating", "RollingBack", "Deleting")

    def create(self, fleet: Fleet) -> None:
        """Begin to serve a configuration for the first time."""
        self.config = fleet.config
        self._begin(fleet, "Creating")

    def update(self, fleet: Fleet, deployment: Mapping[str, Any] | None) -> None:
        """Begin to serve another configuration beside the one that is served, and switch when it is healthy."""
        self.deployment = deployment or self.deployment
        self._begin(fleet, "Updating")

    def delete(self, done: Callable[[], None]) -> None:
        """Begin to end it; `done` is called when nothing is left."""
        self._set("Deleting")
        self._worker = threading.Thread(target=self._end, args=[done], daemon=True)
        self._worker.start()

    def abandon(self) -> None:
        """End everything at once, in the middle of a change too."""
        with self._lock:
            self._gone = True
            fleets = [fleet for fleet in (self.pending, self.fleet) if fleet is not None]
        for fleet in fleets:
            fleet.stop()
        if self._worker is not None:
            self._worker.join(_STOP_SECONDS)

    def _begin(self, fleet: Fleet, status: str) -> None:
        self.reason = None
        self.pending, self.pending_since = fleet, datetime.now(UTC)
        self._set(status)
        self._worker = threading.Thread(target=self._deploy, args=[fleet], daemon=True)
        self._worker.start()

    def _deploy(self, fleet: Fleet) -> None:
        try:
            fleet.start()
        except SandboxError as error:
            self._failed(error)
            return
        except Exception as error:
            # Whatever went wrong in the sandbox itself must end the change, or whoever waits for it waits for ever.
            fleet.stop()
            self._failed(SandboxError(f"The sandbox failed: {error!r}"))
            raise
        with self._lock:
            old, self.fleet, self.pending = self.fleet, fleet, None
            self.config = fleet.config
            gone = self._gone
        if gone:
            fleet.stop()
            return
        self._set("InService")
        if old is not None:
            old.stop(drain=INVOCATION_SECONDS)

    def _failed(self, error: SandboxError) -> None:
        self.reason = str(error)[:_REASON]
        with self._lock:
            self.pending = None
            serving = self.fleet is not None
            if self._gone:
                return
        if serving:
            self._set("RollingBack")
        self._set("InService" if serving else "Failed")

    def _end(self, done: Callable[[], None]) -> None:
        if self.fleet is not None:
            self.fleet.stop()
        done()

    def _set(self, status: str) -> None:
        self.status = status
        self._note(status, datetime.now(UTC))
