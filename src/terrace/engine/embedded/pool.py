"""Does one thing to many, several at a time, and stops at the first failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(items: Iterable[T], do: Callable[[T], R], workers: int) -> list[R]:
    """Return what `do` returns for each item, in the items' order.

    When one fails, or a person interrupts, those under way end, no other begins, and the first error is raised.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(do, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    failed = next((future for future in futures if not future.cancelled() and future.exception()), None)
    if failed is not None:
        failed.result()
    return [future.result() for future in futures]
