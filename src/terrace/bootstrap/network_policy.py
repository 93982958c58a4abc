"""What the deploy role needs for a network: what it makes carries the environment's tag, and so does what it changes.

Pure. The exception is a VPC's default security group, which AWS makes itself and without a tag.
"""

from __future__ import annotations

from terrace.bootstrap.names import Names
from terrace.maturity.documents import Statement, allow

_KINDS = {
    "elastic-ip": ("AllocateAddress",),
    "internet-gateway": ("CreateInternetGateway",),
    "natgateway": ("CreateNatGateway",),
    "route-table": ("CreateRouteTable",),
    "security-group": ("CreateSecurityGroup",),
    "security-group-rule": ("AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
    "subnet": ("CreateSubnet",),
    "vpc": ("CreateVpc",),
    "vpc-endpoint": ("CreateVpcEndpoint",),
    "vpc-flow-log": ("CreateFlowLogs",),
}
"""Type of resource → what makes it."""
_INTO = (
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateFlowLogs",
    "CreateNatGateway",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateSubnet",
    "CreateVpcEndpoint",
)
"""What puts something new into, or onto, something that is there."""
_CHANGE = (
    "AssociateRouteTable",
    "AttachInternetGateway",
    "CreateRoute",
    "CreateTags",
    "DeleteFlowLogs",
    "DeleteInternetGateway",
    "DeleteNatGateway",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSecurityGroup",
    "DeleteSubnet",
    "DeleteTags",
    "DeleteVpc",
    "DeleteVpcEndpoints",
    "DetachInternetGateway",
    "DisassociateAddress",
    "DisassociateRouteTable",
    "ModifySecurityGroupRules",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ModifyVpcEndpoint",
    "ReleaseAddress",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress",
    "UpdateSecurityGroupRuleDescriptionsIngress",
)


def network_statements(at: Names, *, private: bool) -> list[Statement]:
    """Return what builds and changes the environment's network.

    Args:
        at: Names of what bootstrap makes.
        private: Interface endpoints are part of it.
    """
    every = [at.arn(f"{kind}/*", "ec2") for kind in _KINDS]
    creating = sorted({verb for verbs in _KINDS.values() for verb in verbs})
    asked = {"aws:RequestTag/environment": at.environment}
    tagged = {"StringEquals": {"aws:ResourceTag/environment": at.environment}}
    groups = [at.arn("security-group/*", "ec2")]
    statements = [
        allow("MakeNetwork", _ec2(creating), every, condition={"StringEquals": asked}),
        allow(
            "TagWhatIsMade",
            ["ec2:CreateTags"],
            every,
            condition={"StringEquals": {**asked, "ec2:CreateAction": creating}},
        ),
        allow("KeepNetwork", _ec2((*_INTO, *_CHANGE)), every, condition=tagged),
        allow(
            "EmptyDefaultGroup",
            ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"],
            groups,
            condition={"Null": {"aws:ResourceTag/environment": "true"}},
        ),
        allow("TagDefaultGroup", ["ec2:CreateTags"], groups, condition={"StringEquals": asked}),
        allow("LookAtNetwork", ["ec2:Describe*"], ["*"]),
    ]
    if private:
        zones = ["arn:aws:route53:::hostedzone/*"]
        statements.append(allow("NameEndpoints", ["route53:AssociateVPCWithHostedZone"], zones))
    return statements


def _ec2(verbs: tuple[str, ...] | list[str]) -> list[str]:
    return [f"ec2:{verb}" for verb in verbs]
