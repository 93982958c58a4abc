"""What happened in the sandbox, told to whoever acts on it: rules of EventBridge, lineage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Happening:
    """Something that AWS would put on the default event bus.

    Attributes:
        account: Whose bus, 12 digits.
        region: Where.
        source: Service, such as `aws.sagemaker`.
        detail_type: As AWS words it, such as `SageMaker Training Job State Change`.
        detail: As AWS fills it; plain data.
        resources: ARNs of what it is about.
        time: When.
    """

    account: str
    region: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    resources: tuple[str, ...] = ()
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


Listener = Callable[[Happening], None]


class Bus:
    """Passes happenings on, in order, in a thread of its own: who publishes never waits and never fails."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._queue: SimpleQueue[Happening | threading.Event] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def subscribe(self, listener: Listener) -> None:
        """Have a function called with whatever happens from now on."""
        self._listeners.append(listener)

    def publish(self, happening: Happening) -> None:
        """Tell that something happened."""
        self._follow()
        self._queue.put(happening)

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until all that was published before is passed on; return whether it was, within `seconds`."""
        self._follow()
        mark = threading.Event()
        self._queue.put(mark)
        return mark.wait(seconds)

    def _follow(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._pass_on, name="bus", daemon=True)
                self._thread.start()

    def _pass_on(self) -> None:
        while True:
            item = self._queue.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            for listener in tuple(self._listeners):
                try:
                    listener(item)
                except Exception:
                    # One listener's mistake must not keep the others from hearing; the server's log shows it.
                    _LOG.exception("A listener failed on %s of %s", item.detail_type, item.account)
