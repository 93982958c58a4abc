"""One run a stack at a time: a lock that the operating system frees when its holder ends, however it ends."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from terrace.errors import LockedError


@contextmanager
def hold(folder: Path, stack: str, timeout: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a stack inside the block.

    Args:
        folder: The stack's folder; `lock` and `holder.json` are in it.
        stack: What to call the stack in messages.
        timeout: How many seconds to wait for another run.
        say: Told who is waited for, if anybody.

    Raises:
        LockedError: The other run did not end in time. Names it.
    """
    lock = FileLock(folder / "lock", mode=0o600)
    note = folder / "holder.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if timeout > 0:
            say(f"Waiting up to {timeout:g} seconds for {_holder(note)}, which works on {stack}.")
        try:
            lock.acquire(timeout=timeout, poll_interval=0.1)
        except Timeout:
            raise LockedError(
                f"{stack} is locked by {_holder(note)}.", "Wait until that run has ended, then try again."
            ) from None
    try:
        _sign(note)
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _sign(note: Path) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]).strip() or "python",
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    fresh = note.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(holder), encoding="utf-8")
    fresh.replace(note)


def _holder(note: Path) -> str:
    try:
        holder = json.loads(note.read_text(encoding="utf-8"))
        return "process {pid} on {host} (`{command}`, since {since})".format(**holder)
    except (FileNotFoundError, ValueError, KeyError):
        # It has the lock and has not signed yet, or has just removed its name.
        return "another process"
