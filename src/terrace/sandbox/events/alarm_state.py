"""What state an alarm is in, from the values of its periods, by CloudWatch's rules."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ALARM, OK, INSUFFICIENT_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"

COMPARISONS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
"""Comparisons with one threshold; those with a band of expected values are not evaluated."""

MORE = 2
"""How many periods beyond those of the alarm are looked at, where values are missing."""


@dataclass(frozen=True)
class Terms:
    """When an alarm rings.

    Attributes:
        comparison: One of `COMPARISONS`.
        threshold: What values are compared with.
        periods: How many periods are looked at.
        needed: How many of them must breach.
        missing: What stands for a missing value: `missing`, `ignore`, `breaching`, `notBreaching`.
    """

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str = "missing"

    def breaches(self, value: float) -> bool:
        """Tell whether a value is one to ring for."""
        return COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Judgement:
    """The state of an alarm, None for the one it has; how many values were there, and how many were made up for."""

    state: str | None
    values: tuple[float, ...]
    filled: int


def judge(terms: Terms, values: Sequence[float | None]) -> Judgement:
    """Return the state that the values of periods mean, newest first; None is a period without data.

    Where enough values are there, the newest count and what is missing does not. Otherwise what is missing is made up
    for as the alarm says, and every value that there is counts. An alarm whose only values breach does not ring before
    the oldest of them is as old as it has periods to breach.
    """
    found = [(age, value) for age, value in enumerate(values[: terms.periods + MORE], 1) if value is not None]
    real = tuple(value for _, value in found)
    if len(found) >= terms.periods:
        real = real[: terms.periods]
        breaching = sum(map(terms.breaches, real))
        return Judgement(ALARM if breaching >= terms.needed else OK, real, 0)
    filled = terms.periods - len(found)
    breaching = sum(map(terms.breaches, real))
    if terms.missing == "breaching":
        return Judgement(ALARM if breaching + filled >= terms.needed else OK, real, filled)
    if breaching >= terms.needed:
        return Judgement(ALARM, real, filled)
    if terms.missing == "notBreaching":
        return Judgement(OK, real, filled)
    if not found:
        return Judgement(None if terms.missing == "ignore" else INSUFFICIENT_DATA, real, filled)
    if breaching < len(found):
        return Judgement(OK, real, filled)
    old_enough = found[-1][0] >= terms.needed
    return Judgement(ALARM if old_enough and terms.missing != "ignore" else None, real, filled)


def reason(terms: Terms, before: str, judgement: Judgement, times: Sequence[str]) -> str:
    """Return why, in CloudWatch's words."""
    values, filled = judgement.values, judgement.filled
    if judgement.state == INSUFFICIENT_DATA:
        return f"Insufficient Data: {filled} datapoint{_s(filled)} {_were(filled)} unknown."
    treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(terms.missing, "Missing")
    if not values:
        return (
            f"Threshold Crossed: no datapoints were received for {filled} period{_s(filled)} and {filled} missing "
            f"datapoint{_s(filled)} {_were(filled)} treated as [{treated}]."
        )
    rings = judgement.state == ALARM
    counted = [value for value in values if terms.breaches(value) == rings]
    shown = ", ".join(f"{value} ({time})" for value, time in zip(values, times, strict=False))
    words = f"{_were(len(counted))}{'' if rings else ' not'} {COMPARISONS[terms.comparison][1]}"
    enough = terms.needed if rings else terms.periods - terms.needed + 1
    return (
        f"Threshold Crossed: {len(counted)} out of the last {len(values)} datapoint{_s(len(values))} [{shown}] {words} "
        f"the threshold ({float(terms.threshold)}) (minimum {enough} datapoint{_s(enough)} for {before} -> "
        f"{judgement.state} transition)."
    )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
