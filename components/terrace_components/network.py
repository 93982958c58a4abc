"""Network: a VPC whose workloads have no way in, and out only as far as they are given one."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.choices import Nat
from terrace_components.documents import policy
from terrace_components.flow_logs import flow_logs
from terrace_components.layout import ZonePlace, zone_name, zone_places
from terrace_components.network_policies import s3_gateway_policy
from terrace_components.placement import Place, Placement


class NetworkArgs(TypedDict):
    """Arguments of Network."""

    placement: Placement
    """Where the component stands."""
    cidr: str
    """Addresses of the network, a private IPv4 network of /16 to /20. Never changed once built."""
    zones: int
    """How many availability zones are used."""
    nat: Nat
    """Way to the internet: single (one gateway), per-zone, or none."""
    logs_key_arn: pulumi.Input[str]
    """Key that encrypts the flow logs."""


class Network(pulumi.ComponentResource):
    """VPC, final private subnets, a security group for workloads, S3 without the internet, flow logs, NAT by choice."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    subnet_ids: pulumi.Output[list[str]]
    """Ids of the private subnets, one a zone."""
    security_group_id: pulumi.Output[str]
    """Id of the security group of workloads."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = Place.of(args["placement"])
        places = zone_places(args["cidr"], int(args["zones"]))
        super().__init__("terrace:index:Network", name, {}, opts)
        self._child = Children(self, name, self._place, "network")

        self._vpc = self._child(
            aws.ec2.Vpc,
            "vpc",
            cidr_block=args["cidr"],
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._named("vpc"),
        )
        # Adopted and emptied: the group that AWS makes with every VPC lets its members talk to anyone.
        self._child(aws.ec2.DefaultSecurityGroup, "default-security-group", vpc_id=self._vpc.id)
        self._zones = aws.get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOptions(parent=self),
        )
        subnets = [self._private_subnet(place) for place in places]
        tables = [self._route_table(place, subnet) for place, subnet in zip(places, subnets, strict=True)]
        gateway = self._s3_gateway(tables)
        self._security_group = self._workload_group(gateway, internet=args["nat"] != "none")
        if args["nat"] != "none":
            self._nat(places, tables, per_zone=args["nat"] == "per-zone")
        flow_logs(self._child, self._place, self._vpc.id, args["logs_key_arn"])

        self.vpc_id = self._vpc.id
        self.subnet_ids = pulumi.Output.all(*[subnet.id for subnet in subnets]).apply(list)
        self.security_group_id = self._security_group.id
        self.register_outputs(
            {"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids, "security_group_id": self.security_group_id}
        )

    def _named(self, what: str) -> dict[str, str]:
        return {"Name": self._place.name("tag", what)}

    def _zone(self, place: ZonePlace) -> pulumi.Output[str]:
        region = self._place.region
        return self._zones.names.apply(lambda names: zone_name(names, place.position, region))

    def _private_subnet(self, place: ZonePlace) -> aws.ec2.Subnet:
        return self._child(
            aws.ec2.Subnet,
            f"private-{place.label}",
            vpc_id=self._vpc.id,
            cidr_block=place.private_cidr,
            availability_zone=self._zone(place),
            map_public_ip_on_launch=False,
            tags=self._named(f"private-{place.label}"),
            # A zone that AWS adds or closes must not move a subnet, and with it the domain.
            opts=pulumi.ResourceOptions(ignore_changes=["availabilityZone"]),
        )

    def _route_table(self, place: ZonePlace, subnet: aws.ec2.Subnet) -> aws.ec2.RouteTable:
        """Give each zone a table of its own, so that NAT can become one a zone without moving a subnet."""
        key = f"private-{place.label}"
        table = self._child(aws.ec2.RouteTable, f"{key}-routes", vpc_id=self._vpc.id, tags=self._named(key))
        self._child(aws.ec2.RouteTableAssociation, f"{key}-association", subnet_id=subnet.id, route_table_id=table.id)
        return table

    def _s3_gateway(self, tables: list[aws.ec2.RouteTable]) -> aws.ec2.VpcEndpoint:
        return self._child(
            aws.ec2.VpcEndpoint,
            "s3-gateway",
            vpc_id=self._vpc.id,
            service_name=f"com.amazonaws.{self._place.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            policy=policy(s3_gateway_policy(self._place.account, self._place.region)),
            tags=self._named("s3"),
        )

    def _workload_group(self, gateway: aws.ec2.VpcEndpoint, *, internet: bool) -> aws.ec2.SecurityGroup:
        group = self._child(
            aws.ec2.SecurityGroup,
            "workload-security-group",
            name=self._place.name("security-group", "workload"),
            description="Jobs, endpoints and workbenches: nothing comes in from outside the group",
            vpc_id=self._vpc.id,
        )
        self._child(
            aws.vpc.SecurityGroupIngressRule,
            "workload-from-itself",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=1024,
            to_port=65535,
            description="Workers of one job, and a workbench and its kernels, talk to each other",
        )
        self._child(
            aws.vpc.SecurityGroupEgressRule,
            "workload-to-itself",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=1024,
            to_port=65535,
            description="Workers of one job, and a workbench and its kernels, talk to each other",
        )
        self._child(
            aws.vpc.SecurityGroupEgressRule,
            "workload-to-s3",
            security_group_id=group.id,
            prefix_list_id=gateway.prefix_list_id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="S3 through its gateway endpoint",
        )
        if internet:
            self._child(
                aws.vpc.SecurityGroupEgressRule,
                "workload-to-internet",
                security_group_id=group.id,
                cidr_ipv4="0.0.0.0/0",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                description="AWS APIs and package indexes by HTTPS, through NAT",
            )
        return group

    def _nat(self, places: tuple[ZonePlace, ...], tables: list[aws.ec2.RouteTable], *, per_zone: bool) -> None:
        internet = self._child(
            aws.ec2.InternetGateway, "internet-gateway", vpc_id=self._vpc.id, tags=self._named("internet")
        )
        public = self._child(aws.ec2.RouteTable, "public-routes", vpc_id=self._vpc.id, tags=self._named("public"))
        self._child(
            aws.ec2.Route,
            "public-to-internet",
            route_table_id=public.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=internet.id,
        )
        gateways = [self._nat_gateway(place, public) for place in (places if per_zone else places[:1])]
        for number, (place, table) in enumerate(zip(places, tables, strict=True)):
            self._child(
                aws.ec2.Route,
                f"private-{place.label}-to-internet",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[number if per_zone else 0].id,
            )

    def _nat_gateway(self, place: ZonePlace, routes: aws.ec2.RouteTable) -> aws.ec2.NatGateway:
        key = f"public-{place.label}"
        subnet = self._child(
            aws.ec2.Subnet,
            key,
            vpc_id=self._vpc.id,
            cidr_block=place.public_cidr,
            availability_zone=self._zone(place),
            map_public_ip_on_launch=False,
            tags=self._named(key),
            opts=pulumi.ResourceOptions(ignore_changes=["availabilityZone"]),
        )
        self._child(aws.ec2.RouteTableAssociation, f"{key}-association", subnet_id=subnet.id, route_table_id=routes.id)
        address = self._child(aws.ec2.Eip, f"{key}-address", domain="vpc", tags=self._named(key))
        return self._child(
            aws.ec2.NatGateway,
            f"{key}-nat",
            subnet_id=subnet.id,
            allocation_id=address.id,
            tags=self._named(key),
        )
