"""What containers need of the machine: ports that nobody has, and how much memory a process and its children take."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
from pathlib import Path

import psutil

_PORTS = range(18_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections, so that none of those takes one in between."""
_any = random.SystemRandom()
_handed: list[int] = []
_lock = threading.Lock()


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that was not returned to another container lately.

    Raises:
        OSError: A thousand tries found none.
    """
    with _lock:
        for _ in range(1000):
            port = _any.choice(_PORTS)
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                if port not in _handed:
                    _handed.append(port)
                    del _handed[:-500]
                    return port
    raise OSError("This machine has no free port between 18000 and 32000.")


def family_memory(pid: int) -> int:
    """Return the resident memory of all processes below one, in bytes; the process itself is not counted."""
    try:
        return sum(_resident(child) for child in _below(pid))
    except FileNotFoundError:
        pass  # not Linux, or a kernel that does not tell children; a process that has just ended comes here too
    total = 0
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _below(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
