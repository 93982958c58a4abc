"""Tells the listener what happens, and adds up the result."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from terrace.engine.embedded.records import Record
from terrace.engine.model import (
    Event,
    Listener,
    MessageEvent,
    Op,
    ResourceChange,
    ResourceEvent,
    Result,
    Severity,
)

_LISTS = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "same": "unchanged",
    "read": "unchanged",
    "keep": "kept",
}


class Report:
    """Collects one run. Safe between threads: the listener hears one event at a time."""

    def __init__(self, listen: Listener) -> None:
        self.result = Result()
        self._listen = listen
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def message(self, text: str, severity: Severity = "info") -> None:
        """Say something to the person who watches."""
        with self._lock:
            self.result.messages.append(text)
            self._listen(MessageEvent(severity, text))

    @contextmanager
    def step(self, record: Record, op: Op, properties: tuple[str, ...] = (), counted: bool = True) -> Iterator[None]:
        """Tell of the beginning and the end of what the block does, and count it when it ends well."""
        began = time.monotonic()

        def event(status: str, message: str = "") -> Event:
            seconds = time.monotonic() - began if status != "started" else 0.0
            return ResourceEvent(
                record.urn,
                record.type,
                record.name,
                record.parent,
                op,
                status,  # type: ignore[arg-type]
                seconds,
                message,
            )

        self._emit(event("started"))
        try:
            yield
        except BaseException as error:
            self._emit(event("failed", str(error)))
            raise
        self._emit(event("done"))
        if counted:
            change = ResourceChange(record.urn, record.type, record.name, properties)
            with self._lock:
                getattr(self.result, _LISTS[op]).append(change)

    def finish(self) -> Result:
        """Return the result, in an order that does not depend on which thread was first."""
        for name in set(_LISTS.values()):
            getattr(self.result, name).sort(key=lambda change: change.urn)
        self.result.seconds = round(time.monotonic() - self._began, 3)
        return self.result

    def _emit(self, event: Event) -> None:
        with self._lock:
            self._listen(event)
