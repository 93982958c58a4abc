"""What a container prints: kept in a file of bounded size, and passed on line by line."""

from __future__ import annotations

import collections
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from terrace.sandbox.containers.embedded_metrics import put_embedded

Sink = Callable[[Sequence[str]], None]
"""Takes the lines that a container printed, in order."""

FILE_BYTES = 5 * 2**20
"""How large the log file of a container grows before it begins anew; the one before it is kept beside it."""
LINE_BYTES = 256 * 2**10
"""Longest event that CloudWatch Logs takes; longer lines are cut into several."""
STREAM_EVENTS = 20_000
"""How many events of a stream the sandbox remembers; the oldest go first."""
_LOG = logging.getLogger(__name__)
_making = threading.Lock()
"""Two containers' first lines may come at once."""
_READ_BYTES = 64 * 2**10
_PAUSE = 0.02
"""Seconds between reads: a container that prints without end waits for us, not we for it."""


class Log:
    """Reads a container's output until its end.

    Args:
        path: File that takes the output.
        sink: Takes it line by line too.
    """

    def __init__(self, path: Path, sink: Sink | None = None) -> None:
        self.path = path
        self._sink = sink
        self._last: collections.deque[str] = collections.deque(maxlen=100)
        self._rest = b""
        self._written = 0

    def tail(self, lines: int = 10) -> list[str]:
        """Return the last lines."""
        return list(self._last)[-lines:]

    def follow(self, output: IO[bytes]) -> None:
        """Read until every process that could write has ended."""
        with output, self.path.open("wb") as file:
            while chunk := os.read(output.fileno(), _READ_BYTES):
                self._write(file, chunk)
                self._pass_on(chunk)
                time.sleep(_PAUSE)
            self._pass_on(b"\n" if self._rest else b"")

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        if self._written + len(chunk) > FILE_BYTES:
            self.path.with_suffix(".old.log").write_bytes(self.path.read_bytes())
            file.seek(0)
            file.truncate()
            self._written = 0
        file.write(chunk)
        file.flush()
        self._written += len(chunk)

    def _pass_on(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > LINE_BYTES:
            lines.append(self._rest[:LINE_BYTES])
            self._rest = self._rest[LINE_BYTES:]
        texts = [line[:LINE_BYTES].decode(errors="replace").rstrip("\r") for line in lines]
        self._last.extend(texts)
        if self._sink is not None and texts:
            try:
                self._sink(texts)
            except Exception:
                # Whoever stops reading here would stop the container at its next full pipe.
                _LOG.exception("Lines of %s were lost", self.path)


def cloudwatch(account: str, region: str, group: str, stream: str) -> Sink:
    """Return a sink that writes to CloudWatch Logs of the sandbox, making group and stream when the first line comes.

    Lines that are metrics are put into CloudWatch too.

    It runs in the server's process and writes to moto's own backend, as the platform does on AWS: no role needs to
    allow it, and a deleted group comes back with the next line.
    """

    def put(lines: Sequence[str]) -> None:
        from moto.logs.models import logs_backends

        backend: Any = logs_backends[account][region]
        with _making:
            if group not in backend.groups:
                backend.create_log_group(group, {})
            if stream not in backend.groups[group].streams:
                backend.create_log_stream(group, stream)
        now = int(datetime.now(UTC).timestamp() * 1000)
        # CloudWatch takes no empty message.
        events = [{"timestamp": now, "message": line} for line in lines if line]
        if events:
            backend.put_log_events(group, stream, events)
            kept = backend.groups[group].streams[stream].events
            if len(kept) > STREAM_EVENTS:
                del kept[: STREAM_EVENTS // 2]
            for line in lines:
                put_embedded(account, region, line)

    return put
