"""CloudWatch's rules of when an alarm rings, and the arithmetic of what it looks at."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.events.alarm_data import Recent, Watched, statistic
from terrace.sandbox.events.alarm_math import UnsupportedMathError, evaluate
from terrace.sandbox.events.alarm_state import ALARM, INSUFFICIENT_DATA, OK, Terms, judge, reason

THREE_OF_THREE = [
    # CloudWatch's own table: oldest period first, - has no data, X breaches; then the state by treatment.
    ("0-X-X", OK, OK, OK, OK),
    ("0----", OK, OK, OK, OK),
    ("-----", INSUFFICIENT_DATA, None, ALARM, OK),
    ("0XX-X", ALARM, ALARM, ALARM, ALARM),
    ("--X--", ALARM, None, ALARM, OK),
]
TWO_OF_THREE = [
    ("0-X-X", ALARM, ALARM, ALARM, ALARM),
    ("00X0X", ALARM, ALARM, ALARM, ALARM),
    ("0-X--", OK, OK, ALARM, OK),
    ("----0", OK, OK, ALARM, OK),
    ("---X-", ALARM, None, ALARM, OK),
]
ROWS = [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE]
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def _values(text: str) -> list[float | None]:
    return [{"-": None, "0": 0.0, "X": 2.0}[one] for one in reversed(text)]


@pytest.mark.parametrize(("needed", "text", "missing", "ignore", "breaching", "not_breaching"), ROWS)
def test_missing_data_counts_as_cloudwatch_says(
    needed: int,
    text: str,
    missing: str | None,
    ignore: str | None,
    breaching: str,
    not_breaching: str,
) -> None:
    """Every row of CloudWatch's table on missing data comes out as it says there; None keeps the state."""
    found = [
        judge(Terms("GreaterThanThreshold", 1, 3, needed, treatment), _values(text)).state for treatment in TREATMENTS
    ]
    assert found == [missing, ignore, breaching, not_breaching]


def test_an_alarm_does_not_ring_too_soon() -> None:
    """One value that breaches is not three periods of it, where the rest is yet to come."""
    terms = Terms("GreaterThanThreshold", 1, 3, 3)
    assert judge(terms, _values("----X")).state is None
    assert judge(terms, _values("--X--")).state == ALARM


@given(
    st.lists(st.one_of(st.none(), st.floats(-10, 10)), min_size=7, max_size=7),
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    st.sampled_from(TREATMENTS),
)
def test_a_judgement_never_contradicts_its_values(
    values: list[float | None], counts: tuple[int, int], treatment: str
) -> None:
    """With all values there the treatment is of no matter, and no alarm rings without anything that breaches."""
    periods, needed = counts
    judged = judge(Terms("GreaterThanThreshold", 0, periods, needed, treatment), values)
    if None not in values[:periods]:
        expected = ALARM if sum(value > 0 for value in values[:periods] if value is not None) >= needed else OK
        assert judged.state == expected
    if judged.state == ALARM and treatment != "breaching":
        assert any(value > 0 for value in judged.values)


def test_reasons_are_worded_as_cloudwatch_words_them() -> None:
    """The reason of a state counts what breached, and names what was missing."""
    terms = Terms("GreaterThanThreshold", 50, 2, 1, "breaching")
    judged = judge(terms, [99.5, 10.0])
    assert reason(terms, "OK", judged, ["02/10/19 16:59:00", "02/10/19 16:58:00"]) == (
        "Threshold Crossed: 1 out of the last 2 datapoints [99.5 (02/10/19 16:59:00), 10.0 (02/10/19 16:58:00)] was "
        "greater than the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    gap = judge(terms, [None, None, 60.0, None])
    assert "[60.0 (third)]" in reason(terms, "OK", gap, ["first", "second", "third"])
    assert reason(terms, "OK", judge(terms, [None] * 4), []) == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
        "[Breaching]."
    )
    quiet = Terms("LessThanThreshold", 1, 1, 1)
    assert reason(quiet, "OK", judge(quiet, [None]), []) == "Insufficient Data: 1 datapoint was unknown."


SERIES = {"a": {0: 1.0, 1: 2.0, 2: 4.0}, "b": {0: 2.0, 2: 0.0}}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a", {0: 1, 1: 2, 2: 4}),
        ("a + b", {0: 3, 2: 4}),
        ("100 * a / b", {0: 50}),
        ("-a ^ 2", {0: -1, 1: -4, 2: -16}),
        ("FILL(b, 7)", {0: 2, 1: 7, 2: 0}),
        ("IF(b > 0, 100 * a / b, 0)", {0: 50, 2: 0}),
        ("IF(a > 1 AND b < 1, 1, 0)", {0: 0, 2: 1}),
        ("SUM(METRICS())", {0: 3, 1: 2, 2: 4}),
        ("MAX([a, b])", {0: 2, 1: 2, 2: 4}),
        ("AVG(a)", {0: 7 / 3, 1: 7 / 3, 2: 7 / 3}),
        ("ABS(0 - a)", {0: 1, 1: 2, 2: 4}),
        ("3", {0: 3, 1: 3, 2: 3}),
    ],
)
def test_math_is_that_of_cloudwatch(text: str, values: dict[int, float]) -> None:
    """Arithmetic holds where both sides have data; a division by nothing is nothing."""
    found = evaluate(text, SERIES, ["a", "b"], 3)
    assert found.keys() == values.keys()
    assert all(math.isclose(found[period], value) for period, value in values.items())


@pytest.mark.parametrize("text", ["a +", "__import__('os')", "a.b", "c", "RATE(a)", "a if b else 1", "[a, b]", "'a'"])
def test_math_that_is_lacking_is_named(text: str) -> None:
    """What the sandbox's metric math lacks is an error, and nothing else is ever run."""
    with pytest.raises(UnsupportedMathError, match=r"\w"):
        evaluate(text, SERIES, ["a", "b"], 3)


def _datum(at: float, value: float, **more: Any) -> SimpleNamespace:
    time = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    return SimpleNamespace(namespace="N", name="M", timestamp=time, value=value, dimensions=[], unit=None, **more)


def _set(count: float, total: float, least: float, greatest: float) -> SimpleNamespace:
    return SimpleNamespace(sample_count=count, sum=total, min=least, max=greatest)


def test_values_fall_into_their_periods() -> None:
    """A period takes in its first moment and leaves its end to the next one; what is added later is read too."""
    watched, recent = Watched("N", "M", frozenset(), "Sum", 60), Recent()
    data = [_datum(1000, 1.0), _datum(1059, 2.0), _datum(1060, 4.0), _datum(1120, 8.0)]
    recent.look(data, {("N", "M")})
    assert recent.series(watched, 1120, 3) == {1: 3.0, 0: 4.0}
    data.append(_datum(1119, 16.0))
    recent.look(data, {("N", "M")})
    assert recent.series(watched, 1120, 1) == {0: 20.0}
    del data[:3]  # what is too old is forgotten
    recent.look(data, {("N", "M")})
    assert recent.series(watched, 1120, 3) == {0: 16.0}


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_statistics_agree_with_their_values(values: list[float]) -> None:
    """Statistics of single values are those of the list, whichever order they come in."""
    data = [_datum(0, value) for value in values]
    assert statistic("SampleCount", data) == len(values)
    assert math.isclose(statistic("Sum", data), sum(values), abs_tol=1e-9)
    assert (statistic("Minimum", data), statistic("Maximum", data)) == (min(values), max(values))
    assert statistic("p100", data) == max(values)
    assert statistic("p50", data) in values


def test_sets_of_values_count_as_many() -> None:
    """A set that tells only sum, count, least and greatest is part of every statistic."""
    data = [_datum(0, 10.0), _set(100, 200.0, 1.0, 50.0)]
    assert statistic("Average", data) == pytest.approx(210 / 101)
    assert statistic("Maximum", data) == 50.0
    assert statistic("p50", data) == pytest.approx(149 / 98)
    assert statistic("p99.9", data) == 50.0
