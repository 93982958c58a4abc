"""Ratios of two things in one run, pair by pair, so that a machine whose speed drifts gives the same answer."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How much longer one thing takes than its baseline.

    Attributes:
        name: What is compared with what.
        seconds: Median seconds of the thing.
        baseline: Median seconds of the baseline.
        ratio: Median of the pairs' ratios.
        aim: The ratio that we mean to keep below; None where there is none.
    """

    name: str
    seconds: float
    baseline: float
    ratio: float
    aim: float | None

    @property
    def verdict(self) -> str:
        """Whether the aim is met."""
        return "" if self.aim is None else "met" if self.ratio <= self.aim else "MISSED"


def compare(
    name: str, thing: Callable[[], float], baseline: Callable[[], float], pairs: int, aim: float | None
) -> Ratio:
    """Measure both in turn; each returns the seconds that it took."""
    took = [(thing(), baseline()) for _ in range(pairs)]
    return Ratio(
        name,
        statistics.median(one for one, _ in took),
        statistics.median(other for _, other in took),
        statistics.median(one / other for one, other in took),
        aim,
    )


def seconds_of(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def command(words: Sequence[str]) -> Callable[[], float]:
    """Return a measurement of a command as a whole process."""
    return lambda: seconds_of(lambda: subprocess.run(words, check=True, capture_output=True))
