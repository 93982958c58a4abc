"""Security groups. Their rules are resources of their own."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import request, without


class SecurityGroup(Ec2Thing):
    """A group of network interfaces with common rules. Its id is AWS's; it begins without any rule."""

    type = "aws:ec2/securityGroup:SecurityGroup"
    inputs = {"description": str, "name": str, "revokeRulesOnDelete": bool, "tags": dict, "vpcId": str}
    required = frozenset({"name", "vpcId"})
    replace = frozenset({"description", "name", "vpcId"})
    delete_before_replace = True
    kind = "security-group"
    listing = ("describe_security_groups", "GroupIds", "SecurityGroups")
    missing = ("InvalidGroup.NotFound",)
    names = {"name": "groupName"}
    kept = frozenset({"revokeRulesOnDelete"})

    def make(self, aws: Clients, inputs: Props) -> str:
        client = aws("ec2")
        # The description that the real provider gives to a group without one.
        settings = {"description": "Managed by Pulumi", **without(inputs, "revokeRulesOnDelete", "tags")}
        made = client.create_security_group(
            **request(client, "CreateSecurityGroup", settings, self.names), **tagged("security-group", inputs)
        )
        return str(made["GroupId"])

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        if not old:
            open_out = {"IpProtocol": "-1", "CidrIpv4": "0.0.0.0/0", "IsEgress": True}
            revoke(aws("ec2"), id, open_out)  # AWS gives every new group a way out, and the real provider takes it

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        if inputs.get("revokeRulesOnDelete"):
            revoke(aws("ec2"), id)
        aws("ec2").delete_security_group(GroupId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"vpc-id": inputs["vpcId"], "group-name": inputs["name"]}

    def more(self, aws: Clients, seen: Props) -> Props:
        return {"description": seen["Description"], "name": seen["GroupName"], "vpcId": seen["VpcId"]}


class DefaultSecurityGroup(Ec2Thing):
    """The group that every VPC has, adopted and emptied. To delete it lets go of it: AWS keeps it with the VPC."""

    type = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    inputs = {"tags": dict, "vpcId": str}
    required = frozenset({"vpcId"})
    replace = frozenset({"vpcId"})
    kind = "security-group"
    listing = SecurityGroup.listing
    missing = SecurityGroup.missing

    def make(self, aws: Clients, inputs: Props) -> str:
        return self._default(aws, inputs) or ""

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        if not old:
            revoke(aws("ec2"), id)

    def create(self, aws: Clients, inputs: Props) -> Any:
        return self.update(aws, self.make(aws, inputs), {}, inputs)

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        """Let go of it."""

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"vpc-id": inputs["vpcId"], "group-name": "default"}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        id = self._default(aws, inputs)
        return [id] if id else []

    def more(self, aws: Clients, seen: Props) -> Props:
        return {"description": seen["Description"], "name": seen["GroupName"]}

    def _default(self, aws: Clients, inputs: Props) -> str | None:
        filters = [{"Name": name, "Values": [value]} for name, value in self.alike(inputs).items()]
        seen = aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        return str(seen[0]["GroupId"]) if seen else None


def revoke(client: Any, group: str, like: Props | None = None) -> None:
    """Revoke the rules of a group, or those alone that have these values."""
    mine = [{"Name": "group-id", "Values": [group]}]
    rules = client.describe_security_group_rules(Filters=mine)["SecurityGroupRules"]
    for rule in rules:
        if all(rule.get(name) == value for name, value in (like or {}).items()):
            call = client.revoke_security_group_egress if rule["IsEgress"] else client.revoke_security_group_ingress
            call(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
