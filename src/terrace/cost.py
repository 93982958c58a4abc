"""What an environment costs a month while nobody uses it. Pure: settings and a price table in, rows out.

Only what is paid for by the hour or the month is counted. What grows with use (gigabytes, requests, running notebooks,
endpoints of models) is named from the capabilities' own data and not counted: nobody can know it beforehand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from terrace.maturity import CAPABILITIES, Plan, PlatformSettings, plan
from terrace.maturity.endpoint_services import callers, endpoint_services
from terrace.prices import Price, Prices, read_prices

CENT = Decimal("0.01")
IDLE_DRIVERS = (
    "three keys a month",
    "interface endpoint hours, by service and zone",
    "alarms",
    "dashboard",
    "tracking server hours, where one is chosen",
)
"""Cost drivers of the catalogue that rows count whole; the others grow with use."""


@dataclass(frozen=True)
class CostRow:
    """One thing that costs while it stands still.

    Attributes:
        capability: Id of the capability that it belongs to; `bootstrap` for what holds the state.
        item: What is paid for, as the price table names it.
        quantity: How many.
        monthly: US dollars a month for all of them; None where the table has no price.
        note: Where the price is from, or why there is none.
    """

    capability: str
    item: str
    quantity: int
    monthly: Decimal | None
    note: str

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        monthly = None if self.monthly is None else float(self.monthly)
        return {
            "capability": self.capability,
            "item": self.item,
            "quantity": self.quantity,
            "monthly_usd": monthly,
            "note": self.note,
        }


@dataclass(frozen=True)
class IdleCost:
    """What an environment costs a month while nobody uses it.

    Attributes:
        region: AWS region.
        rows: What costs, in the catalogue's order.
        with_use: What grows with use: capability and cost driver.
    """

    region: str
    rows: tuple[CostRow, ...]
    with_use: tuple[tuple[str, str], ...] = ()

    @property
    def known_total(self) -> Decimal:
        """US dollars a month of all rows that have a price."""
        return sum((row.monthly for row in self.rows if row.monthly is not None), Decimal(0))

    @property
    def unknown(self) -> tuple[str, ...]:
        """What has no price: `2 × alarm (observability)`."""
        return tuple(_named(row) for row in self.rows if row.monthly is None)

    def by_capability(self) -> dict[str, Decimal | None]:
        """Return US dollars a month by capability; None where nothing of it has a price."""
        found: dict[str, list[Decimal | None]] = defaultdict(list)
        for row in self.rows:
            found[row.capability].append(row.monthly)
        return {id: _sum(months) for id, months in found.items()}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; its form is a contract that scripts rest on."""
        return {
            "monthly_usd_known": float(self.known_total),
            "unknown": list(self.unknown),
            "rows": [row.to_json() for row in self.rows],
        }

    def summary(self) -> list[str]:
        """Return it in a line, or two where a price is unknown."""
        lines = [f"idle cost: ${self.known_total:.2f} a month in {self.region}, at list prices, before use"]
        return [*lines, *_unknown_line(self.unknown)]

    def lines(self) -> list[str]:
        """Return it for people: a line a row, the sum, what is unknown and what grows with use."""
        if not self.rows:
            return ["Nothing here costs while it stands still."]
        width = max(len(row.capability) for row in self.rows)
        lines = [f"{row.capability:<{width}}  {_dollars(row.monthly):>9}  {_what(row)}" for row in self.rows]
        lines += ["", *self.summary()]
        if self.with_use:
            drivers: dict[str, list[str]] = defaultdict(list)
            for id, driver in self.with_use:
                drivers[id].append(driver)
            grows = "; ".join(f"{id} ({', '.join(named)})" for id, named in drivers.items())
            lines.append(f"besides, with use: {grows}")
        return lines


@dataclass(frozen=True)
class CostDifference:
    """How one idle cost differs from another.

    Attributes:
        rows: Rows that differ: before, after; None where there is none.
        known: US dollars a month that come on top, below 0 for what is saved; of rows with a price.
        unknown: What has no price and is new, or more than before.
        gone: What has no price and is gone, or less than before.
    """

    rows: tuple[tuple[CostRow | None, CostRow | None], ...]
    known: Decimal
    unknown: tuple[str, ...]
    gone: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "monthly_usd_known": float(self.known),
            "unknown": list(self.unknown),
            "gone": list(self.gone),
            "rows": [
                {"before": before.to_json() if before else None, "after": after.to_json() if after else None}
                for before, after in self.rows
            ],
        }

    def lines(self) -> list[str]:
        """Return it for people; empty where nothing differs."""
        if not self.rows:
            return []
        sign = "-" if self.known < 0 else "+"
        lines = [f"idle cost: {sign}${abs(self.known):.2f} a month, at list prices, before use"]
        lines += [f"  {_change(before, after)}" for before, after in self.rows]
        lines += _unknown_line(self.unknown)
        if self.gone:
            lines.append(f"no longer paid, price unknown: {', '.join(self.gone)}")
        return lines


def idle(settings: PlatformSettings, prices: Prices | None = None, *, state: bool = False) -> IdleCost:
    """Return what an environment costs a month while nobody uses it.

    Args:
        settings: What the environment is made of.
        prices: The price table; None takes the one of `terrace.prices.read_prices`.
        state: Count the key of the state bucket too, which `terrace bootstrap` makes.

    Raises:
        PlanError: The settings contradict each other.
        SettingsError: The price table cannot be read.
    """
    table = read_prices() if prices is None else prices
    found = plan(settings)
    rows = [_priced(table, settings.region, *counted) for counted in _counted(settings, found)]
    if state:
        rows.insert(0, _priced(table, settings.region, "bootstrap", "kms-key", 1))
    rows += [
        CostRow(one.id, one.cost_drivers[0], 1, None, "Terrace cannot build it yet, so its cost is not counted")
        for one in found.capabilities
        if not one.built and one.cost_drivers
    ]
    with_use = tuple(
        (id, driver)
        for id, one in CAPABILITIES.items()
        if (found.has(id) or found.keeps(id)) and one.built
        for driver in one.cost_drivers
        if driver not in IDLE_DRIVERS
    )
    return IdleCost(settings.region, tuple(rows), with_use)


def difference(before: IdleCost, after: IdleCost) -> CostDifference:
    """Return how the idle cost changes from one to the other, row by row."""
    old = {(row.capability, row.item): row for row in before.rows}
    new = {(row.capability, row.item): row for row in after.rows}
    keys = [*old, *(key for key in new if key not in old)]
    rows = [(old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
    known = after.known_total - before.known_total
    more: list[str] = []
    less: list[str] = []
    for one, other in rows:
        step = (other.quantity if other else 0) - (one.quantity if one else 0)
        row = other or one
        if row is not None and row.monthly is None and step:
            (more if step > 0 else less).append(f"{abs(step)} × {row.item} ({row.capability})")
    return CostDifference(tuple(rows), known, tuple(more), tuple(less))


def endpoint_hourly(settings_region: str, instance_type: str, prices: Prices | None = None) -> Price | None:
    """Return the price of an instance behind an endpoint, None where the table lacks it."""
    table = read_prices() if prices is None else prices
    return table.find(settings_region, f"endpoint-{instance_type}")


def _counted(settings: PlatformSettings, found: Plan) -> Iterable[tuple[str, str, int]]:
    """Yield what is paid for by the hour or month: capability, item, quantity. It mirrors what the components build."""
    brought = settings.encryption.bring
    keys = sum(key is None for key in (brought.data, brought.models, brought.logs))
    if keys:
        yield "encryption", "kms-key", keys
    if found.has("network") and settings.network.bring is None:
        gateways = {"none": 0, "single": 1, "per-zone": settings.zone_count}[settings.nat_mode]
        if gateways:
            yield "network", "nat-gateway", gateways
            yield "network", "public-ipv4", gateways
        if found.has("private-network"):
            services = endpoint_services(settings.level, callers(found.on, settings.tracking.kind))
            zones = 1 if settings.effective_size == "small" else settings.zone_count
            yield "private-network", "interface-endpoint", len(services) * zones
    if found.has("observability"):
        yield "observability", "alarm", 1
        yield "observability", "dashboard", 1
    if found.has("tracking") or found.keeps("tracking"):
        # A server costs while it runs, also where only its runs are kept; the serverless App costs nothing.
        if settings.tracking.kind == "server":
            yield "tracking", f"mlflow-server-{settings.tracking.effective_size}", 1
        elif settings.tracking.kind != "app" and settings.tracking.secret is None:
            yield "tracking", "secret", 1


def _priced(prices: Prices, region: str, capability: str, item: str, quantity: int) -> CostRow:
    price = prices.find(region, item)
    if price is None:
        return CostRow(capability, item, quantity, None, f"no price of {item} in {region} is in the table")
    monthly = (price.monthly * quantity).quantize(CENT)
    note = (
        f"${price.usd} {'an' if price.unit == 'hour' else 'a'} {price.unit} ({price.date.isoformat()}; {price.source})"
    )
    return CostRow(capability, item, quantity, monthly, note)


def _sum(months: Iterable[Decimal | None]) -> Decimal | None:
    known = [month for month in months if month is not None]
    return sum(known, Decimal(0)) if known else None


def _named(row: CostRow) -> str:
    return f"{row.quantity} × {row.item} ({row.capability})"


def _what(row: CostRow) -> str:
    note = row.note.split(";")[0] + ")" if row.monthly is not None else row.note
    return f"{row.quantity} × {row.item}, {note}"


def _dollars(monthly: Decimal | None) -> str:
    return "unknown" if monthly is None else f"${monthly:.2f}"


def _unknown_line(unknown: tuple[str, ...]) -> list[str]:
    return [f"price unknown, not in the sum: {', '.join(unknown)}"] if unknown else []


def _change(before: CostRow | None, after: CostRow | None) -> str:
    row = after or before
    assert row is not None  # noqa: S101  (one of both is there)
    counts = f"{before.quantity if before else 0} → {after.quantity if after else 0}"
    none = Decimal(0)
    then, now = before.monthly if before else none, after.monthly if after else none
    return f"{row.capability}: {row.item} {counts}, {_dollars(then)} → {_dollars(now)}"
