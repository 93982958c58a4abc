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
    """What an alarm's values mean.

    Attributes:
        state: The state of the alarm, None for the one it has.
        found: The values that counted, newest first, with the number of their period; 1 is the newest.
        filled: How many missing ones were made up for.
    """

    state: str | None
    found: tuple[tuple[int, float], ...]
    filled: int

    @property
    def values(self) -> tuple[float, ...]:
        """The values that counted, newest first."""
        return tuple(value for _, value in self.found)


def judge(terms: Terms, values: Sequence[float | None]) -> Judgement:
    """Return the state that the values of periods mean, newest first; None is a period without data.

    Where enough values are there, the newest count and what is missing does not. Otherwise what is missing is made up
    for as the alarm says, and every value that there is counts. An alarm whose only values breach does not ring before
    the oldest of them is as old as it has periods to breach.
    """
    looked_at = enumerate(values[: terms.periods + MORE], 1)
    found = tuple((age, value) for age, value in looked_at if value is not None)
    if len(found) >= terms.periods:
        newest = found[: terms.periods]
        breaching = sum(terms.breaches(value) for _, value in newest)
        return Judgement(ALARM if breaching >= terms.needed else OK, newest, 0)
    filled = terms.periods - len(found)
    return Judgement(_with_gaps(terms, found, filled), found, filled)


def _with_gaps(terms: Terms, found: Sequence[tuple[int, float]], filled: int) -> str | None:
    """Return the state that fewer values than periods mean."""
    breaching = sum(terms.breaches(value) for _, value in found)
    if terms.missing == "breaching":
        return ALARM if breaching + filled >= terms.needed else OK
    if breaching >= terms.needed:
        return ALARM
    if terms.missing == "notBreaching":
        return OK
    if not found:
        return None if terms.missing == "ignore" else INSUFFICIENT_DATA
    if breaching < len(found):
        return OK
    old_enough = found[-1][0] >= terms.needed
    return ALARM if old_enough and terms.missing != "ignore" else None


def reason(terms: Terms, before: str, judgement: Judgement, times: Sequence[str]) -> str:
    """Return why, in CloudWatch's words.

    Args:
        terms: When the alarm rings.
        before: Its state before.
        judgement: What its values mean.
        times: When each period began, newest first.
    """
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
    shown = ", ".join(f"{value} ({times[age - 1]})" for age, value in judgement.found)
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
