"""What an environment costs while it stands still, and where the figures are from."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from terrace import cost
from terrace.errors import SettingsError
from terrace.maturity import CAPABILITIES, PlatformSettings
from terrace.prices import EVERY, Prices, read_prices

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "components" / "golden"
TYPES = {
    "nat-gateway": "aws:ec2/natGateway:NatGateway",
    "public-ipv4": "aws:ec2/eip:Eip",
    "kms-key": "aws:kms/key:Key",
    "alarm": "aws:cloudwatch/metricAlarm:MetricAlarm",
    "dashboard": "aws:cloudwatch/dashboard:Dashboard",
}


def settings(environment: str = "dev", level: int = 1, **more: Any) -> PlatformSettings:
    """Return an environment's settings; what is named replaces the default."""
    said = {
        "organisation": "acme",
        "environment": environment,
        "level": level,
        "region": "eu-central-1",
        "owner": "mlops@acme.example",
        "budget": {"monthly": 200},
    }
    return PlatformSettings.model_validate(said | more)


def quantities(found: cost.IdleCost) -> dict[str, int]:
    """Return how many there are of each item."""
    return {row.item: row.quantity for row in found.rows}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_what_is_counted_is_what_the_components_build(environment: str, level: int) -> None:
    """Gateways, addresses, keys, alarms, dashboards and endpoints agree with the golden list of resources."""
    built = json.loads((GOLDEN / f"platform-{level}-{environment}.json").read_text())
    counted = quantities(cost.idle(settings(environment, level)))
    for item, type_ in TYPES.items():
        assert counted.get(item, 0) == sum(line.startswith(f"{type_} ") for line in built), item
    endpoints = sum("vpcEndpoint:VpcEndpoint platform-private-network" in line for line in built)
    zones = 3 if environment == "prod" else 1
    assert counted.get("interface-endpoint", 0) == endpoints * zones


def test_what_is_brought_is_not_paid_twice() -> None:
    """Keys and a network that the organisation has already add no row."""
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    network = {"vpcId": "vpc-0a1b2c3d", "subnetIds": ["subnet-1"], "securityGroupId": "sg-0a1b2c3d"}
    found = cost.idle(settings(encryption={"bring": {"data": key}}, network={"bring": network}))
    assert quantities(found)["kms-key"] == 2
    assert {"nat-gateway", "interface-endpoint"}.isdisjoint(quantities(found))


def test_a_price_that_is_not_in_the_table_is_unknown_and_not_zero() -> None:
    """Nothing is taken from another region: the row has no figure, is named, and is not in the sum."""
    found = cost.idle(settings(region="ap-south-2"))
    gateway = next(row for row in found.rows if row.item == "nat-gateway")
    assert gateway.monthly is None
    assert "1 × nat-gateway (network)" in found.unknown
    assert found.by_capability()["private-network"] is None
    assert found.known_total == Decimal("3.00") + Decimal("3.65") + Decimal("3.00")
    assert any("price unknown, not in the sum" in line for line in found.summary())


def test_a_capability_that_cannot_be_built_yet_is_unknown_and_named() -> None:
    """A level that is not built yet does not look cheaper than it will be."""
    assert any("(audit)" in named for named in cost.idle(settings(level=3)).unknown)


def test_the_default_of_level_2_costs_nothing_more_while_nobody_trains() -> None:
    """The serverless App has no hours: what stands at level 2 is what stood at level 1."""
    assert cost.idle(settings(level=2)).rows == cost.idle(settings(level=1)).rows
    drivers = cost.idle(settings(level=2)).with_use
    assert ("lineage", "gigabytes of older versions of the data") in drivers


def test_a_tracking_server_is_counted_by_its_size() -> None:
    """It costs by the hour, whoever uses it, and so does its endpoint in the network; kept it costs on."""
    found = cost.idle(settings(level=2, tracking={"kind": "server", "size": "large"}))
    assert [row.quantity for row in found.rows if row.item == "mlflow-server-large"] == [1]
    app = cost.idle(settings(level=2))
    endpoints = [next(r.quantity for r in one.rows if r.item == "interface-endpoint") for one in (found, app)]
    assert endpoints[0] > endpoints[1]
    kept = cost.idle(settings(level=1, keep=["tracking"], tracking={"kind": "server"}))
    assert any(row.item == "mlflow-server-small" for row in kept.rows)


def test_a_secret_of_a_tool_of_ones_own_is_counted() -> None:
    """One that is brought is not: it is paid for already."""
    own = {"kind": "mlflow", "uri": "https://mlflow.acme.example"}
    brought = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mlflow-AbCdEf"
    items = [row.item for row in cost.idle(settings(level=2, tracking=own)).rows]
    assert "secret" in items
    items = [row.item for row in cost.idle(settings(level=2, tracking={**own, "secret": brought})).rows]
    assert "secret" not in items


def test_the_sum_is_that_of_the_rows() -> None:
    """Rows, capabilities and total tell one story, to the cent."""
    found = cost.idle(settings("prod"))
    known = [row.monthly for row in found.rows if row.monthly is not None]
    assert found.known_total == sum(known)
    assert sum(month for month in found.by_capability().values() if month is not None) == found.known_total
    assert found.to_json()["monthly_usd_known"] == float(found.known_total)


def test_a_difference_is_the_opposite_of_the_way_back() -> None:
    """A level up costs what the level down saves, and says what of it has no price."""
    low, high = cost.idle(settings(level=0)), cost.idle(settings(level=1))
    up, down = cost.difference(low, high), cost.difference(high, low)
    assert up.known == -down.known == high.known_total - low.known_total
    assert up.unknown == down.gone == ("1 × alarm (observability)",)
    assert up.lines()[0].startswith("idle cost: +$")
    assert cost.difference(low, low).lines() == []


def test_what_grows_with_use_is_named_from_the_catalogue_and_not_counted() -> None:
    """Cost drivers are the capabilities' own; those that rows count whole are not named again."""
    drivers = {driver for one in CAPABILITIES.values() for driver in one.cost_drivers}
    assert set(cost.IDLE_DRIVERS) <= drivers
    named = dict(cost.idle(settings()).with_use)
    assert named["storage"]
    assert "observability" not in named


def test_every_price_says_where_and_when_it_was_read() -> None:
    """No figure stands without AWS's public page, a day and a region."""
    prices = read_prices().rows
    assert prices
    for price in prices:
        assert "https://aws.amazon.com/" in price.source
        assert "pricing" in price.source
        assert price.region == EVERY or price.region.count("-") == 2
        assert price.usd > 0


def test_a_table_of_the_reader_s_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TERRACE_PRICES names a file with negotiated prices."""
    file = tmp_path / "prices.yaml"
    file.write_text(
        "prices: [{region: eu-central-1, item: nat-gateway, usd: '0.01', unit: hour, source: ours, date: 2026-01-01}]"
    )
    monkeypatch.setenv("TERRACE_PRICES", str(file))
    assert cost.idle(settings()).known_total == Decimal("7.30")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "no list `prices`"),
        ("prices: [{region: every}]", "exactly these keys"),
        ("prices: [{region: r, item: i, usd: -1, unit: hour, source: s, date: 2026-01-01}]", "not below 0"),
        ("prices: [{region: r, item: i, usd: NaN, unit: hour, source: s, date: 2026-01-01}]", "not below 0"),
        ("prices: [{region: r, item: i, usd: '1', unit: year, source: s, date: 2026-01-01}]", "hour or month"),
        ("prices: [{region: r, item: i, usd: '1', unit: hour, source: '', date: 2026-01-01}]", "source is empty"),
        ("prices: [{region: r, item: i, usd: '1', unit: hour, source: s, date: soon}]", "must be a day"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_table_that_says_nothing_sure_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """A row without source, day or number is an error that names file and row, never a price of zero."""
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named) as refused:
        read_prices(file)
    assert str(file) in str(refused.value)


def test_a_price_for_one_region_goes_before_that_of_every_region() -> None:
    """A region's own price replaces the common one."""
    table = read_prices()
    kms = next(price for price in table.rows if price.item == "kms-key")
    own = type(kms)("eu-central-1", "kms-key", Decimal(2), "month", "ours", kms.date)
    found = Prices((*table.rows, own)).find("eu-central-1", "kms-key")
    assert found is not None
    assert found.monthly == 2
