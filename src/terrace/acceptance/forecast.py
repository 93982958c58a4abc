"""What a run may cost, before it begins. Pure: settings and prices in, a sum and what is missing from it out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from terrace.cost import CENT, IdleCost, endpoint_hourly, idle
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings
from terrace.prices import HOURS, Prices

USE = "use"
"""Everything that is paid for by use: gigabytes, requests, build minutes. A run uses little; nobody knows how much."""


@dataclass(frozen=True)
class Forecast:
    """What a run costs if it takes all of its time.

    Attributes:
        hours: The time limit.
        idle: What the environment costs while it stands, at the higher of its levels.
        endpoint: US dollars an hour of the model's endpoint; 0 where it is paid by use.
        unknown: What has no price and has to be acknowledged.
    """

    hours: Decimal
    idle: IdleCost
    endpoint: Decimal
    unknown: tuple[str, ...]

    @property
    def hourly(self) -> Decimal:
        """US dollars an hour of all that has a price."""
        return self.idle.known_total / HOURS + self.endpoint

    @property
    def known(self) -> Decimal:
        """US dollars of all that has a price, for the whole time limit."""
        return (self.hourly * self.hours).quantize(CENT)

    def refuse(self, cap: Decimal, acknowledged: Iterable[str]) -> None:
        """Refuse a run that may cost more than its cap, or whose cost is not known and not acknowledged.

        Raises:
            TerraceError: Names the sum and the cap, or what to acknowledge.
        """
        if self.known > cap:
            raise TerraceError(
                f"This may cost ${self.known} in {self.hours} h, at ${self.hourly:.4f} an hour, which is above the cap "
                f"of ${cap}.",
                "Lower the time limit (HOURS), or raise the cap (CAP).",
            )
        said = {item.strip() for item in acknowledged}
        if missing := [item for item in self.unknown if item not in said]:
            raise TerraceError(
                f"No price is known of: {', '.join(missing)}. The ${self.known} that are known leave it out.",
                f"Look it up and add it to the price table, or go on without: ACKNOWLEDGE={','.join(self.unknown)}",
            )

    def lines(self) -> list[str]:
        """Return it for people."""
        lines = [f"${self.known} for {self.hours} h at list prices (${self.hourly:.4f} an hour)"]
        return [*lines, f"not in it: {', '.join(self.unknown)}"] if self.unknown else lines


def forecast(
    settings: PlatformSettings,
    levels: Iterable[int],
    hours: Decimal,
    endpoint: tuple[str, int] | None,
    prices: Prices | None = None,
) -> Forecast:
    """Return what a run may cost.

    Args:
        settings: The environment's settings.
        levels: The levels that the run goes through: the dearest counts.
        hours: The time limit.
        endpoint: Instance type and count of the model's endpoint; None where it is serverless.
        prices: The price table; None takes the one of `terrace.prices.read_prices`.
    """
    found = [idle(settings.model_copy(update={"level": level}), prices) for level in levels]
    dearest = max(found, key=lambda cost: cost.known_total)
    unknown = list(dict.fromkeys(row.item for cost in found for row in cost.rows if row.monthly is None))
    each = Decimal(0)
    if endpoint is not None:
        type_, count = endpoint
        price = endpoint_hourly(settings.region, type_, prices)
        if price is None:
            unknown.append(f"endpoint-{type_}")
        else:
            each = price.hourly * count
    return Forecast(hours, dearest, each, (*unknown, USE))
