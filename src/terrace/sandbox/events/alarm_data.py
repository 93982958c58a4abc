"""The values that alarms look at: what CloudWatch in moto holds, gathered by period and statistic."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.events.alarm_math import Series

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
Dimensions = frozenset[tuple[str, str]]
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(frozen=True)
class Watched:
    """One metric and what is measured of it.

    Attributes:
        namespace: Of the metric.
        name: Of the metric.
        dimensions: Of the metric, all of them.
        statistic: One of `STATISTICS`, or a percentile such as `p99`.
        period: Seconds.
        unit: Only values of this unit count; None for all.
    """

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: str
    period: int
    unit: str | None = None

    @property
    def known(self) -> bool:
        """Tell whether the sandbox can measure it."""
        return self.statistic in STATISTICS or _PERCENTILE.fullmatch(self.statistic) is not None


class Recent:
    """The values of the metrics of one account and region that alarms watch, in the order of their times.

    moto keeps all values in one list; only what was added since the last look is read again.
    """

    def __init__(self) -> None:
        self._wanted: set[tuple[str, str]] = set()
        self._by_metric: dict[tuple[str, str, Dimensions], list[tuple[float, int, Any]]] = {}
        self._first: Any = None
        self._read = 0

    def look(self, data: list[Any], wanted: set[tuple[str, str]]) -> None:
        """Take in what is new.

        Args:
            data: moto's list of values.
            wanted: Namespaces and names of the metrics that are watched.
        """
        first = data[0] if data else None
        if first is not self._first or len(data) < self._read or not wanted <= self._wanted:
            self._by_metric, self._wanted, self._read, self._first = {}, set(wanted), 0, first
        end = len(data)
        for number in range(self._read, end):
            datum = data[number]
            if (datum.namespace, datum.name) in self._wanted:
                key = (datum.namespace, datum.name, dimensions(datum.dimensions))
                # Nearly always the newest: then this is an append.
                bisect.insort(self._by_metric.setdefault(key, []), (_seconds(datum.timestamp), number, datum))
        self._read = end

    def series(self, watched: Watched, end: float, periods: int) -> Series:
        """Return the values of the last periods before a moment; period 0 ends then."""
        known = self._by_metric.get((watched.namespace, watched.name, watched.dimensions), [])
        held: dict[int, list[Any]] = {}
        for index in range(bisect.bisect_left(known, (end - periods * watched.period,)), len(known)):
            at, _, datum = known[index]
            if at >= end:
                break
            if not watched.unit or datum.unit == watched.unit:
                held.setdefault(math.ceil((end - at) / watched.period) - 1, []).append(datum)
        return {number: statistic(watched.statistic, data) for number, data in held.items()}


def statistic(name: str, data: Sequence[Any]) -> float:
    """Return a statistic of values and of sets of values.

    A percentile of a set, which tells no more than its least, greatest, sum and count, takes all others for equal.
    """
    parts = [_parts(datum) for datum in data]
    if name == "SampleCount":
        return float(sum(count for count, *_ in parts))
    if name == "Sum":
        return float(sum(total for _, total, *_ in parts))
    if name == "Average":
        count = sum(count for count, *_ in parts)
        return float(sum(total for _, total, *_ in parts) / count) if count else 0.0
    if name == "Minimum":
        return float(min(least for *_, least, _ in parts))
    if name == "Maximum":
        return float(max(greatest for *_, greatest in parts))
    return _percentile(float(name.removeprefix("p")), parts)


def _parts(datum: Any) -> tuple[float, float, float, float]:
    """Return count, sum, least and greatest."""
    if hasattr(datum, "value"):
        return 1.0, datum.value, datum.value, datum.value
    return datum.sample_count, datum.sum, datum.min, datum.max


def _percentile(percent: float, parts: Sequence[tuple[float, float, float, float]]) -> float:
    weighted: list[tuple[float, float]] = []
    for count, total, least, greatest in parts:
        if count <= 2:
            weighted += [(least, 1.0), (greatest, 1.0)] if count == 2 else [(total, 1.0)]
            continue
        weighted += [(least, 1.0), ((total - least - greatest) / (count - 2), count - 2), (greatest, 1.0)]
    weighted.sort()
    wanted = percent / 100 * sum(weight for _, weight in weighted)
    for value, weight in weighted:
        wanted -= weight
        if wanted <= 0:
            return value
    return weighted[-1][0]


def _seconds(time: datetime) -> float:
    # CloudWatch in moto keeps times in UTC, with and without saying so.
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def dimensions(given: Sequence[Any]) -> Dimensions:
    """Return moto's dimensions as a set."""
    return frozenset((one.name, one.value) for one in given)
