"""The rules of security groups, one resource a rule."""

from __future__ import annotations

from typing import Any, ClassVar

from terrace.sandbox.provider.base import Clients, Failure, Props
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.shapes import request, without

_PEERS = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


class _SecurityGroupRule(Ec2Thing):
    """What rules in both directions have in common."""

    inputs = {
        "cidrIpv4": str,
        "cidrIpv6": str,
        "description": str,
        "fromPort": int,
        "ipProtocol": str,
        "prefixListId": str,
        "referencedSecurityGroupId": str,
        "securityGroupId": str,
        "tags": dict,
        "toPort": int,
    }
    required = frozenset({"ipProtocol", "securityGroupId"})
    replace = frozenset({"securityGroupId"})
    kind = "security-group-rule"
    listing = ("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules")
    missing = ("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound")
    names = {"securityGroupId": "groupId", "referencedSecurityGroupId": "referencedGroupId"}
    direction: ClassVar[str]

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if sum(name in inputs for name in _PEERS) != 1:
            failures.append(Failure("cidrIpv4", f"is required, or one of {', '.join(_PEERS[1:])} in its place"))
        return failures

    def make(self, aws: Clients, inputs: Props) -> str:
        made = getattr(aws("ec2"), f"authorize_security_group_{self.direction}")(
            GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)], **tagged(self.kind, inputs)
        )
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        if not old or without(old, "tags") == without(new, "tags"):
            return
        client = aws("ec2")
        rule = without(new, "securityGroupId", "tags")
        props = {
            "groupId": new["securityGroupId"],
            "securityGroupRules": [{"securityGroupRuleId": id, "securityGroupRule": {"description": "", **rule}}],
        }
        client.modify_security_group_rules(**request(client, "ModifySecurityGroupRules", props, self.names))

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        if self.describe(aws, id):
            revoke = getattr(aws("ec2"), f"revoke_security_group_{self.direction}")
            revoke(GroupId=inputs["securityGroupId"], SecurityGroupRuleIds=[id])

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"group-id": inputs["securityGroupId"]}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        seen = {id: self.describe(aws, id) or {} for id in super().candidates(aws, inputs)}
        out = self.direction == "egress"
        return [id for id, rule in seen.items() if rule.get("IsEgress") == out and self._is_like(aws, rule, inputs)]

    def more(self, aws: Clients, seen: Props) -> Props:
        peer = (seen.get("ReferencedGroupInfo") or {}).get("GroupId")
        return {"ReferencedGroupId": peer, "securityGroupRuleId": seen["SecurityGroupRuleId"]}

    def _is_like(self, aws: Clients, rule: Props, inputs: Props) -> bool:
        # Two rules of a group cannot agree in these; the description is no part of what a rule is.
        names = ("ipProtocol", *_PEERS, *(() if inputs["ipProtocol"] == "-1" else ("fromPort", "toPort")))
        shown = self.outputs(aws, rule["SecurityGroupRuleId"], dict.fromkeys(self.inputs, ""), rule)
        return all(shown.get(name) == inputs.get(name) for name in names)


class SecurityGroupIngressRule(_SecurityGroupRule):
    """Lets traffic into a security group. Its id is AWS's."""

    type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    direction = "ingress"


class SecurityGroupEgressRule(_SecurityGroupRule):
    """Lets traffic out of a security group. Its id is AWS's."""

    type = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    direction = "egress"


def _permission(inputs: Props) -> dict[str, Any]:
    """Return the rule in the older form that creation takes, where each kind of peer has a list of its own."""
    described = {"Description": inputs["description"]} if "description" in inputs else {}
    permission: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    permission |= {
        word: inputs[name] for name, word in (("fromPort", "FromPort"), ("toPort", "ToPort")) if name in inputs
    }
    lists = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    for name, (member, word) in lists.items():
        if name in inputs:
            permission[member] = [{word: inputs[name], **described}]
    return permission


HANDLERS = (SecurityGroupEgressRule, SecurityGroupIngressRule)
