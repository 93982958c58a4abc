"""How a network's addresses are divided."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terrace_components.layout import zone_name, zone_places

networks = st.integers(16, 20).flatmap(
    lambda prefix: st.integers(0, 2 ** (prefix - 8) - 1).map(
        lambda number: str(IPv4Network((0x0A000000 + number * 2 ** (32 - prefix), prefix)))
    )
)


@given(networks, st.integers(1, 4))
def test_subnets_lie_in_the_network_and_apart(cidr: str, zones: int) -> None:
    """Subnets of a network never overlap, and none lies outside."""
    subnets = [IPv4Network(c) for place in zone_places(cidr, zones) for c in (place.private_cidr, place.public_cidr)]
    assert len(subnets) == 2 * zones
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])


@given(networks)
def test_one_more_zone_moves_no_subnet(cidr: str) -> None:
    """Going from two zones to three leaves the first two as they are: the domain lives in them."""
    assert zone_places(cidr, 3)[:2] == zone_places(cidr, 2)


@given(networks)
def test_private_subnets_have_room(cidr: str) -> None:
    """Even the smallest network has private subnets of some five hundred addresses."""
    assert all(IPv4Network(place.private_cidr).num_addresses >= 512 for place in zone_places(cidr, 3))


@pytest.mark.parametrize(("cidr", "zones"), [("10.0.0.0/15", 2), ("10.0.0.0/21", 2), ("10.0.0.0/16", 5)])
def test_what_cannot_be_divided_is_refused(cidr: str, zones: int) -> None:
    """A network of another size, or more zones than there are places, is an error that says so."""
    with pytest.raises(ValueError, match="a network has"):
        zone_places(cidr, zones)


def test_a_region_with_too_few_zones_is_told_by_key() -> None:
    """Who asks for three zones where there are two reads which setting to lower."""
    with pytest.raises(ValueError, match=r"terrace:network\.zones"):
        zone_name(["us-west-1a", "us-west-1b"], 2, "us-west-1")
