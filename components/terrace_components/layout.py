"""How a network's addresses are divided. Pure: a CIDR and a number of zones in, subnets out.

Subnets are final: replacing one replaces the domain that lives in it. So the first half of the network is cut into
four private subnets, one a zone that AWS may ever give, whether they are used or not; adding a zone moves nothing.
The last sixteenth is cut into four public ones, which hold NAT gateways alone. What lies between is free.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

ZONES = ("a", "b", "c", "d")
"""Labels of the places for zones. Which of the region's zones takes a place is decided once, when it is built."""


@dataclass(frozen=True)
class ZonePlace:
    """What the network has in one zone."""

    label: str
    """Label of the place, not of AWS's zone."""
    position: int
    """Which of the region's zones, in AWS's order."""
    private_cidr: str
    public_cidr: str


def zone_places(cidr: str, zones: int) -> tuple[ZonePlace, ...]:
    """Divide a network.

    Args:
        cidr: A private IPv4 network of /16 to /20.
        zones: How many zones are used, 1 to 4.

    Raises:
        ValueError: The network cannot be divided so.
    """
    network = IPv4Network(cidr)
    if not 16 <= network.prefixlen <= 20:
        raise ValueError(f"{cidr} is /{network.prefixlen}; a network has /16 to /20.")
    if not 1 <= zones <= len(ZONES):
        raise ValueError(f"{zones} zones; a network has 1 to {len(ZONES)}.")
    lower_half = next(network.subnets(prefixlen_diff=1))
    last_sixteenth = list(network.subnets(prefixlen_diff=4))[-1]
    private = lower_half.subnets(prefixlen_diff=2)
    public = last_sixteenth.subnets(prefixlen_diff=2)
    places = [
        ZonePlace(label, position, str(inner), str(outer))
        for position, (label, inner, outer) in enumerate(zip(ZONES, private, public, strict=True))
    ]
    return tuple(places[:zones])


def zone_name(available: list[str], position: int, region: str) -> str:
    """Return the region's zone for a place.

    Raises:
        ValueError: The region has fewer zones for this account.
    """
    if position >= len(available):
        raise ValueError(
            f"{region} has {len(available)} zones for this account, but terrace:network asks for {position + 1}: "
            "lower terrace:network.zones or choose another region."
        )
    return available[position]
