"""VPC endpoints and flow logs, from the inputs of a program to what EC2 shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.ec2 import FlowLog, RouteTable, SecurityGroup, Subnet, Vpc, VpcEndpoint

ENDPOINT, FLOW_LOG = VpcEndpoint(), FlowLog()
TAGS = ({"Name": "one", "b": "2"}, {"Name": "two", "c": "4"})
ROLE = "arn:aws:iam::<ACCOUNT>:role/flow-logs"
GROUP = f"arn:aws:logs:{REGION}:<ACCOUNT>:log-group:flow"


def _network(aws: Clients) -> dict[str, str]:
    vpc = Vpc().create(aws, {"cidrBlock": "10.0.0.0/16"}).id
    values = {"VPC": vpc}
    for number in (1, 2):
        cidr = f"10.0.{number}.0/24"
        values[f"SUBNET{number}"] = Subnet().create(aws, {"vpcId": vpc, "cidrBlock": cidr}).id
        values[f"TABLE{number}"] = RouteTable().create(aws, {"vpcId": vpc, "tags": {"Name": str(number)}}).id
        values[f"GROUP{number}"] = SecurityGroup().create(aws, {"vpcId": vpc, "name": str(number)}).id
    interface = aws("ec2").create_network_interface(SubnetId=values["SUBNET1"])["NetworkInterface"]
    values["INTERFACE"] = interface["NetworkInterfaceId"]
    aws("logs").create_log_group(logGroupName="flow")
    aws("s3").create_bucket(Bucket=f"flow-{aws.account}", CreateBucketConfiguration={"LocationConstraint": aws.region})
    return values


def _policy(action: str) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _look_endpoint(aws: Clients, state: State) -> Any:
    seen = aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[state.id])["VpcEndpoints"][0]
    return {**seen, "tags": named(seen["Tags"])}


def _look_log(aws: Clients, state: State) -> Any:
    seen = aws("ec2").describe_flow_logs(FlowLogIds=[state.id])["FlowLogs"][0]
    return {**seen, "tags": named(seen["Tags"])}


_ENDPOINT_SHOWS = {
    "policy": "PolicyDocument",
    "privateDnsEnabled": "PrivateDnsEnabled",
    "routeTableIds": "RouteTableIds",
    "securityGroupIds": "Groups[].GroupId",
    "serviceName": "ServiceName",
    "subnetIds": "SubnetIds",
    "tags": "tags",
    "vpcEndpointType": "VpcEndpointType",
    "vpcId": "VpcId",
}


def _log(what: str, id: str, **more: Any) -> Case:
    base = {what: id, "trafficType": "ALL", "maxAggregationInterval": 60, "logFormat": "${srcaddr} ${dstaddr}", **more}
    shows = {
        "iamRoleArn": "DeliverLogsPermissionArn",
        "logDestination": "LogDestination",
        "logDestinationType": "LogDestinationType",
        "logFormat": "LogFormat",
        "maxAggregationInterval": "MaxAggregationInterval",
        "tags": "tags",
        "trafficType": "TrafficType",
        what: "ResourceId",
    }
    before, after = {**base, "tags": TAGS[0]}, {**base, "tags": TAGS[1]}
    return Case(f"flow log of {what}", FLOW_LOG, before, after, _look_log, shows, _network)


CASES = [
    Case(
        "gateway endpoint",
        ENDPOINT,
        {
            "policy": _policy("s3:GetObject"),
            "routeTableIds": ["<TABLE1>"],
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "tags": TAGS[0],
            "vpcEndpointType": "Gateway",
            "vpcId": "<VPC>",
        },
        {
            "policy": _policy("s3:PutObject"),
            "routeTableIds": ["<TABLE2>"],
            "serviceName": f"com.amazonaws.{REGION}.s3",
            "tags": TAGS[1],
            "vpcEndpointType": "Gateway",
            "vpcId": "<VPC>",
        },
        _look_endpoint,
        _ENDPOINT_SHOWS,
        _network,
    ),
    Case(
        "interface endpoint",
        ENDPOINT,
        {
            "privateDnsEnabled": True,
            "securityGroupIds": ["<GROUP1>"],
            "serviceName": f"com.amazonaws.{REGION}.sagemaker.api",
            "subnetIds": ["<SUBNET1>"],
            "vpcEndpointType": "Interface",
            "vpcId": "<VPC>",
        },
        {
            "privateDnsEnabled": False,
            "securityGroupIds": ["<GROUP2>"],
            "serviceName": f"com.amazonaws.{REGION}.sagemaker.api",
            "subnetIds": ["<SUBNET2>"],
            "vpcEndpointType": "Interface",
            "vpcId": "<VPC>",
        },
        _look_endpoint,
        _ENDPOINT_SHOWS,
        _network,
    ),
    _log("vpcId", "<VPC>", logDestinationType="cloud-watch-logs", logDestination=GROUP, iamRoleArn=ROLE),
    _log("subnetId", "<SUBNET1>", logDestinationType="s3", logDestination="arn:aws:s3:::flow-<ACCOUNT>"),
    _log("eniId", "<INTERFACE>", logDestination=GROUP, iamRoleArn=ROLE),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_ec2_and_follows_a_change(case: Case, aws: Clients) -> None:
    """EC2 shows what a resource was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


@pytest.mark.parametrize("handler", [ENDPOINT, FLOW_LOG], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """Every input that a handler knows is shown by one of the cases above."""
    assert uncovered(handler, CASES) == {}


def test_a_gateway_endpoint_has_the_prefix_list_that_rules_name(aws: Clients) -> None:
    """Security groups let traffic to the service out by its prefix list."""
    values = _network(aws)
    made = ENDPOINT.create(aws, {"vpcId": values["VPC"], "serviceName": f"com.amazonaws.{REGION}.s3"})
    assert made.outputs["prefixListId"].startswith("pl-")
    assert made.outputs["arn"] == f"arn:aws:ec2:{REGION}:{aws.account}:vpc-endpoint/{made.id}"


def test_a_gateway_endpoint_routes_through_the_tables_that_it_is_given(aws: Clients) -> None:
    """A table gets the route with the endpoint, and loses it when the endpoint leaves it."""
    values = _network(aws)
    old = {"vpcId": values["VPC"], "serviceName": f"com.amazonaws.{REGION}.s3", "routeTableIds": [values["TABLE1"]]}
    made = ENDPOINT.create(aws, old)
    new = {**old, "routeTableIds": [values["TABLE2"]]}
    ENDPOINT.update(aws, made.id, old, new)
    routed = {
        table["RouteTableId"]
        for table in aws("ec2").describe_route_tables()["RouteTables"]
        if any(route.get("GatewayId") == made.id for route in table["Routes"])
    }
    assert routed == {values["TABLE2"]}


def test_an_interface_endpoint_leaves_its_network_free(aws: Clients) -> None:
    """Once it is deleted, nothing holds on to its subnet and its group."""
    values = _network(aws)
    inputs = {
        "vpcId": values["VPC"],
        "serviceName": f"com.amazonaws.{REGION}.sts",
        "vpcEndpointType": "Interface",
        "subnetIds": [values["SUBNET2"]],
        "securityGroupIds": [values["GROUP2"]],
        "privateDnsEnabled": True,
    }
    made = ENDPOINT.create(aws, inputs)
    assert made.outputs["networkInterfaceIds"]
    assert made.outputs["dnsEntries"][0]["dnsName"]
    ENDPOINT.delete(aws, made.id, inputs)
    SecurityGroup().delete(aws, values["GROUP2"], {})
    Subnet().delete(aws, values["SUBNET2"], {})


def test_a_flow_log_watches_exactly_one_thing() -> None:
    """None and two are refused before anything is made."""
    assert [f.property for f in FLOW_LOG.check({"logDestination": "a"})] == ["vpcId"]
    assert [f.property for f in FLOW_LOG.check({"logDestination": "a", "vpcId": "b", "eniId": "c"})] == ["vpcId"]


def test_a_flow_log_that_cannot_write_is_refused_with_the_reason(aws: Clients) -> None:
    """AWS answers such a call with success and a list of what failed."""
    inputs = {
        "vpcId": _network(aws)["VPC"],
        "trafficType": "ALL",
        "logDestinationType": "s3",
        "logDestination": "arn:aws:s3:::nowhere-at-all",
    }
    with pytest.raises(SandboxError, match="nowhere-at-all does not exist"):
        FLOW_LOG.create(aws, inputs)
