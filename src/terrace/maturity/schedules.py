"""Schedules as EventBridge Scheduler takes them: what is one, and how often it fires. Pure."""

from __future__ import annotations

import re
from datetime import datetime

_UNITS = {"minute": 1 / 60, "hour": 1.0, "day": 24.0}
_RATE = re.compile(r"rate\(([1-9][0-9]{0,4}) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
_FIELDS = (
    ("minute", 0, 59, "", r""),
    ("hour", 0, 23, "", r""),
    ("day of the month", 1, 31, "", r"\?|L|L-\d{1,2}|LW|\d{1,2}W"),
    ("month", 1, 12, _MONTHS, r""),
    ("day of the week", 1, 7, _DAYS, rf"\?|L|(?:[1-7]|{_DAYS})(?:L|#[1-5])"),
    ("year", 1970, 2199, "", r""),
)
"""Field, its smallest and largest number, its names, and what else it takes."""


def problem(expression: str) -> str | None:
    """Return what is wrong with a schedule expression, None if EventBridge Scheduler takes it."""
    if rate := _RATE.fullmatch(expression):
        if (rate[1] == "1") != (rate[3] == ""):
            return f"a rate of {rate[1]} is written rate({rate[1]} {rate[2]}{'' if rate[1] == '1' else 's'})"
        return None
    if _AT.fullmatch(expression):
        return "at(…) fires once and never again: use rate(…) or cron(…)"
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "must be rate(1 day) or cron(0 3 ? * MON *), as EventBridge Scheduler takes it"
    fields = cron[1].split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        return f"cron has {len(fields)} fields, but takes six: {names}"
    for text, (name, least, most, words, others) in zip(fields, _FIELDS, strict=True):
        if not _takes(text, least, most, words, others):
            return f"{text!r} is no {name} of a cron expression ({least} to {most}{', or ' + words if words else ''})"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "one of day of the month and day of the week must be ?, and not both"
    return None


def interval_hours(expression: str) -> int | None:
    """Return the hours between two times of a schedule, rounded up; None where they differ or cannot be told.

    Args:
        expression: A schedule that `problem` finds nothing wrong with.
    """
    if rate := _RATE.fullmatch(expression):
        return max(1, -int(-int(rate[1]) * _UNITS[rate[2]] // 1))
    _, hour, day, month, weekday, year = expression.removeprefix("cron(").removesuffix(")").split()
    if (month, year) != ("*", "*") or day not in ("*", "?"):
        return None
    if weekday not in ("*", "?", "SUN-SAT", "1-7"):
        return 24 * 7
    return 1 if hour == "*" else 24


def known_timezone(name: str) -> bool:
    """Tell whether a name is one of the time zone database's."""
    import zoneinfo

    try:
        datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo(name))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _takes(text: str, least: int, most: int, words: str, others: str) -> bool:
    """Tell whether a field is made of numbers or names within its bounds, lists, ranges and steps."""
    if others and re.fullmatch(others, text):
        return True

    def number(part: str) -> int | None:
        if part.isdigit():
            return int(part)
        named = words.split("|") if words else []
        return named.index(part.upper()) + 1 if part.upper() in named else None

    for item in text.split(","):
        span, slash, step = item.partition("/")
        if slash and not (step.isdigit() and int(step) > 0):
            return False
        if span == "*":
            continue
        ends = [number(end) for end in span.split("-")]
        if len(ends) > 2 or any(end is None or not least <= end <= most for end in ends):
            return False
    return True
