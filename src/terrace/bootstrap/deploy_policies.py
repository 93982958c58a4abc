"""What the platform's deploy role may do: what the resource types of the plan need, and no more. Pure.

The role makes and changes; it empties and deletes no store. To remove an environment, or to retire a store, is a
person's doing. IAM allows 6144 characters a managed policy, so there is one for each area.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terrace.bootstrap.deploy_boundary import denials
from terrace.bootstrap.names import Names
from terrace.bootstrap.network_policy import network_statements
from terrace.bootstrap.work_needs import JOB_LOGS, LOGS, WORK
from terrace.maturity import Plan, PlatformSettings, plan
from terrace.maturity.documents import Document, Statement, allow, document

PASSED_TO = {
    "images": "codebuild.amazonaws.com",
    "network": "vpc-flow-logs.amazonaws.com",
    "tracking": "sagemaker.amazonaws.com",
    "workbench": "sagemaker.amazonaws.com",
}
"""Capability → the service that the roles it makes are passed to."""


def deploy_policies(settings: PlatformSettings, at: Names, state_key: Any) -> dict[str, Document]:
    """Return the deploy role's policies by area: `foundation`, `work`, and `network` where one is built.

    Args:
        settings: What the environment is made of.
        at: Names of what bootstrap makes.
        state_key: ARN of the state's key, or what a template has in its place.
    """
    found = plan(settings)
    parts = {
        "foundation": [
            *_state(at, state_key),
            *_keys(at),
            *_buckets(at),
            *_roles(settings, at, found),
            *_parameters(at),
            *denials(at),
        ],
        "work": _work(at, found),
    }
    if settings.network.bring is None and (found.has("network") or found.keeps("workbench")):
        parts["network"] = network_statements(at, private=found.has("private-network"))
    return {part: document(*statements) for part, statements in parts.items() if statements}


def _state(at: Names, key: Any) -> list[Statement]:
    bucket = f"arn:aws:s3:::{at.bucket}"
    return [
        allow("ReadAndWriteState", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{bucket}/*"]),
        allow("FindState", ["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        allow("UseStateKey", ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], [key]),
    ]


def _keys(at: Names) -> list[Statement]:
    keys = [at.arn("key/*", "kms")]
    aliases = ["kms:CreateAlias", "kms:UpdateAlias"]
    return [
        allow("MakeKeys", ["kms:CreateKey", "kms:TagResource"], ["*"], condition=_asked(at)),
        allow(
            "KeepKeys",
            [
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:EnableKeyRotation",
                "kms:GenerateDataKey*",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:RetireGrant",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
                *aliases,
            ],
            keys,
            condition=_tagged(at),
        ),
        allow("NameKeys", aliases, [at.arn(f"alias/{at.prefix}-*", "kms")]),
        allow("FindKeys", ["kms:ListAliases"], ["*"]),
    ]


def _buckets(at: Names) -> list[Statement]:
    return [
        allow(
            "KeepBuckets",
            [
                "s3:CreateBucket",
                "s3:GetAccelerateConfiguration",
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:ListBucket",
                "s3:ListTagsForResource",
                "s3:PutBucketLogging",
                "s3:PutBucketNotification",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:TagResource",
                "s3:UntagResource",
            ],
            [f"arn:aws:s3:::{at.prefix}-*"],
        ),
    ]


def _roles(settings: PlatformSettings, at: Names, found: Plan) -> list[Statement]:
    roles = [at.arn(f"role/{at.prefix}-*")]
    services = sorted({service for capability, service in PASSED_TO.items() if found.has(capability)})
    statements = [
        allow(
            "MakeBoundedRoles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
            roles,
            condition={"StringEquals": {"iam:PermissionsBoundary": at.roles_boundary_arn}},
        ),
        allow(
            "KeepRoles",
            [
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            roles,
        ),
    ]
    if services:
        condition = {"StringEquals": {"iam:PassedToService": services}}
        statements.append(allow("PassRoles", ["iam:PassRole"], roles, condition=condition))
    if settings.identity.boundary_arn is None:
        statements.append(
            allow(
                "KeepBoundaryOfRoles",
                [
                    "iam:CreatePolicy",
                    "iam:CreatePolicyVersion",
                    "iam:DeletePolicyVersion",
                    "iam:GetPolicy",
                    "iam:GetPolicyVersion",
                    "iam:ListPolicyTags",
                    "iam:ListPolicyVersions",
                    "iam:TagPolicy",
                    "iam:UntagPolicy",
                ],
                [at.roles_boundary_arn],
            )
        )
    if found.has("ci"):
        providers = [at.arn("oidc-provider/*")]
        statements.append(allow("SeeProviders", ["iam:GetOpenIDConnectProvider"], providers))
    return statements


def _parameters(at: Names) -> list[Statement]:
    return [
        allow(
            "PublishContract",
            [
                "ssm:AddTagsToResource",
                "ssm:DeleteParameter",
                "ssm:GetParameter",
                "ssm:GetParameters",
                "ssm:ListTagsForResource",
                "ssm:PutParameter",
                "ssm:RemoveTagsFromResource",
            ],
            [at.arn(f"parameter/terrace/{at.environment}/*", "ssm")],
        ),
        allow("FindParameters", ["ssm:DescribeParameters"], ["*"]),
    ]


def _work(at: Names, found: Plan) -> list[Statement]:
    """Return what capabilities that are on, or whose stores are kept, need besides the foundation."""
    wanted = {id for id in WORK if found.has(id) or found.keeps(id)}
    statements = [
        _statement(at, sid, verbs, resources)
        for id, several in WORK.items()
        if id in wanted
        for sid, verbs, resources in several
    ]
    if wanted & {"images", "network"}:
        statements += [_statement(at, *one) for one in LOGS]
    if "lineage" in wanted:
        statements.append(_statement(at, *JOB_LOGS))
    if "tracking" in wanted:
        # AWS makes up the ARN of an App: that it is this environment's is told by its tag.
        apps = [at.arn("mlflow-app/*", "sagemaker")]
        statements += [
            allow("MakeTracking", ["sagemaker:AddTags", "sagemaker:CreateMlflowApp"], apps, condition=_asked(at)),
            allow("KeepTracking", _TRACKING, apps, condition=_tagged(at)),
        ]
    if "workbench" in wanted:
        condition = {"StringEquals": {"iam:AWSServiceName": "sagemaker.amazonaws.com"}}
        linked = [at.arn("role/aws-service-role/sagemaker.amazonaws.com/*")]
        statements.append(allow("LinkSageMaker", ["iam:CreateServiceLinkedRole"], linked, condition=condition))
    return statements


_TRACKING = [
    "sagemaker:AddTags",
    "sagemaker:DeleteTags",
    "sagemaker:DescribeMlflowApp",
    "sagemaker:ListTags",
    "sagemaker:UpdateMlflowApp",
]


def _statement(at: Names, sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return allow(sid, actions, [_resource(at, resource) for resource in resources])


def _resource(at: Names, pattern: str) -> str:
    path = at.prefix.replace(f"-{at.environment}", f"/{at.environment}")
    filled = pattern.format(prefix=at.prefix, account=at.account, path=path)
    service, _, resource = filled.partition(" ")
    return at.arn(resource, service) if resource else filled


def _tagged(at: Names) -> dict[str, Any]:
    return {"StringEquals": {"aws:ResourceTag/environment": at.environment}}


def _asked(at: Names) -> dict[str, Any]:
    return {"StringEquals": {"aws:RequestTag/environment": at.environment}}
