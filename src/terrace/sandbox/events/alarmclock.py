"""Does things when they are due: one thread, which sleeps until the next of them."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime

from terrace.sandbox.events.expressions import Expression

_LOG = logging.getLogger(__name__)
LONGEST_SLEEP = 30.0
"""Seconds after which the clock is looked at again: it may have been set, or the machine was asleep."""

Due = Callable[[datetime], bool]
"""Does what is due, told for when it was. Returns whether to go on."""


@dataclass
class _Entry:
    key: Hashable
    expression: Expression
    due: Due
    ended: Callable[[], None]


class AlarmClock:
    """Does things when their expressions say so. The thread begins with the first of them.

    Args:
        now: The time, for tests.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self._queue: list[tuple[datetime, int, _Entry]] = []
        self._entries: dict[Hashable, _Entry] = {}
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def set(
        self,
        key: Hashable,
        expression: Expression,
        due: Due,
        since: datetime | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Do something whenever an expression says so, in the place of what this key stood for.

        Args:
            key: What it is called.
            expression: When.
            due: What to do.
            since: From when on; now by default.
            ended: What to do when there is no next time.
        """
        entry = _Entry(key, expression, due, ended)
        with self._changed:
            self._entries[key] = entry
            self._plan(entry, since or self.now())
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="events-clock", daemon=True)
                self._thread.start()
            self._changed.notify()

    def unset(self, key: Hashable) -> None:
        """Forget what a key stands for."""
        with self._changed:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._entries.clear()
            self._queue.clear()

    def stop(self) -> None:
        """Do nothing any more."""
        with self._changed:
            self._stopped = True
            self.clear()
            self._changed.notify()

    def tick(self) -> None:
        """Do all that is due."""
        while True:
            with self._changed:
                if not self._queue or self._queue[0][0] > self.now():
                    return
                time, _, entry = heapq.heappop(self._queue)
                if self._entries.get(entry.key) is not entry:
                    continue
            try:
                goes_on = entry.due(time)
            except Exception:
                _LOG.exception("What was due at %s failed: %s", time, entry.key)
                goes_on = True
            with self._changed:
                if self._entries.get(entry.key) is entry:
                    if goes_on:
                        # What was slept through is done once, not for each time.
                        self._plan(entry, max(time, self.now()))
                    else:
                        del self._entries[entry.key]

    def _plan(self, entry: _Entry, after: datetime) -> None:
        time = entry.expression.after(after)
        if time is not None:
            heapq.heappush(self._queue, (time, next(self._numbers), entry))
        elif self._entries.get(entry.key) is entry:
            del self._entries[entry.key]
            entry.ended()

    def _run(self) -> None:
        while True:
            self.tick()
            with self._changed:
                if self._stopped:
                    return
                # Read again under the lock: something earlier may have come.
                wait = (self._queue[0][0] - self.now()).total_seconds() if self._queue else None
                if wait is None or wait > 0:
                    self._changed.wait(None if wait is None else min(wait, LONGEST_SLEEP))
