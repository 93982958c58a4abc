"""Keeps what moto accepts and forgets of networks: words and changes of rules, private names of endpoints, and that a
gateway that is deleted lets go of its address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    InvalidParameterValue,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
)
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.vpcs import VPCs

from terrace.sandbox.services.extend import add
from terrace.sandbox.services.kept import wrap

_PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


def install() -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts."""
    setattr(SecurityGroupRule, "description", property(_description))  # noqa: B010
    wrap(SecurityGroups, "authorize_security_group_ingress", _authorize("ingress_rules"))
    wrap(SecurityGroups, "authorize_security_group_egress", _authorize("egress_rules"))
    add(SecurityGroups, [modify_security_group_rules])
    wrap(VPCs, "modify_vpc_endpoint", _modify_vpc_endpoint)
    wrap(NatGateways, "delete_nat_gateway", _delete_nat_gateway)


def modify_security_group_rules(self: Any) -> ActionResult:
    """Change rules of one group: everything about them but what kind of peer they have."""
    backend, id = self.ec2_backend, self._get_param("GroupId")
    group = backend.get_security_group_by_name_or_id(id)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(id)
    for change in self._get_param("SecurityGroupRules", []):
        rule = group.get_rule(change["SecurityGroupRuleId"])
        if rule is None:
            raise InvalidSecurityGroupRuleIdNotFoundError(change["SecurityGroupRuleId"])
        _change(backend, rule, change["SecurityGroupRule"])
    return ActionResult({"Return": True})


def _change(backend: Any, rule: Any, wanted: Mapping[str, Any]) -> None:
    kinds = [kind for kind in _PEERS if wanted.get(kind)]
    if kinds != [_kind(rule)]:
        raise InvalidParameterValue(f"Invalid rule type for security group rule '{rule.id}'.")
    peer = wanted[kinds[0]]
    if kinds == ["ReferencedGroupId"]:
        rule.source_group = {"GroupId": peer, "UserId": backend.account_id}
    elif kinds == ["PrefixListId"]:
        rule.prefix_list_id = peer
    else:
        rule.ip_range = {"CidrIp" if kinds == ["CidrIpv4"] else "CidrIpv6": peer}
    rule.ip_protocol = wanted["IpProtocol"]
    ports = (None, None) if rule.ip_protocol == "-1" else (wanted.get("FromPort"), wanted.get("ToPort"))
    rule.from_port, rule.to_port = (None if port is None else int(port) for port in ports)
    rule.said = wanted.get("Description") or None


def _kind(rule: Any) -> str:
    if rule.source_group:
        return "ReferencedGroupId"
    if rule.prefix_list_id:
        return "PrefixListId"
    return "CidrIpv4" if "CidrIp" in rule.ip_range else "CidrIpv6"


def _description(rule: Any) -> str | None:
    said: str | None = getattr(rule, "said", None) or rule.ip_range.get("Description")
    return said


def _authorize(direction: str) -> Callable[[Callable[[], Any], Any], Any]:
    """Keep the words that a rule has, which moto does for ranges of addresses alone."""

    def authorize(original: Callable[[], Any], self: Any) -> Any:
        result = original()
        group = self.ec2_backend.get_security_group_by_name_or_id(self._get_param("GroupId"))
        for permission in self._get_param("IpPermissions", []):
            words = dict(_words(permission))
            for rule in [*getattr(group, direction), *result.result["SecurityGroupRules"]]:
                peer = rule.source_group.get("GroupId") or rule.prefix_list_id
                ports = (rule.ip_protocol, rule.from_port, rule.to_port)
                if peer in words and ports == _ports(permission):
                    rule.said = words[peer]
        return result

    return authorize


def _words(permission: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for member, name in (("UserIdGroupPairs", "GroupId"), ("PrefixListIds", "PrefixListId")):
        for peer in permission.get(member, []):
            if peer.get("Description"):
                yield peer[name], peer["Description"]


def _ports(permission: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    protocol = str(permission["IpProtocol"])
    if protocol == "-1":
        return protocol, None, None
    return protocol, int(permission["FromPort"]), int(permission["ToPort"])


def _modify_vpc_endpoint(original: Callable[[], Any], self: Any) -> Any:
    endpoint = self.ec2_backend.describe_vpc_endpoints([self._get_param("VpcEndpointId")])[0]
    before = set(endpoint.route_table_ids or [])
    result = original()
    wanted = self._get_bool_param("PrivateDnsEnabled")
    if wanted is not None:
        endpoint.private_dns_enabled = wanted
    if self._get_bool_param("ResetPolicy"):
        endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
    if endpoint.destination_prefix_list_id:
        _move_routes(self.ec2_backend, endpoint, before, set(endpoint.route_table_ids))
    return result


def _move_routes(backend: Any, endpoint: Any, before: set[str], after: set[str]) -> None:
    """Give the tables of a gateway endpoint its route, and take it from those that it left."""
    prefixes = endpoint.destination_prefix_list_id
    for table in before - after:
        backend.delete_route(table, prefixes)
    for table in after - before:
        backend.create_route(table, None, destination_prefix_list_id=prefixes, gateway_id=endpoint.id)


def _delete_nat_gateway(original: Callable[[], Any], self: Any) -> Any:
    """Free the gateway's address, so that the next gateway can have it."""
    result = original()
    backend = self.ec2_backend
    interface = backend.nat_gateways[self._get_param("NatGatewayId")]._eni
    for address in backend.describe_addresses():
        if address.eni is interface and address.association_id:
            backend.disassociate_address(association_id=address.association_id)
    return result
