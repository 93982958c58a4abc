"""Durations as a pipeline's cache has them: ISO 8601, and the shorter form of AWS's own examples."""

from __future__ import annotations

import re
from datetime import timedelta

_FORM = re.compile(
    r"p?(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)?", re.IGNORECASE
)
# A year and a month are as long as they are on average where nothing says which ones are meant.
_UNITS = (
    timedelta(days=365),
    timedelta(days=30),
    timedelta(weeks=1),
    timedelta(days=1),
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
)


def duration(said: str) -> timedelta | None:
    """Return how long `P30D`, `PT1H`, `30d` or `T16m` is; None for what is no duration."""
    found = _FORM.fullmatch(said)
    if found is None or not any(found.groups()):
        return None
    try:
        parts = zip(found.groups(), _UNITS, strict=True)
        return sum((int(count) * unit for count, unit in parts if count), timedelta())
    except OverflowError:
        return None
