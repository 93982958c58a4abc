"""The most that the deploy role can ever do, whatever policies it gets. Pure.

It is for the security team to own: the role can change neither it nor itself. Wider than today's policies by what the
next levels need, narrower than an administrator: no users, no access keys, no role without the environment's boundary.
"""

from __future__ import annotations

from typing import Any

from terrace.bootstrap.names import Names
from terrace.maturity.documents import Document, Statement, allow, deny, document

_SERVICES = {
    "budgets": ("ListTagsForResource", "Modify*", "TagResource", "UntagResource", "View*"),
    "ce": (
        "CreateAnomaly*",
        "DeleteAnomaly*",
        "GetAnomaly*",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
        "UpdateAnomaly*",
    ),
    "cloudwatch": ("Delete*", "Describe*", "Get*", "List*", "Put*", "TagResource", "UntagResource"),
    "codeartifact": (
        "AssociateExternalConnection",
        "Create*",
        "Describe*",
        "List*",
        "TagResource",
        "UntagResource",
        "Update*",
    ),
    "codebuild": ("BatchGet*", "Create*", "DeleteProject", "Update*"),
    "ec2": (
        "AllocateAddress",
        "Associate*",
        "Attach*",
        "Authorize*",
        "Create*",
        "Delete*",
        "Describe*",
        "Detach*",
        "Disassociate*",
        "Modify*",
        "ReleaseAddress",
        "Replace*",
        "Revoke*",
        "Update*",
    ),
    "ecr": ("CreateRepository", "Describe*", "Get*", "ListTags*", "Put*", "SetRepositoryPolicy", "Tag*", "Untag*"),
    "events": ("Delete*", "Describe*", "List*", "Put*", "RemoveTargets", "TagResource", "UntagResource"),
    "kms": (
        "CreateAlias",
        "CreateGrant",
        "CreateKey",
        "Decrypt",
        "Describe*",
        "EnableKeyRotation",
        "Encrypt",
        "GenerateDataKey*",
        "Get*",
        "List*",
        "PutKeyPolicy",
        "RetireGrant",
        "TagResource",
        "UntagResource",
        "Update*",
    ),
    "logs": (
        "AssociateKmsKey",
        "CreateLogGroup",
        "DeleteLogGroup",
        "Describe*",
        "List*",
        "PutRetentionPolicy",
        "TagResource",
        "UntagResource",
    ),
    "route53": ("AssociateVPCWithHostedZone",),
    "s3": (
        "CreateBucket",
        "DeleteObject",
        "Get*",
        "List*",
        "PutBucket*",
        "PutEncryptionConfiguration",
        "PutLifecycleConfiguration",
        "PutObject",
        "TagResource",
        "UntagResource",
    ),
    "sagemaker": ("AddTags", "Create*", "DeleteTags", "Describe*", "List*", "Update*"),
    "secretsmanager": (
        "CreateSecret",
        "DescribeSecret",
        "GetResourcePolicy",
        "PutResourcePolicy",
        "TagResource",
        "UntagResource",
        "UpdateSecret",
    ),
    "sns": (
        "CreateTopic",
        "DeleteTopic",
        "Get*",
        "List*",
        "Set*",
        "Subscribe",
        "TagResource",
        "UntagResource",
        "Unsubscribe",
    ),
    "ssm": (
        "AddTagsToResource",
        "DeleteParameter",
        "DescribeParameters",
        "GetParameter*",
        "List*",
        "PutParameter",
        "RemoveTags*",
    ),
}
_CHANGING = ("Add*", "Attach*", "Create*", "Delete*", "Detach*", "Put*", "Remove*", "Set*", "Tag*", "Untag*", "Update*")


def deploy_boundary(at: Names) -> Document:
    """Return the boundary of the deploy role."""
    roles = at.arn(f"role/{at.prefix}-*")
    linked = at.arn("role/aws-service-role/*")
    services: dict[str, Any] = {"StringEquals": {"aws:RequestedRegion": [at.region, "us-east-1"]}}
    return document(
        allow("Services", _verbs(_SERVICES), ["*"], condition=services),
        allow(
            "BoundedRoles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
            [roles],
            condition={"StringEquals": {"iam:PermissionsBoundary": at.roles_boundary_arn}},
        ),
        allow(
            "Roles",
            ["iam:DeleteRole", "iam:Get*", "iam:List*", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:Update*"],
            [roles],
        ),
        allow(
            "RolesBoundary",
            ["iam:*Policy", "iam:*PolicyTags", "iam:*PolicyVersion", "iam:*PolicyVersions"],
            [at.roles_boundary_arn],
        ),
        allow("Providers", ["iam:GetOpenIDConnectProvider"], [at.arn("oidc-provider/*")]),
        allow("LinkedRoles", ["iam:CreateServiceLinkedRole"], [linked]),
        *denials(at),
    )


def denials(at: Names) -> list[Statement]:
    """Return what keeps the role from changing itself and what guards the state.

    The state's bucket and key belong here: whoever unlocks them reads every secret of the stack.
    """
    own = [at.role_arn, at.arn(f"policy/{at.role}-*")]
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": at.alias}}
    return [
        deny("KeepsItselfAsItIs", [f"iam:{verb}" for verb in _CHANGING], own),
        deny(
            "KeepsStateBucketAsItIs",
            ["s3:DeleteBucket*", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"],
            [f"arn:aws:s3:::{at.bucket}"],
        ),
        deny(
            "KeepsStateKeyAsItIs", ["kms:PutKeyPolicy", "kms:UntagResource"], [at.arn("key/*", "kms")], condition=named
        ),
        deny("KeepsStateAliasAsItIs", ["kms:UpdateAlias"], [at.arn(at.alias, "kms")]),
    ]


def _verbs(services: dict[str, tuple[str, ...]]) -> list[str]:
    return [f"{service}:{verb}" for service, verbs in services.items() for verb in verbs]
