"""Private network: AWS's own services, reached without leaving the network."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity.endpoint_services import EndpointService, endpoint_services
from terrace_components.child import Children
from terrace_components.documents import policy
from terrace_components.network_policies import interface_policy
from terrace_components.placement import Place, Placement


class PrivateNetworkArgs(TypedDict):
    """Arguments of PrivateNetwork."""

    placement: Placement
    """Where the component stands."""
    vpc_id: pulumi.Input[str]
    """VPC that gets the endpoints."""
    subnet_ids: pulumi.Input[list[str]]
    """Subnets for the endpoints' interfaces, each of which costs by the hour: one suffices where an outage may."""
    workload_security_group_id: pulumi.Input[str]
    """Security group of those who call."""
    capabilities: list[str]
    """Ids of the capabilities that are on: they decide which services are called."""


class PrivateNetwork(pulumi.ComponentResource):
    """Interface endpoints for the services that workloads call, which let this account's own calls through alone."""

    security_group_id: pulumi.Output[str]
    """Id of the endpoints' security group."""

    def __init__(self, name: str, args: PrivateNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        services = endpoint_services(place.level, frozenset(args["capabilities"]))
        super().__init__("terrace:index:PrivateNetwork", name, {}, opts)
        child = Children(self, name, place, "private-network")

        group = child(
            aws.ec2.SecurityGroup,
            "security-group",
            name=place.name("security-group", "endpoints"),
            description="Interface endpoints of AWS services: HTTPS from workloads comes in, nothing goes out",
            vpc_id=args["vpc_id"],
        )
        child(
            aws.vpc.SecurityGroupIngressRule,
            "from-workload",
            security_group_id=group.id,
            referenced_security_group_id=args["workload_security_group_id"],
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="Workloads call AWS services",
        )
        child(
            aws.vpc.SecurityGroupEgressRule,
            "workload-to-endpoints",
            security_group_id=args["workload_security_group_id"],
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="AWS services through their endpoints",
        )
        for service in services:
            _endpoint(child, place, service, args, group.id)

        self.security_group_id = group.id
        self.register_outputs({"security_group_id": self.security_group_id})


def _endpoint(
    child: Children, place: Place, service: EndpointService, args: PrivateNetworkArgs, group: pulumi.Input[str]
) -> None:
    child(
        aws.ec2.VpcEndpoint,
        service.id,
        vpc_id=args["vpc_id"],
        service_name=service.service_name(place.region),
        vpc_endpoint_type="Interface",
        subnet_ids=args["subnet_ids"],
        security_group_ids=[group],
        private_dns_enabled=True,
        policy=policy(interface_policy(place.account, service.actions)),
        tags={"Name": place.name("tag", service.id)},
    )
