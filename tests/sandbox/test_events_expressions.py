"""When schedules are due, in AWS's dialect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.events.expressions import Cron, parse

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)  # a Saturday
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        # Those of AWS's own page on cron expressions, from a Saturday noon on.
        ("cron(0 10 * * ? *)", "2026-11-22T10:00"),
        ("cron(15 12 * * ? *)", "2026-11-21T12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-23T18:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-21T12:15"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-23T00:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-23T08:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-12-07T09:00"),
        ("cron(15 10 ? * 6L 2026-2028)", "2026-11-27T10:15"),
        ("cron(0 0 L * ? *)", "2026-11-30T00:00"),
        ("cron(0 0 LW * ? *)", "2026-11-30T00:00"),
        ("cron(0 0 ? * L *)", "2026-11-28T00:00"),
        ("cron(0 0 5W * ? *)", "2026-12-04T00:00"),
        ("cron(0 0 1W AUG ? 2027)", "2027-08-02T00:00"),
        ("cron(30 6,18 ? JAN,jul SUN *)", "2027-01-03T06:30"),
        ("cron(0 0 ? * SAT-SUN *)", "2026-11-22T00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00"),
        ("cron(0 0 31 2 ? *)", None),
        ("cron(0 0 1 1 ? 2020-2025)", None),
        ("at(2026-11-21T12:00:01)", "2026-11-21T12:00:01"),
        ("at(2026-11-21T12:00:00)", None),
    ],
)
def test_expressions_are_due_when_aws_says(expression: str, due: str | None) -> None:
    """Each form of an expression names the next time as AWS's documentation explains it."""
    assert parse(expression).after(NOON) == (due and datetime.fromisoformat(due).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 10 * * ? *",
        "cron(0 10 * * ?)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 0 * ? *)",
        "cron(0 10 * 13 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * MON#6 *)",
        "cron(0 10 * * ? 1969)",
        "cron(0/0 10 * * ? *)",
        "cron(30-10 10 * * ? *)",
        "cron(a 10 * * ? *)",
        "rate(0 minutes)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(5 seconds)",
        "rate(5)",
        "at(2026-11-21)",
        "at(2026-13-21T12:00:00)",
        "at(2026-11-21T12:00:00Z)",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    """An expression that is none is an error, with a reason."""
    with pytest.raises(ValueError, match=r"\w"):
        parse(expression)


def test_a_clock_that_is_put_forward_skips_what_falls_between() -> None:
    """A time that does not exist on the day that clocks change is skipped."""
    eve = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert parse("cron(30 2 * * ? *)", BERLIN).after(eve) == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)


def test_a_clock_that_is_put_back_repeats_nothing() -> None:
    """A time that comes twice on the day that clocks change counts once."""
    twice = parse("cron(30 2 * * ? *)", BERLIN)
    first = twice.after(datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert twice.after(first) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@given(moments, st.integers(1, 59), st.sampled_from(["minute", "hour", "day"]))
def test_rates_keep_their_distance(moment: datetime, number: int, unit: str) -> None:
    """The due times of a rate are whole periods after its start, and the next is never a period away."""
    every = number * {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[unit]
    start = datetime(2019, 1, 1, tzinfo=UTC)
    due = parse(f"rate({number} {unit}s)", start=start).after(moment)
    assert due is not None
    assert timedelta() < due - moment <= every
    assert (due - start) % every == timedelta()


fields = st.tuples(
    st.sampled_from(["*", "0", "59", "0/7", "10-20", "5,35"]),
    st.sampled_from(["*", "0", "23", "8-17", "0/6", "1,13"]),
    st.sampled_from([("*", "?"), ("1", "?"), ("31", "?"), ("L", "?"), ("15W", "?"), ("?", "MON"), ("?", "3#2")]),
    st.sampled_from(["*", "2", "JAN-MAR", "6,12"]),
)


@given(fields, moments)
def test_cron_finds_the_next_time_and_no_earlier_one(
    parts: tuple[str, str, tuple[str, str], str], moment: datetime
) -> None:
    """What is found fits every field, and nothing between the moment and it does."""
    minutes, hours, (of_month, of_week), months = parts
    cron = Cron.parse(f"{minutes} {hours} {of_month} {months} {of_week} *", ZoneInfo("UTC"))
    due = cron.after(moment)
    if of_month == "31" and months == "2":
        assert due is None
        return
    assert due is not None
    assert due > moment

    def fits(time: datetime) -> bool:
        return time.minute in cron.minutes and time.hour in cron.hours and _on_day(cron, time)

    assert fits(due)
    # All days before are none of it, and on the due day no earlier minute after the moment is.
    day = moment.date()
    while day < due.date():
        if day == moment.date() and _on_day(cron, moment):
            last = datetime(day.year, day.month, day.day, max(cron.hours), max(cron.minutes), tzinfo=UTC)
            assert last <= moment
        else:
            assert not _on_day(cron, datetime(day.year, day.month, day.day, tzinfo=UTC))
        day += timedelta(days=1)
    minute = max(moment.replace(second=0, microsecond=0) + timedelta(minutes=1), due - timedelta(minutes=90))
    while minute < due:
        assert not fits(minute)
        minute += timedelta(minutes=1)


def _on_day(cron: Cron, time: datetime) -> bool:
    return time.month in cron.months and cron.day(time.date())
