"""When something is due: `rate(…)`, `cron(…)` and `at(…)`, in the dialect of EventBridge and its Scheduler.

AWS's cron has six fields: minutes, hours, day of month, month, day of week, year. One of the two days is `?`. Beside
lists, ranges and steps there are `L` (last), `W` (nearest weekday) and `n#m` (the m-th such day of a month). A time
that a change of clocks skips is not made up for; one that it repeats counts once.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_YEARS = (1970, 2199)


class Expression(Protocol):
    """When something is due."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first due time after a moment, in UTC, None when there is none any more."""


def parse(text: str, zone: ZoneInfo | None = None, start: datetime | None = None) -> Expression:
    """Return what an expression means.

    Args:
        text: `rate(…)`, `cron(…)` or `at(…)`.
        zone: Where the clock hangs that `cron` and `at` look at; UTC by default.
        start: When a rate begins to count; it is due then for the first time.

    Raises:
        ValueError: AWS would refuse it; the message says why.
    """
    found = re.fullmatch(r"(rate|cron|at)\((.*)\)", text)
    if found is None:
        raise ValueError("it must be rate(…), cron(…) or at(…)")
    kind, inner = found.groups()
    place = zone or ZoneInfo("UTC")
    if kind == "rate":
        return Rate(_period(inner), start or datetime.now(UTC))
    return Cron.parse(inner, place) if kind == "cron" else At.parse(inner, place)


@dataclass(frozen=True)
class Rate:
    """Again and again, from a start."""

    every: timedelta
    start: datetime

    def after(self, moment: datetime) -> datetime | None:
        """Return the start, or the first whole number of periods after it."""
        if moment < self.start:
            return self.start
        return self.start + ((moment - self.start) // self.every + 1) * self.every


@dataclass(frozen=True)
class At:
    """Once."""

    time: datetime

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> At:
        """Read `yyyy-mm-ddThh:mm:ss`, which says no zone."""
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", text):
            raise ValueError("a time is at(yyyy-mm-ddThh:mm:ss)")
        return cls(datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC))

    def after(self, moment: datetime) -> datetime | None:
        """Return the time until it is past."""
        return self.time if moment < self.time else None


_Day = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """At times of the clock on days of the calendar."""

    zone: ZoneInfo
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    day: _Day

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Cron:
        """Read the six fields."""
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(
                f"cron has six fields, not {len(fields)}: minutes hours day-of-month month day-of-week year"
            )
        minutes, hours, of_month, month, of_week, year = fields
        if (of_month == "?") == (of_week == "?"):
            raise ValueError("one of day-of-month and day-of-week must be ?, and only one")
        return cls(
            zone,
            tuple(sorted(_numbers("minutes", minutes, 0, 59))),
            tuple(sorted(_numbers("hours", hours, 0, 23))),
            _numbers("month", month, 1, 12, _MONTHS),
            _numbers("year", year, *_YEARS),
            _days_of_month(of_month) if of_week == "?" else _days_of_week(of_week),
        )

    def after(self, moment: datetime) -> datetime | None:
        """Walk the calendar from the moment's day on."""
        local = moment.astimezone(self.zone)
        day = local.date()
        last = max(self.years)
        while day.year <= last:
            if day.year not in self.years:
                day = date(day.year + 1, 1, 1)
            elif day.month not in self.months:
                day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            else:
                found = self._on(day, moment) if self.day(day) else None
                if found is not None:
                    return found
                day += timedelta(days=1)
        return None

    def _on(self, day: date, moment: datetime) -> datetime | None:
        for hour in self.hours:
            for minute in self.minutes:
                time = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                due = time.astimezone(UTC)
                # A time of the clock that does not exist that day comes back as another one.
                exists = due.astimezone(self.zone).replace(tzinfo=None) == time.replace(tzinfo=None)
                if exists and due > moment:
                    return due
        return None


def _period(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+) +(minute|hour|day)s?", text.strip())
    if found is None or int(found[1]) < 1:
        raise ValueError("a rate is a positive number and minutes, hours or days")
    return int(found[1]) * _UNITS[found[2]]


def _numbers(name: str, text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """Return the numbers that a field of lists, ranges and steps means."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = low if span == "*" else _number(name, first, low, high, names)
        end = _number(name, last, low, high, names) if dash else high if slash or span == "*" else begin
        if slash and (not step.isdigit() or int(step) < 1):
            raise ValueError(f"{part!r} in {name} needs a positive step")
        if begin <= end:
            found.update(range(begin, end + 1, int(step) if slash else 1))
        elif names is _DAYS:  # FRI-MON goes over the end of the week
            found.update(range(begin, high + 1), range(low, end + 1))
        else:
            raise ValueError(f"{part!r} in {name} ends before it begins")
    return frozenset(found)


def _number(name: str, text: str, low: int, high: int, names: dict[str, int] | None) -> int:
    value = (names or {}).get(text)
    if value is None and text.isdigit():
        value = int(text)
    if value is None or not low <= value <= high:
        raise ValueError(f"{text!r} in {name} is not within {low} and {high}")
    return value


def _days_of_month(text: str) -> _Day:
    if text == "L":
        return lambda day: day.day == _length(day)
    if text == "LW":
        return lambda day: day.day == _nearest(day, _length(day))
    if text.endswith("W"):
        wanted = _number("day-of-month", text[:-1], 1, 31, None)
        return lambda day: wanted <= _length(day) and day.day == _nearest(day, wanted)
    days = _numbers("day-of-month", text, 1, 31)
    return lambda day: day.day in days


def _days_of_week(text: str) -> _Day:
    if text == "L":
        return lambda day: _week_day(day) == 7
    if text.endswith("L"):
        last = _number("day-of-week", text[:-1], 1, 7, _DAYS)
        return lambda day: _week_day(day) == last and day.day > _length(day) - 7
    if "#" in text:
        name, _, nth = text.partition("#")
        wanted, count = _number("day-of-week", name, 1, 7, _DAYS), _number("day-of-week", nth, 1, 5, None)
        return lambda day: _week_day(day) == wanted and (day.day - 1) // 7 + 1 == count
    days = _numbers("day-of-week", text, 1, 7, _DAYS)
    return lambda day: _week_day(day) in days


def _week_day(day: date) -> int:
    """Return the day of the week as AWS counts: Sunday is 1."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest(day: date, wanted: int) -> int:
    """Return the weekday of the same month that is nearest to a day of it."""
    found = date(day.year, day.month, wanted)
    if found.isoweekday() == 6:
        return wanted - 1 if wanted > 1 else wanted + 2
    if found.isoweekday() == 7:
        return wanted + 1 if wanted < _length(day) else wanted - 2
    return wanted
