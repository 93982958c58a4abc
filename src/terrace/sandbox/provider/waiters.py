"""Waiting until AWS has done what it accepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from terrace.errors import SandboxError


def wait(
    what: str,
    status: Callable[[], str | None],
    *,
    until: Collection[str | None],
    failed: Collection[str | None] = (),
    seconds: float = 600,
) -> str | None:
    """Poll `status` until it is one of `until`, and return it; None stands for a resource that is gone.

    Asks at once, then after 50 ms, and ever more rarely up to once in two seconds.

    Raises:
        SandboxError: the status is one of `failed`, or `seconds` have passed.
    """
    deadline, pause = time.monotonic() + seconds, 0.05
    while True:
        now = status()
        if now in until:
            return now
        if now in failed:
            raise SandboxError(f"{what} failed: its status is {now}.")
        if time.monotonic() > deadline:
            raise SandboxError(f"{what} is still {now} after {seconds:.0f} seconds.", "Run the same command again.")
        time.sleep(pause)
        pause = min(pause * 1.5, 2)
