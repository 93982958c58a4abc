"""Which hyperparameters a tuning job tries next: at random, along a grid, or where a Gaussian process expects most.

Small on purpose and without any library: tuning jobs on this machine try tens of combinations, not thousands.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Trial = tuple["Point", float | None]
"""What was tried, and how good it was: larger is better, None is not known yet."""
Point = tuple[float, ...]
"""A combination: a number from 0 to 1 for each parameter."""

_FIRST = 3
"""How many combinations are taken at random before the Gaussian process has something to learn from."""
_CANDIDATES = 400
_LENGTH = 0.3
"""Distance, in parts of a range, at which two combinations tell little about each other."""
_NOISE = 1e-3
_LARGE_RATIO = 1000.0
"""A range whose ends are so far apart is taken as logarithmic when its scaling is Auto."""


@dataclass(frozen=True)
class Dimension:
    """One parameter that is tuned.

    Attributes:
        name: Its name.
        values: What it may be, for a categorical one.
        low: Smallest value.
        high: Largest value.
        scaling: `Linear`, `Logarithmic` or `ReverseLogarithmic`.
        whole: Whether it is an integer.
    """

    name: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    scaling: str = "Linear"
    whole: bool = False

    def text(self, unit: float) -> str:
        """Return the value at a place from 0 to 1 of the range, as a training job is given it."""
        if self.values:
            return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]
        if self.scaling == "Logarithmic":
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        elif self.scaling == "ReverseLogarithmic":
            value = 1 - math.exp(math.log(1 - self.low) + unit * (math.log(1 - self.high) - math.log(1 - self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return str(round(value)) if self.whole else repr(value)


def dimensions(ranges: Mapping[str, Any]) -> list[Dimension]:
    """Return the parameters of a ParameterRanges structure.

    Raises:
        ValueError: A range is none, or its scaling does not fit it.
    """
    found = []
    for kind in ("Integer", "Continuous"):
        for one in ranges.get(f"{kind}ParameterRanges") or ():
            low, high = float(one["MinValue"]), float(one["MaxValue"])
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"the range of {one['Name']} goes from {one['MinValue']} to {one['MaxValue']}")
            scaling = one.get("ScalingType") or "Auto"
            if scaling == "Auto":
                scaling = "Logarithmic" if low > 0 and high / low >= _LARGE_RATIO else "Linear"
            if scaling == "Logarithmic" and low <= 0:
                raise ValueError(f"logarithmic scaling of {one['Name']} needs a range above 0")
            if scaling == "ReverseLogarithmic" and (kind == "Integer" or not 0 <= low <= high < 1):
                raise ValueError(f"reverse logarithmic scaling of {one['Name']} needs a continuous range in [0, 1)")
            found.append(Dimension(one["Name"], (), low, high, scaling, kind == "Integer"))
    for one in ranges.get("CategoricalParameterRanges") or ():
        found.append(Dimension(one["Name"], tuple(dict.fromkeys(one["Values"]))))
    return found


class Strategy(Protocol):
    """Chooses what is tried next."""

    def choose(self, trials: Sequence[Trial]) -> Point | None:
        """Return a combination, None when all have been tried."""


class Random:
    """Any combination is as good as another."""

    def __init__(self, space: Sequence[Dimension], seed: int | None) -> None:
        self.space = space
        self.any = random.Random(seed)  # noqa: S311  (a search, no secret)

    def choose(self, trials: Sequence[Trial]) -> Point | None:
        """Return any combination."""
        return tuple(self.any.random() for _ in self.space)


class Grid:
    """Every combination once; all parameters are categorical."""

    def __init__(self, space: Sequence[Dimension]) -> None:
        # The middle of each value's part of the range.
        places = [[(number + 0.5) / len(one.values) for number in range(len(one.values))] for one in space]
        self.all = list(itertools.product(*places))

    def choose(self, trials: Sequence[Trial]) -> Point | None:
        """Return the next combination."""
        return self.all[len(trials)] if len(trials) < len(self.all) else None


class Bayesian(Random):
    """Where a Gaussian process of what was seen expects the largest improvement."""

    def choose(self, trials: Sequence[Trial]) -> Point | None:
        """Return the most promising of some hundred combinations."""
        known = [(self._shape(point), value) for point, value in trials if value is not None]
        if len(known) < _FIRST:
            return super().choose(trials)
        values = [value for _, value in known]
        middle = sum(values) / len(values)
        spread = math.sqrt(sum((value - middle) ** 2 for value in values) / len(values)) or 1.0
        # What still runs is taken as middling, so that the next one is not tried beside it.
        seen = [(point, (value - middle) / spread) for point, value in known]
        seen += [(self._shape(point), 0.0) for point, value in trials if value is None]
        process = _Process([point for point, _ in seen], [value for _, value in seen])
        best = max(value for _, value in seen)
        candidates = [tuple(self.any.random() for _ in self.space) for _ in range(_CANDIDATES)]
        return max(candidates, key=lambda point: process.improvement(self._shape(point), best))

    def _shape(self, point: Point) -> tuple[float, ...]:
        """Return a combination as distances are measured in: values of a category are as far apart as can be."""
        found: list[float] = []
        for one, unit in zip(self.space, point, strict=True):
            if one.values:
                chosen = one.text(unit)
                found += [float(value == chosen) for value in one.values]
            else:
                found.append(unit)
        return tuple(found)


class _Process:
    """A Gaussian process with a squared-exponential kernel."""

    def __init__(self, points: list[tuple[float, ...]], values: list[float]) -> None:
        self._points = points
        size = len(points)
        lower = [[0.0] * size for _ in range(size)]
        for row in range(size):  # Cholesky
            for column in range(row + 1):
                rest = _kernel(points[row], points[column]) + (_NOISE if row == column else 0.0)
                rest -= sum(lower[row][inner] * lower[column][inner] for inner in range(column))
                lower[row][column] = math.sqrt(max(rest, 1e-12)) if row == column else rest / lower[column][column]
        self._lower = lower
        self._values = self._solve(values)

    def improvement(self, point: tuple[float, ...], best: float) -> float:
        """Return how much better than the best a place is expected to be."""
        near = self._solve([_kernel(point, other) for other in self._points])
        mean = sum(one * other for one, other in zip(near, self._values, strict=True))
        deviation = math.sqrt(max(1.0 + _NOISE - sum(one * one for one in near), 1e-12))
        ratio = (mean - best) / deviation
        density = math.exp(-ratio * ratio / 2) / math.sqrt(2 * math.pi)
        return (mean - best) * (1 + math.erf(ratio / math.sqrt(2))) / 2 + deviation * density

    def _solve(self, right: Sequence[float]) -> list[float]:
        found: list[float] = []
        for row, value in enumerate(right):
            rest = value - sum(self._lower[row][inner] * found[inner] for inner in range(row))
            found.append(rest / self._lower[row][row])
        return found


def _kernel(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
    return math.exp(-distance / (2 * _LENGTH * _LENGTH))
