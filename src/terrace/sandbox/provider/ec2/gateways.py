"""Ways in and out of a network: internet gateways, fixed addresses, NAT."""

from __future__ import annotations

from terrace.sandbox.provider.base import Clients, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import found, request, without
from terrace.sandbox.provider.waiters import wait


class InternetGateway(Ec2Thing):
    """Connects one VPC with the internet. Its id is AWS's."""

    type = "aws:ec2/internetGateway:InternetGateway"
    inputs = {"tags": dict, "vpcId": str}
    kind = "internet-gateway"
    listing = ("describe_internet_gateways", "InternetGatewayIds", "InternetGateways")
    missing = ("InvalidInternetGatewayID.NotFound",)

    def make(self, aws: Clients, inputs: Props) -> str:
        made = aws("ec2").create_internet_gateway(**tagged("internet-gateway", inputs))
        return str(made["InternetGateway"]["InternetGatewayId"])

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        client, wanted = aws("ec2"), new.get("vpcId")
        now = [a["VpcId"] for a in (self.describe(aws, id) or {}).get("Attachments", [])]
        for vpc in now:
            if vpc != wanted:
                client.detach_internet_gateway(InternetGatewayId=id, VpcId=vpc)
        if wanted and wanted not in now:
            client.attach_internet_gateway(InternetGatewayId=id, VpcId=wanted)

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        self.change(aws, id, inputs, {})
        aws("ec2").delete_internet_gateway(InternetGatewayId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        # Creation may have ended before or after the gateway was attached, but never with it at another VPC.
        ids = super().candidates(aws, inputs)
        at = {id: [a["VpcId"] for a in (self.describe(aws, id) or {}).get("Attachments", [])] for id in ids}
        return [id for id, vpcs in at.items() if not vpcs or vpcs == [inputs.get("vpcId")]]

    def more(self, aws: Clients, seen: Props) -> Props:
        attached = [attachment["VpcId"] for attachment in seen.get("Attachments", [])]
        return {"vpcId": attached[0]} if attached else {}


class Eip(Ec2Thing):
    """A public address that stays. Its id is the allocation's."""

    type = "aws:ec2/eip:Eip"
    inputs = {"domain": str, "tags": dict}
    replace = frozenset({"domain"})
    kind = "elastic-ip"
    listing = ("describe_addresses", "AllocationIds", "Addresses")
    missing = ("InvalidAllocationID.NotFound",)

    def make(self, aws: Clients, inputs: Props) -> str:
        made = aws("ec2").allocate_address(Domain=inputs.get("domain", "vpc"), **tagged("elastic-ip", inputs))
        return str(made["AllocationId"])

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("ec2").release_address(AllocationId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"domain": inputs.get("domain", "vpc")}

    def more(self, aws: Clients, seen: Props) -> Props:
        address = seen["PublicIp"]
        # us-east-1 has a domain of its own, all others are under their region's.
        zone = "compute-1" if aws.region == "us-east-1" else f"{aws.region}.compute"
        return {
            "allocationId": seen["AllocationId"],
            "associationId": seen.get("AssociationId", ""),
            "domain": seen["Domain"],
            "publicIp": address,
            "publicDns": f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com",
        }


class NatGateway(Ec2Thing):
    """Lets a private subnet reach out. Its id is AWS's."""

    type = "aws:ec2/natGateway:NatGateway"
    inputs = {"allocationId": str, "connectivityType": str, "subnetId": str, "tags": dict}
    required = frozenset({"subnetId"})
    replace = frozenset({"allocationId", "connectivityType", "subnetId"})
    kind = "natgateway"
    listing = ("describe_nat_gateways", "NatGatewayIds", "NatGateways")
    missing = ("NatGatewayNotFound",)

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        settings = request(client, "CreateNatGateway", without(inputs, "tags"))
        id = str(client.create_nat_gateway(**settings, **tagged("natgateway", inputs))["NatGateway"]["NatGatewayId"])
        wait(f"NAT gateway {id}", lambda: self._state(aws, id), until={"available"}, failed={"failed", "deleted", None})
        return id

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        if self._state(aws, id) not in ("deleted", None):
            aws("ec2").delete_nat_gateway(NatGatewayId=id)
        # Its address and its subnet cannot be deleted before it is gone.
        wait(f"NAT gateway {id}", lambda: self._state(aws, id), until={"deleted", None})

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"subnet-id": inputs["subnetId"]}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        seen = {id: self.describe(aws, id) or {} for id in super().candidates(aws, inputs)}
        return [
            id for id, gateway in seen.items() if _address(gateway).get("AllocationId") == inputs.get("allocationId")
        ]

    def more(self, aws: Clients, seen: Props) -> Props:
        address = _address(seen)
        named = {"networkInterfaceId": "NetworkInterfaceId", "privateIp": "PrivateIp", "publicIp": "PublicIp"}
        shown = {wire: address[name] for wire, name in named.items() if name in address}
        return {
            **shown,
            "allocationId": address.get("AllocationId"),
            "connectivityType": seen.get("ConnectivityType", "public"),
        }

    def _state(self, aws: Clients, id: str) -> str | None:
        seen = found(aws("ec2").describe_nat_gateways, *self.missing, NatGatewayIds=[id])
        return str(seen["NatGateways"][0]["State"]) if seen and seen["NatGateways"] else None


def _address(gateway: Props) -> Props:
    addresses = gateway.get("NatGatewayAddresses") or [{}]
    first: Props = addresses[0]
    return first
