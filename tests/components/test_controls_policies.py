"""What policies may say: nothing wider than the job, ever."""

import json
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

import pytest
from components.conftest import graph_of
from components.recorder import ACCOUNT, Graph

from components import programs

# Actions for which AWS knows no resource (Service Authorization Reference): they list, log in, or publish metrics.
WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListDashboards",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "ec2:Describe*",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "logs:GetQueryResults",
    "sagemaker:List*",
    "sagemaker:Search",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "sts:GetServiceBearerToken",
}
LONG = {"organisation": "o" * 16, "team": "t" * 16, "model": "m" * 32, "environment": "production-x"}


def _identity_statements(graph: Graph) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements of policies that say what roles may do."""
    names = {r.name for r in graph if r.type.split(":")[-1] in ("RolePolicy", "Policy")}
    return [(name, s) for name, s in programs.statements(graph) if name in names]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_no_policy_allows_everything_of_a_service(graph: Graph) -> None:
    """No role may do `*` or `service:*`."""
    for name, statement in _identity_statements(graph):
        for action in _list(statement["Action"]):
            assert action.partition(":")[2] not in ("", "*"), (name, action)


def test_a_resource_is_named_wherever_aws_knows_one(graph: Graph) -> None:
    """`*` stands as resource for actions alone that cannot be scoped."""
    for name, statement in _identity_statements(graph):
        if "*" in _list(statement["Resource"]):
            wide = {
                a
                for a in _list(statement["Action"])
                if a not in WITHOUT_RESOURCE and not a.startswith("sagemaker:List")
            }
            assert not wide, name


def test_nobody_is_everybody(graph: Graph) -> None:
    """No statement allows something to `*`, but for S3's gateway, whose condition names the account."""
    for name, statement in programs.statements(graph):
        if statement["Effect"] == "Allow" and "*" in _list(statement.get("Principal", "")):
            assert name.endswith("s3-gateway"), name
            layers_only = statement["Action"] == "s3:GetObject" and "starport" in statement["Resource"]
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount")
            assert layers_only or account == ACCOUNT


def test_services_act_for_this_account_alone(graph: Graph) -> None:
    """A service that somebody else's resource talked into it cannot use our roles, keys, topics or buckets."""
    for name, statement in programs.statements(graph):
        if "Service" in _list(statement.get("Principal", {}))[0] if statement.get("Principal") else False:
            condition = json.dumps(statement.get("Condition", {}))
            assert "aws:SourceAccount" in condition or "kms:EncryptionContext" in condition, name


def test_roles_are_passed_by_name_to_one_service(graph: Graph) -> None:
    """PassRole says which roles and to which service."""
    for name, statement in _identity_statements(graph):
        if "iam:PassRole" in _list(statement["Action"]) and not name.endswith("boundary"):
            assert "iam:PassedToService" in statement["Condition"]["StringEquals"], name
            for arn in _list(statement["Resource"]):
                assert arn.startswith(f"arn:aws:iam::{ACCOUNT}:role/acme-"), name
                assert not arn.endswith("*"), name


def test_no_key_is_used_through_a_wildcard(graph: Graph) -> None:
    """Who decrypts names the key."""
    for name, statement in _identity_statements(graph):
        if any(action.startswith("kms:") for action in _list(statement["Action"])):
            assert all("key/" in arn and "*" not in arn for arn in _list(statement["Resource"])), name


def test_roles_are_only_changed_under_the_boundary(graph: Graph) -> None:
    """Who makes a role or writes its policy can do so only for roles that carry the boundary: no way up."""
    for name, statement in _identity_statements(graph):
        if {"iam:CreateRole", "iam:PutRolePolicy"} & set(_list(statement["Action"])):
            assert "iam:PermissionsBoundary" in statement["Condition"]["StringEquals"], name


def test_the_pipeline_cannot_change_its_own_role(model: Graph) -> None:
    """A pull request that was merged unseen cannot widen what pipelines may do."""
    own = f"arn:aws:iam::{ACCOUNT}:role/acme-dev-ml-flights-ci"
    for name, statement in _identity_statements(model):
        if name == "model-release-ci-ci-role-policy":
            changes = [
                a
                for a in _list(statement["Action"])
                if a.startswith("iam:") and not a.startswith(("iam:Get", "iam:List"))
            ]
            if changes:
                assert own not in _list(statement["Resource"])
                assert not any("*" in arn for arn in _list(statement["Resource"]))


def test_the_boundary_lets_roles_do_their_work(graph: Graph) -> None:
    """What a role's policy allows, the boundary allows too: nothing fails only because of it."""
    environment = next(r.inputs["tags"]["environment"] for r in graph if "tags" in r.inputs)
    boundary = json.loads(graph_of("platform", 1, environment).one("platform-identity-boundary").inputs["policy"])[
        "Statement"
    ]
    for name, statement in _identity_statements(graph):
        if name.endswith("boundary"):
            continue
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                assert any(
                    any(fnmatchcase(action, allowed) for allowed in _list(s["Action"]))
                    and any(fnmatchcase(resource, pattern) for pattern in _list(s["Resource"]))
                    for s in boundary
                ), (name, action, resource)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_policies_fit_whatever_the_names_are(level: int) -> None:
    """IAM's limits of size hold with the longest names that settings allow."""
    long_platform = programs.platform(
        organisation=LONG["organisation"], environment=LONG["environment"], level=level, teams={LONG["team"]: {}}
    )
    contract = str(long_platform.one("platform-contract").inputs["value"])
    github = {"owner": "g" * 39, "owner_id": "9" * 20, "repository": "r" * 100, "repository_id": "9" * 20}
    long_model = programs.model(
        contract=contract, environment=LONG["environment"], team=LONG["team"], model=LONG["model"], github=github
    )
    for graph in (long_platform, long_model):
        # All policies in a role count together.
        inline = Counter[str]()
        for resource in graph.of("RolePolicy"):
            inline[resource.inputs["role"]] += len(resource.inputs["policy"].replace(" ", ""))
        assert max(inline.values()) <= 10240, inline.most_common(3)
        for resource in graph:
            text = resource.inputs.get("policy")
            kind = resource.type.split(":")[-1]
            if kind == "Role":
                assert len(resource.inputs["assumeRolePolicy"].replace(" ", "")) <= 2048, resource.name
            if kind == "Policy":
                assert len(text.replace(" ", "")) <= 6144, (resource.name, len(text))
