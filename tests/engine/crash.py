"""Runs `up` against a cloud in a file, in a process of its own that kills itself at the k-th call.

    python crash.py HOME CLOUD PROGRAM K WHEN PARALLEL

WHEN is `before` a change is made, `after` it was made and before the engine hears of it, or `write`: in the middle of
the k-th write to the journal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cloud import Cloud, Provider

from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.engine.embedded.state import State
from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.base import State as Made


class Finder(Provider):
    """A provider that, like the real one, takes over what an interrupted create of the same resource left."""

    def create(self, urn: str, type: str, inputs: Props, *, preview: bool = False) -> Made:
        left = [id for id, thing in self.cloud.things.items() if thing["urn"] == urn]
        return self._state(left[0], inputs) if left else super().create(urn, type, inputs, preview=preview)


class Killer:
    """Ends the process at the k-th call, with no chance to tidy up."""

    def __init__(self, k: int) -> None:
        self.left = k
        self.lock = threading.Lock()

    def hit(self, half: Callable[[], Any] = lambda: None) -> None:
        with self.lock:
            self.left -= 1
            if self.left == 0:
                half()
                os.kill(os.getpid(), signal.SIGKILL)


def main(home: str, cloud_file: str, main: str, k: str, when: str, parallel: str) -> None:
    """Run the program until it ends or is killed."""
    cloud, killer = Cloud(Path(cloud_file)), Killer(int(k))
    if when == "before":
        cloud.before = lambda op, name: killer.hit()
    elif when == "after":
        change = cloud.change

        def changed(op: str, urn: str, do: Callable[[], Any]) -> Any:
            result = change(op, urn, do)
            killer.hit()
            return result

        cloud.change = changed  # type: ignore[method-assign]
    elif when == "write":
        write = State._write

        def torn(self: State, entry: dict[str, Any]) -> None:
            def half() -> None:
                assert self._journal is not None
                self._journal.write('{"put":[{"urn":"urn:pulumi:dev')
                self._journal.flush()

            killer.hit(half)
            write(self, entry)

        State._write = torn  # type: ignore[method-assign]
    engine = EmbeddedEngine(Path(home), lambda inputs: Finder(cloud), "first", parallel=int(parallel), lock_timeout=0)
    engine.up(Program("proj", "dev", Path(main)))


if __name__ == "__main__":
    main(*sys.argv[1:])
