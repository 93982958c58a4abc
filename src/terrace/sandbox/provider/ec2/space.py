"""VPCs and subnets."""

from __future__ import annotations

from typing import Any, ClassVar

from terrace.sandbox.provider.base import Clients, Diff, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import request, without

# Switches of a VPC → what they are unless set. AWS takes and shows them one at a time.
_SWITCHES = {"enableDnsHostnames": False, "enableDnsSupport": True, "enableNetworkAddressUsageMetrics": False}


class Vpc(Ec2Thing):
    """A private network. Its id is AWS's."""

    type = "aws:ec2/vpc:Vpc"
    inputs = {
        "cidrBlock": str,
        "enableDnsHostnames": bool,
        "enableDnsSupport": bool,
        "enableNetworkAddressUsageMetrics": bool,
        "instanceTenancy": str,
        "tags": dict,
    }
    required = frozenset({"cidrBlock"})
    replace = frozenset({"cidrBlock", "instanceTenancy"})
    kind = "vpc"
    listing = ("describe_vpcs", "VpcIds", "Vpcs")
    missing = ("InvalidVpcID.NotFound",)

    def diff(self, old: Props, new: Props) -> Diff:
        """Compare inputs; a VPC can leave dedicated tenancy as it is, every other change of it replaces the VPC."""
        plain = super().diff(old, new)
        if old.get("instanceTenancy") != "dedicated" or new.get("instanceTenancy", "default") != "default":
            return plain
        replace = tuple(name for name in plain.replace if name != "instanceTenancy")
        return Diff(plain.changed, replace, bool(replace) and self.delete_before_replace)

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        settings = request(client, "CreateVpc", without(inputs, "tags", *_SWITCHES))
        return str(client.create_vpc(**settings, **tagged("vpc", inputs))["Vpc"]["VpcId"])

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        for name, default in _SWITCHES.items():
            if new.get(name, default) != old.get(name, default):
                aws("ec2").modify_vpc_attribute(VpcId=id, **{_aws(name): {"Value": new.get(name, default)}})
        if old.get("instanceTenancy") == "dedicated" and new.get("instanceTenancy", "default") == "default":
            aws("ec2").modify_vpc_tenancy(VpcId=id, InstanceTenancy="default")

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("ec2").delete_vpc(VpcId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"cidr-block-association.cidr-block": inputs["cidrBlock"], "is-default": "false"}

    def more(self, aws: Clients, seen: Props) -> Props:
        client, id = aws("ec2"), seen["VpcId"]
        mine = [{"Name": "vpc-id", "Values": [id]}]
        groups = client.describe_security_groups(Filters=[*mine, {"Name": "group-name", "Values": ["default"]}])
        main = client.describe_route_tables(Filters=[*mine, {"Name": "association.main", "Values": ["true"]}])
        acls = client.describe_network_acls(Filters=[*mine, {"Name": "default", "Values": ["true"]}])
        table = main["RouteTables"][0]["RouteTableId"]
        return {
            **{name: self._switch(client, id, name) for name in _SWITCHES},
            "defaultNetworkAclId": acls["NetworkAcls"][0]["NetworkAclId"],
            "defaultRouteTableId": table,
            "defaultSecurityGroupId": groups["SecurityGroups"][0]["GroupId"],
            "dhcpOptionsId": seen["DhcpOptionsId"],
            "mainRouteTableId": table,
        }

    def _switch(self, client: Any, id: str, name: str) -> bool:
        return bool(client.describe_vpc_attribute(VpcId=id, Attribute=name)[_aws(name)]["Value"])


class Subnet(Ec2Thing):
    """A range of a VPC's addresses in one zone. Its id is AWS's."""

    type = "aws:ec2/subnet:Subnet"
    inputs = {
        "availabilityZone": str,
        "availabilityZoneId": str,
        "cidrBlock": str,
        "mapPublicIpOnLaunch": bool,
        "tags": dict,
        "vpcId": str,
    }
    required = frozenset({"cidrBlock", "vpcId"})
    replace = frozenset({"availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"})
    # The ranges of two subnets of a VPC cannot overlap.
    delete_before_replace = True
    kind = "subnet"
    listing = ("describe_subnets", "SubnetIds", "Subnets")
    missing: ClassVar[tuple[str, ...]] = ("InvalidSubnetID.NotFound",)

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        settings = request(client, "CreateSubnet", without(inputs, "mapPublicIpOnLaunch", "tags"))
        return str(client.create_subnet(**settings, **tagged("subnet", inputs))["Subnet"]["SubnetId"])

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        public = bool(new.get("mapPublicIpOnLaunch"))
        if public != bool(old.get("mapPublicIpOnLaunch")):
            aws("ec2").modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": public})

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("ec2").delete_subnet(SubnetId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"vpc-id": inputs["vpcId"], "cidr-block": inputs["cidrBlock"]}

    def more(self, aws: Clients, seen: Props) -> Props:
        zone = {"availabilityZone": seen["AvailabilityZone"], "availabilityZoneId": seen["AvailabilityZoneId"]}
        return {**zone, "cidrBlock": seen["CidrBlock"], "vpcId": seen["VpcId"]}


def _aws(name: str) -> str:
    return name[0].upper() + name[1:]
