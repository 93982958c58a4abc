"""The price table: a dated, editable file. A price that it lacks is unknown, never guessed from another region."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from terrace.errors import SettingsError

HOURS = 730
"""Hours of a month, as AWS's own calculator counts them: 365 × 24 / 12."""
EVERY = "every"
"""The region of a price that is the same in all of them."""
FILE = Path(__file__).with_name("prices.yaml")
VARIABLE = "TERRACE_PRICES"
"""Environment variable that names a table of the reader's own."""

Unit = Literal["hour", "month"]
_KEYS = ("region", "item", "usd", "unit", "source", "date")


@dataclass(frozen=True)
class Price:
    """What one item costs in one region.

    Attributes:
        region: AWS region, or `every`.
        item: What is paid for.
        usd: US dollars a unit, as listed: no tax, no discount, no free tier.
        unit: `hour` or `month`.
        source: Where the figure is from.
        date: When it was read there.
    """

    region: str
    item: str
    usd: Decimal
    unit: Unit
    source: str
    date: datetime.date

    @property
    def monthly(self) -> Decimal:
        """US dollars a month."""
        return self.usd * HOURS if self.unit == "hour" else self.usd

    @property
    def hourly(self) -> Decimal:
        """US dollars an hour."""
        return self.usd if self.unit == "hour" else self.usd / HOURS


@dataclass(frozen=True)
class Prices:
    """A table of prices."""

    rows: tuple[Price, ...]

    def find(self, region: str, item: str) -> Price | None:
        """Return the price of an item in a region, None where it is not known."""
        for wanted in (region, EVERY):
            for price in self.rows:
                if (price.region, price.item) == (wanted, item):
                    return price
        return None

    @property
    def oldest(self) -> datetime.date | None:
        """When the oldest figure was read."""
        return min((price.date for price in self.rows), default=None)


def read_prices(file: Path | None = None) -> Prices:
    """Return the table of a file.

    Args:
        file: The file; None takes the one that `TERRACE_PRICES` names, else the one that comes with Terrace.

    Raises:
        SettingsError: It cannot be read, or a row lacks something. Every problem names file and row.
    """
    file = file or Path(os.environ.get(VARIABLE) or FILE)
    try:
        read = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{file}: the price table cannot be read: {error}"], _HINT) from error
    rows = read.get("prices") if isinstance(read, dict) else None
    if not isinstance(rows, list):
        raise SettingsError([f"{file}: there is no list `prices`."], _HINT)
    problems: list[str] = []
    found = [_price(f"{file}: row {number}", row, problems) for number, row in enumerate(rows, start=1)]
    prices = [price for price in found if price is not None]
    seen: set[tuple[str, str]] = set()
    for price in prices:
        if (price.region, price.item) in seen:
            problems.append(f"{file}: {price.item} of {price.region} is there twice.")
        seen.add((price.region, price.item))
    if problems:
        raise SettingsError(problems, _HINT)
    return Prices(tuple(prices))


_HINT = f"The table that comes with Terrace shows the form: {FILE}. Without {VARIABLE}, it is the one that is used."


def _price(where: str, row: Any, problems: list[str]) -> Price | None:
    """Return a row as a price; what is wrong with it is added to the problems."""
    if not isinstance(row, Mapping) or set(row) != set(_KEYS):
        problems.append(f"{where}: it must have exactly these keys: {', '.join(_KEYS)}.")
        return None
    try:
        usd = Decimal(str(row["usd"]))
    except InvalidOperation:
        usd = Decimal(-1)
    if not (usd.is_finite() and usd >= 0):
        problems.append(f"{where}: usd is {row['usd']!r}, but must be a number of US dollars, not below 0.")
    if row["unit"] not in ("hour", "month"):
        problems.append(f"{where}: unit is {row['unit']!r}, but must be hour or month.")
    if not isinstance(row["date"], datetime.date):
        problems.append(f"{where}: date is {row['date']!r}, but must be a day: 2026-08-01.")
    if not str(row["source"] or "").strip():
        problems.append(f"{where}: source is empty; a price without one is unknown.")
    if any(problem.startswith(where) for problem in problems):
        return None
    return Price(str(row["region"]), str(row["item"]), usd, cast(Unit, row["unit"]), str(row["source"]), row["date"])
