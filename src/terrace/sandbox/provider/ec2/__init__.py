"""The network: VPCs, subnets, routes, gateways, security groups, endpoints, flow logs."""

from __future__ import annotations

from terrace.sandbox.provider.ec2.endpoint import VpcEndpoint
from terrace.sandbox.provider.ec2.flow_log import FlowLog
from terrace.sandbox.provider.ec2.gateways import Eip, InternetGateway, NatGateway
from terrace.sandbox.provider.ec2.groups import DefaultSecurityGroup, SecurityGroup
from terrace.sandbox.provider.ec2.routes import Route, RouteTable, RouteTableAssociation
from terrace.sandbox.provider.ec2.space import Subnet, Vpc

HANDLERS = (
    DefaultSecurityGroup,
    Eip,
    FlowLog,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
