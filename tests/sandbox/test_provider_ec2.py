"""The parts of a network, from the inputs of a program to what EC2 shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.ec2 import (
    DefaultSecurityGroup,
    Eip,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
)
from terrace.sandbox.provider.index import get_availability_zones, get_caller_identity, get_region
from terrace.sandbox.provider.vpc import SecurityGroupEgressRule, SecurityGroupIngressRule

VPC, SUBNET, INTERNET, ADDRESS, NAT = Vpc(), Subnet(), InternetGateway(), Eip(), NatGateway()
TABLE, ROUTE, ASSOCIATION = RouteTable(), Route(), RouteTableAssociation()
GROUP, DEFAULT = SecurityGroup(), DefaultSecurityGroup()
INGRESS, EGRESS = SecurityGroupIngressRule(), SecurityGroupEgressRule()
TAGS = ({"Name": "one", "b": "2"}, {"Name": "two", "c": "4"})


def _vpcs(aws: Clients) -> dict[str, str]:
    return {
        name: VPC.create(aws, {"cidrBlock": cidr}).id
        for name, cidr in (("VPC", "10.0.0.0/16"), ("OTHER", "10.1.0.0/16"))
    }


def _network(aws: Clients) -> dict[str, str]:
    """A VPC with all that routes and NAT gateways need."""
    values = _vpcs(aws)
    vpc = values["VPC"]
    values["SUBNET"] = SUBNET.create(aws, {"vpcId": vpc, "cidrBlock": "10.0.1.0/24"}).id
    values["ADDRESS"] = ADDRESS.create(aws, {"domain": "vpc"}).id
    values["INTERNET"] = INTERNET.create(aws, {"vpcId": vpc}).id
    values["TABLE"] = TABLE.create(aws, {"vpcId": vpc, "tags": {"Name": "first"}}).id
    values["SECOND"] = TABLE.create(aws, {"vpcId": vpc, "tags": {"Name": "second"}}).id
    values["NAT"] = NAT.create(aws, {"subnetId": values["SUBNET"], "allocationId": values["ADDRESS"]}).id
    client = aws("ec2")
    values["TRANSIT"] = client.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    peering = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=values["OTHER"])
    values["PEERING"] = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    made = client.create_egress_only_internet_gateway(VpcId=vpc)
    values["EGRESS"] = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    lists = client.describe_managed_prefix_lists()["PrefixLists"]
    values["PREFIXES"] = lists[0]["PrefixListId"]
    return values


def _groups(aws: Clients) -> dict[str, str]:
    values = _network(aws)
    for name in ("GROUP", "PEER", "PEER2"):
        values[name] = GROUP.create(aws, {"name": name, "vpcId": values["VPC"], "description": name}).id
    values["PREFIXES2"] = aws("ec2").describe_managed_prefix_lists()["PrefixLists"][1]["PrefixListId"]
    return values


def _look(operation: str, argument: str, answer: str) -> Callable[[Clients, State], Any]:
    def look(aws: Clients, state: State) -> Any:
        seen = getattr(aws("ec2"), operation)(**{argument: [state.id]})[answer][0]
        return {**seen, "tags": named(seen.get("Tags", []))}

    return look


def _look_vpc(aws: Clients, state: State) -> Any:
    seen = _look("describe_vpcs", "VpcIds", "Vpcs")(aws, state)
    for name in ("enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"):
        seen |= aws("ec2").describe_vpc_attribute(VpcId=state.id, Attribute=name)
    return seen


def _look_route(aws: Clients, state: State) -> Any:
    table = state.outputs["routeTableId"]
    routes = aws("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    added = [route for route in routes if route.get("GatewayId") != "local"]
    return {**added[0], "table": table}


def _look_association(aws: Clients, state: State) -> Any:
    tables = aws("ec2").describe_route_tables()["RouteTables"]
    return next(a for table in tables for a in table["Associations"] if a.get("SubnetId"))


def _route(old: str, new: str, destination: str = "0.0.0.0/0", kind: str = "destinationCidrBlock") -> Case:
    """Return a case whose route goes from the internet gateway to another kind of target, or back."""
    shown = {"destinationCidrBlock": "DestinationCidrBlock", "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock"}
    shown["destinationPrefixListId"] = "DestinationPrefixListId"
    shown |= {"routeTableId": "table", "gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}
    shown |= {"transitGatewayId": "TransitGatewayId", "vpcPeeringConnectionId": "VpcPeeringConnectionId"}
    shown["egressOnlyGatewayId"] = "EgressOnlyInternetGatewayId"
    targets = {"gatewayId": "<INTERNET>", "natGatewayId": "<NAT>", "transitGatewayId": "<TRANSIT>"}
    targets |= {"vpcPeeringConnectionId": "<PEERING>", "egressOnlyGatewayId": "<EGRESS>"}
    base = {"routeTableId": "<TABLE>", kind: destination}
    before, after = {**base, old: targets[old]}, {**base, new: targets[new]}
    return Case(f"route {kind} {old} {new}", ROUTE, before, after, _look_route, shown, _network)


def _rule(handler: Handler, peer: str, before: str, after: str) -> Case:
    """Return a case of a rule whose peer, ports, words and tags change."""
    base = {"securityGroupId": "<GROUP>", "ipProtocol": "tcp"}
    return Case(
        f"{handler.type.rpartition(':')[2]} {peer}",
        handler,
        {**base, peer: before, "fromPort": 443, "toPort": 443, "description": "One", "tags": TAGS[0]},
        {**base, "ipProtocol": "udp", peer: after, "fromPort": 53, "toPort": 54, "description": "Two", "tags": TAGS[1]},
        _look("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules"),
        {
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "description": "Description",
            "fromPort": "FromPort",
            "ipProtocol": "IpProtocol",
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
            "securityGroupId": "GroupId",
            "tags": "tags",
            "toPort": "ToPort",
        },
        _groups,
    )


CASES = [
    Case(
        "vpc",
        VPC,
        {
            "cidrBlock": "10.7.0.0/16",
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
            "enableNetworkAddressUsageMetrics": True,
            "instanceTenancy": "dedicated",
            "tags": TAGS[0],
        },
        {
            "cidrBlock": "10.7.0.0/16",
            "enableDnsHostnames": False,
            "enableDnsSupport": False,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "dedicated",
            "tags": TAGS[1],
        },
        _look_vpc,
        {
            "cidrBlock": "CidrBlock",
            "enableDnsHostnames": "EnableDnsHostnames.Value",
            "enableDnsSupport": "EnableDnsSupport.Value",
            "enableNetworkAddressUsageMetrics": "EnableNetworkAddressUsageMetrics.Value",
            "instanceTenancy": "InstanceTenancy",
            "tags": "tags",
        },
    ),
    *(
        Case(
            f"subnet by {zone}",
            SUBNET,
            {"cidrBlock": "10.0.1.0/24", "vpcId": "<VPC>", zone: place, "mapPublicIpOnLaunch": True, "tags": TAGS[0]},
            {"cidrBlock": "10.0.1.0/24", "vpcId": "<VPC>", zone: place, "mapPublicIpOnLaunch": False, "tags": TAGS[1]},
            _look("describe_subnets", "SubnetIds", "Subnets"),
            {
                "availabilityZone": "AvailabilityZone",
                "availabilityZoneId": "AvailabilityZoneId",
                "cidrBlock": "CidrBlock",
                "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
                "tags": "tags",
                "vpcId": "VpcId",
            },
            _vpcs,
        )
        for zone, place in (("availabilityZone", f"{REGION}b"), ("availabilityZoneId", "euc1-az3"))
    ),
    Case(
        "internet gateway",
        INTERNET,
        {"vpcId": "<VPC>", "tags": TAGS[0]},
        {"vpcId": "<OTHER>", "tags": TAGS[1]},
        _look("describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
        {"vpcId": "Attachments[0].VpcId", "tags": "tags"},
        _vpcs,
    ),
    Case(
        "address",
        ADDRESS,
        {"domain": "vpc", "tags": TAGS[0]},
        {"domain": "vpc", "tags": TAGS[1]},
        _look("describe_addresses", "AllocationIds", "Addresses"),
        {"domain": "Domain", "tags": "tags"},
    ),
    Case(
        "nat gateway",
        NAT,
        {"allocationId": "<ADDRESS2>", "connectivityType": "public", "subnetId": "<SUBNET>", "tags": TAGS[0]},
        {"allocationId": "<ADDRESS2>", "connectivityType": "public", "subnetId": "<SUBNET>", "tags": TAGS[1]},
        _look("describe_nat_gateways", "NatGatewayIds", "NatGateways"),
        {
            "allocationId": "NatGatewayAddresses[0].AllocationId",
            "connectivityType": "ConnectivityType",
            "subnetId": "SubnetId",
            "tags": "tags",
        },
        lambda aws: {**_network(aws), "ADDRESS2": ADDRESS.create(aws, {}).id},
    ),
    Case(
        "route table",
        TABLE,
        {"vpcId": "<VPC>", "tags": TAGS[0]},
        {"vpcId": "<VPC>", "tags": TAGS[1]},
        _look("describe_route_tables", "RouteTableIds", "RouteTables"),
        {"vpcId": "VpcId", "tags": "tags"},
        _vpcs,
    ),
    _route("gatewayId", "natGatewayId"),
    _route("natGatewayId", "gatewayId"),
    _route("transitGatewayId", "vpcPeeringConnectionId"),
    _route("vpcPeeringConnectionId", "transitGatewayId"),
    _route("egressOnlyGatewayId", "gatewayId", "::/0", "destinationIpv6CidrBlock"),
    _route("gatewayId", "egressOnlyGatewayId", "::/0", "destinationIpv6CidrBlock"),
    _route("gatewayId", "transitGatewayId", "<PREFIXES>", "destinationPrefixListId"),
    Case(
        "association",
        ASSOCIATION,
        {"routeTableId": "<TABLE>", "subnetId": "<SUBNET>"},
        {"routeTableId": "<SECOND>", "subnetId": "<SUBNET>"},
        _look_association,
        {"routeTableId": "RouteTableId", "subnetId": "SubnetId"},
        _network,
    ),
    Case(
        "security group",
        GROUP,
        {"name": "work", "description": "Works", "vpcId": "<VPC>", "revokeRulesOnDelete": True, "tags": TAGS[0]},
        {"name": "work", "description": "Works", "vpcId": "<VPC>", "revokeRulesOnDelete": False, "tags": TAGS[1]},
        _look("describe_security_groups", "GroupIds", "SecurityGroups"),
        {"name": "GroupName", "description": "Description", "vpcId": "VpcId", "tags": "tags"},
        _vpcs,
        unseen=frozenset({"revokeRulesOnDelete"}),
    ),
    *(
        _rule(handler, peer, before, after)
        for handler in (INGRESS, EGRESS)
        for peer, before, after in (
            ("cidrIpv4", "10.0.0.0/16", "10.1.0.0/16"),
            ("cidrIpv6", "fd00::/64", "fd00:1::/64"),
            ("prefixListId", "<PREFIXES>", "<PREFIXES2>"),
            ("referencedSecurityGroupId", "<PEER>", "<PEER2>"),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_ec2_and_follows_a_change(case: Case, aws: Clients) -> None:
    """EC2 shows what a resource was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


@pytest.mark.parametrize(
    "handler",
    [VPC, SUBNET, INTERNET, ADDRESS, NAT, TABLE, ROUTE, ASSOCIATION, GROUP, INGRESS, EGRESS],
    ids=lambda handler: handler.type,
)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """Every input that a handler knows is shown by one of the cases above."""
    assert uncovered(handler, CASES) == {}


def _rules(aws: Clients, group: str) -> list[Any]:
    mine = [{"Name": "group-id", "Values": [group]}]
    rules: list[Any] = aws("ec2").describe_security_group_rules(Filters=mine)["SecurityGroupRules"]
    return rules


def test_a_new_group_has_no_rule_at_all(aws: Clients) -> None:
    """AWS opens a new group to the outside, and the real provider closes it."""
    made = GROUP.create(aws, {"name": "closed", "vpcId": _vpcs(aws)["VPC"]})
    assert _rules(aws, made.id) == []
    assert made.outputs["description"] == "Managed by Pulumi"


def test_the_default_group_is_adopted_emptied_and_kept(aws: Clients) -> None:
    """Its creation makes nothing and its deletion deletes nothing, but no rule is left in it."""
    vpc = _vpcs(aws)["VPC"]
    before, after = {"vpcId": vpc, "tags": TAGS[0]}, {"vpcId": vpc, "tags": TAGS[1]}
    made = DEFAULT.create(aws, before)
    assert made.id == DEFAULT.find(aws, before) == VPC.read(aws, vpc, {}).outputs["defaultSecurityGroupId"]  # type: ignore[union-attr]
    assert _rules(aws, made.id) == []
    look = _look("describe_security_groups", "GroupIds", "SecurityGroups")
    assert look(aws, made)["tags"] == TAGS[0]
    assert DEFAULT.read(aws, made.id, before) == made
    assert look(aws, DEFAULT.update(aws, made.id, before, after))["tags"] == TAGS[1]
    DEFAULT.delete(aws, made.id, after)
    assert DEFAULT.read(aws, made.id, after) is not None
    assert DEFAULT.diff(before, {"vpcId": "vpc-2"}).replace == ("vpcId",)


def test_two_rules_that_differ_in_one_thing_are_told_apart(aws: Clients) -> None:
    """A search for one does not find the other, whatever they have in common."""
    values = _groups(aws)
    base = {"securityGroupId": values["GROUP"], "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    first, second = {**base, "cidrIpv4": "10.0.0.0/16"}, {**base, "cidrIpv4": "10.1.0.0/16"}
    id = INGRESS.create(aws, first).id
    assert (INGRESS.find(aws, first), INGRESS.find(aws, second), EGRESS.find(aws, first)) == (id, None, None)


def test_a_rule_has_exactly_one_peer() -> None:
    """None and two are refused before anything is made."""
    base = {"securityGroupId": "sg-1", "ipProtocol": "-1"}
    assert [f.property for f in EGRESS.check(base)] == ["cidrIpv4"]
    assert [f.property for f in EGRESS.check({**base, "cidrIpv4": "a", "cidrIpv6": "b"})] == ["cidrIpv4"]


def test_equal_addresses_are_all_candidates(aws: Clients) -> None:
    """Which of them an interrupted creation left is for the journal to say."""
    inputs = {"domain": "vpc", "tags": {"Name": "nat"}}
    made = {ADDRESS.create(aws, inputs).id for _ in range(2)}
    assert set(ADDRESS.candidates(aws, inputs)) == made


def test_an_address_is_free_when_its_gateway_was_deleted(aws: Clients) -> None:
    """Whoever deletes the gateway, the next one can have the address."""
    values = _network(aws)
    aws("ec2").delete_nat_gateway(NatGatewayId=values["NAT"])
    assert "AssociationId" not in aws("ec2").describe_addresses(AllocationIds=[values["ADDRESS"]])["Addresses"][0]
    inputs = {"subnetId": values["SUBNET"], "allocationId": values["ADDRESS"]}
    made = NAT.create(aws, inputs)
    assert made.id != values["NAT"]
    assert made.outputs["allocationId"] == values["ADDRESS"]


def test_a_network_is_taken_down_in_the_order_that_it_depends(aws: Clients) -> None:
    """Nothing that a deletion left behind keeps the next one from its end."""
    values = _groups(aws)
    NAT.delete(aws, values["NAT"], {})
    ADDRESS.delete(aws, values["ADDRESS"], {})
    SUBNET.delete(aws, values["SUBNET"], {})
    INTERNET.delete(aws, values["INTERNET"], {})
    for name in ("TABLE", "SECOND"):
        TABLE.delete(aws, values[name], {})
    for name in ("GROUP", "PEER", "PEER2"):
        GROUP.delete(aws, values[name], {})
    aws("ec2").delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=values["EGRESS"])
    aws("ec2").delete_vpc_peering_connection(VpcPeeringConnectionId=values["PEERING"])
    VPC.delete(aws, values["VPC"], {})
    assert VPC.read(aws, values["VPC"], {}) is None


def test_resources_have_the_outputs_that_programs_use(aws: Clients) -> None:
    """Ids, ARNs and addresses are those of AWS."""
    values = _network(aws)
    vpc = VPC.read(aws, values["VPC"], {})
    assert vpc is not None
    assert vpc.outputs["arn"] == f"arn:aws:ec2:{REGION}:{aws.account}:vpc/{vpc.id}"
    assert vpc.outputs["ownerId"] == aws.account
    assert vpc.outputs["mainRouteTableId"].startswith("rtb-")
    subnet = SUBNET.read(aws, values["SUBNET"], {})
    assert subnet is not None
    assert subnet.outputs["availabilityZone"].startswith(REGION)
    address = ADDRESS.read(aws, values["ADDRESS"], {})
    nat = NAT.read(aws, values["NAT"], {})
    assert address is not None
    assert nat is not None
    assert address.outputs["allocationId"] == address.id
    assert nat.outputs["publicIp"] == address.outputs["publicIp"]


def test_the_data_sources_tell_where_a_program_runs(aws: Clients) -> None:
    """Account, region and zones are those of the provider."""
    assert get_caller_identity(aws, {})["accountId"] == aws.account
    assert get_region(aws, {})["region"] == REGION
    filters = [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]
    zones = get_availability_zones(aws, {"state": "available", "filters": filters})
    assert zones["names"] == [f"{REGION}{letter}" for letter in "abc"]
    assert len(zones["zoneIds"]) == 3
    assert get_availability_zones(aws, {"excludeNames": [f"{REGION}a"]})["names"] == [f"{REGION}b", f"{REGION}c"]


def test_a_network_leaves_dedicated_tenancy_as_it_is(aws: Clients) -> None:
    """The one change of tenancy that AWS makes in place is made in place."""
    old = {"cidrBlock": "10.9.0.0/16", "instanceTenancy": "dedicated"}
    made = VPC.create(aws, old)
    VPC.update(aws, made.id, old, {"cidrBlock": "10.9.0.0/16"})
    (seen,) = aws("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"]
    assert seen["InstanceTenancy"] == "default"
