"""VPC endpoints: AWS's services without the internet."""

from __future__ import annotations

from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Diff, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import request, without
from terrace.sandbox.provider.waiters import wait

# Lists that change by what is added and what is removed → AWS's word in both arguments.
_MEMBERS = {"routeTableIds": "RouteTableIds", "securityGroupIds": "SecurityGroupIds", "subnetIds": "SubnetIds"}


class VpcEndpoint(Ec2Thing):
    """A way to one service, through routes (Gateway) or network interfaces (Interface). Its id is AWS's."""

    type = "aws:ec2/vpcEndpoint:VpcEndpoint"
    inputs = {
        "policy": str,
        "privateDnsEnabled": bool,
        "routeTableIds": [str],
        "securityGroupIds": [str],
        "serviceName": str,
        "subnetIds": [str],
        "tags": dict,
        "vpcEndpointType": str,
        "vpcId": str,
    }
    required = frozenset({"serviceName", "vpcId"})
    replace = frozenset({"serviceName", "vpcEndpointType", "vpcId"})
    policies = frozenset({"policy"})
    sets = frozenset(_MEMBERS)
    # A VPC has one private name for a service.
    delete_before_replace = True
    kind = "vpc-endpoint"
    listing = ("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints")
    missing = ("InvalidVpcEndpointId.NotFound",)
    names = {"policy": "policyDocument"}

    def diff(self, old: Props, new: Props) -> Diff:
        """Compare inputs; only an interface can take and lose its private name as it is."""
        plain = super().diff(old, new)
        if "privateDnsEnabled" not in plain.changed or new.get("vpcEndpointType") == "Interface":
            return plain
        return Diff(plain.changed, tuple(sorted({*plain.replace, "privateDnsEnabled"})), self.delete_before_replace)

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        settings = {"vpcEndpointType": "Gateway", "privateDnsEnabled": False, **without(inputs, "tags")}
        made = client.create_vpc_endpoint(
            **request(client, "CreateVpcEndpoint", settings, self.names), **tagged("vpc-endpoint", inputs)
        )
        id = str(made["VpcEndpoint"]["VpcEndpointId"])
        wait(f"VPC endpoint {id}", lambda: self._state(aws, id), until={"available"}, failed={"failed", "deleted"})
        return id

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        seen = self.describe(aws, id) or {}
        now = {**seen, "SecurityGroupIds": [group["GroupId"] for group in seen.get("Groups", [])]}
        change: dict[str, Any] = {}
        for name, word in _MEMBERS.items():
            before, after = set(now.get(word) or []), set(new.get(name) or [])
            if name not in new and name not in old:
                continue  # AWS chose them, as it does the VPC's default group
            change |= {f"Add{word}": sorted(after - before), f"Remove{word}": sorted(before - after)}
        if "policy" in new and old.get("policy") != new["policy"]:
            change["PolicyDocument"] = new["policy"]
        elif "policy" in old and "policy" not in new:
            change["ResetPolicy"] = True
        if bool(new.get("privateDnsEnabled")) != bool(seen.get("PrivateDnsEnabled")):
            change["PrivateDnsEnabled"] = bool(new.get("privateDnsEnabled"))
        change = {name: value for name, value in change.items() if value != []}
        if change:
            aws("ec2").modify_vpc_endpoint(VpcEndpointId=id, **change)

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        if self.describe(aws, id):
            left = aws("ec2").delete_vpc_endpoints(VpcEndpointIds=[id])["Unsuccessful"]
            if left:  # AWS answers with success all the same
                raise SandboxError(f"VPC endpoint {id} cannot be deleted: {left[0]['Error']['Message']}")
        # Its interfaces hold on to subnets and security groups until it is gone.
        wait(f"VPC endpoint {id}", lambda: self._state(aws, id), until={"deleted", None})

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"vpc-id": inputs["vpcId"], "service-name": inputs["serviceName"]}

    def more(self, aws: Clients, seen: Props) -> Props:
        named = {"state": "State", "networkInterfaceIds": "NetworkInterfaceIds", "requesterManaged": "RequesterManaged"}
        shown = {wire: seen[name] for wire, name in named.items() if name in seen}
        dns = [{"dnsName": e.get("DnsName"), "hostedZoneId": e.get("HostedZoneId")} for e in seen.get("DnsEntries", [])]
        groups = [group["GroupId"] for group in seen.get("Groups", [])]
        return {**shown, **self._prefixes(aws, seen), "dnsEntries": dns, "SecurityGroupIds": groups}

    def _prefixes(self, aws: Clients, seen: Props) -> dict[str, Any]:
        if seen["VpcEndpointType"] != "Gateway":
            return {}
        named = [{"Name": "prefix-list-name", "Values": [seen["ServiceName"]]}]
        lists = aws("ec2").describe_prefix_lists(Filters=named)["PrefixLists"]
        return {"prefixListId": lists[0]["PrefixListId"], "cidrBlocks": lists[0].get("Cidrs", [])} if lists else {}

    def _state(self, aws: Clients, id: str) -> str | None:
        seen = self.describe(aws, id)
        return str(seen["State"]).lower() if seen else None
