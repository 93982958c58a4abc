"""Roles, policies and identity providers, from the inputs of a program to what IAM shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, InvokeError, State
from terrace.sandbox.provider.iam import (
    OpenIdConnectProvider,
    Policy,
    Role,
    RolePolicy,
    RolePolicyAttachment,
    get_openid_connect_provider,
)

ROLE, INLINE, POLICY = Role(), RolePolicy(), Policy()
ATTACHMENT, OPENID = RolePolicyAttachment(), OpenIdConnectProvider()


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _made(aws: Clients) -> dict[str, str]:
    ROLE.create(aws, {"name": "acme-train", "assumeRolePolicy": _trust("sagemaker.amazonaws.com")})
    return {name: POLICY.create(aws, {"name": name, "policy": _allow(f"s3:Get{name}")}).id for name in ("ONE", "TWO")}


def _look_role(aws: Clients, state: State) -> Any:
    client = aws("iam")
    return {
        **client.get_role(RoleName=state.id)["Role"],
        "tags": named(client.list_role_tags(RoleName=state.id)["Tags"]),
    }


def _look_policy(aws: Clients, state: State) -> Any:
    client = aws("iam")
    seen = client.get_policy(PolicyArn=state.id)["Policy"]
    version = client.get_policy_version(PolicyArn=state.id, VersionId=seen["DefaultVersionId"])["PolicyVersion"]
    tags = named(client.list_policy_tags(PolicyArn=state.id)["Tags"])
    return {**seen, "Document": version["Document"], "tags": tags}


def _look_openid(aws: Clients, state: State) -> Any:
    seen = aws("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=state.id)
    return {**seen, "Url": f"https://{seen['Url']}", "tags": named(seen["Tags"])}


CASES = [
    Case(
        "role",
        ROLE,
        {
            "assumeRolePolicy": _trust("sagemaker.amazonaws.com"),
            "description": "Trains",
            "forceDetachPolicies": False,
            "maxSessionDuration": 3600,
            "name": "acme-serve",
            "path": "/acme/",
            "permissionsBoundary": "<ONE>",
            "tags": {"a": "1", "b": "2"},
        },
        {
            "assumeRolePolicy": _trust("codebuild.amazonaws.com"),
            "description": "Builds",
            "forceDetachPolicies": True,
            "maxSessionDuration": 7200,
            "name": "acme-serve",
            "path": "/acme/",
            "permissionsBoundary": "<TWO>",
            "tags": {"a": "3", "c": "4"},
        },
        _look_role,
        {
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "description": "Description",
            "maxSessionDuration": "MaxSessionDuration",
            "name": "RoleName",
            "path": "Path",
            "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn",
            "tags": "tags",
        },
        _made,
        unseen=frozenset({"forceDetachPolicies"}),
    ),
    Case(
        "role policy",
        INLINE,
        {"name": "read", "policy": _allow("s3:GetObject"), "role": "acme-train"},
        {"name": "read", "policy": _allow("s3:PutObject"), "role": "acme-train"},
        lambda aws, state: aws("iam").get_role_policy(RoleName="acme-train", PolicyName="read"),
        {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
        _made,
    ),
    Case(
        "policy",
        POLICY,
        {
            "description": "Reads",
            "name": "acme-read",
            "path": "/acme/",
            "policy": _allow("s3:GetObject"),
            "tags": {"a": "1", "b": "2"},
        },
        {
            "description": "Reads",
            "name": "acme-read",
            "path": "/acme/",
            "policy": _allow("s3:PutObject"),
            "tags": {"a": "3", "c": "4"},
        },
        _look_policy,
        {"description": "Description", "name": "PolicyName", "path": "Path", "policy": "Document", "tags": "tags"},
    ),
    Case(
        "identity provider",
        OPENID,
        {
            "clientIdLists": ["sts.amazonaws.com"],
            "tags": {"a": "1", "b": "2"},
            "thumbprintLists": ["990f4193972f2becf12ddeda5237f9c952f20d9e"],
            "url": "https://token.actions.githubusercontent.com",
        },
        {
            "clientIdLists": ["sts.amazonaws.com", "sts.amazonaws.com.cn"],
            "tags": {"a": "3", "c": "4"},
            "thumbprintLists": ["cf23df2207d99a74fbe169e3eba035e633b65d94"],
            "url": "https://token.actions.githubusercontent.com",
        },
        _look_openid,
        {"clientIdLists": "ClientIDList", "tags": "tags", "thumbprintLists": "ThumbprintList", "url": "Url"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_iam_and_follows_a_change(case: Case, aws: Clients) -> None:
    """IAM shows what a resource was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


@pytest.mark.parametrize("handler", [ROLE, INLINE, POLICY, OPENID], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """Every input that a handler knows is shown by one of the cases above."""
    assert uncovered(handler, CASES) == {}


def _attached(aws: Clients) -> list[str]:
    return [
        policy["PolicyArn"]
        for policy in aws("iam").list_attached_role_policies(RoleName="acme-train")["AttachedPolicies"]
    ]


def test_a_policy_is_attached_and_detached(aws: Clients) -> None:
    """A role has the policy from the creation of the attachment to its deletion, and the attachment nothing else."""
    inputs = {"role": "acme-train", "policyArn": _made(aws)["ONE"]}
    assert ATTACHMENT.find(aws, inputs) is None
    made = ATTACHMENT.create(aws, inputs)
    assert _attached(aws) == [inputs["policyArn"]]
    assert (ATTACHMENT.read(aws, made.id, inputs), ATTACHMENT.find(aws, inputs)) == (made, made.id)
    assert ATTACHMENT.diff(inputs, {**inputs, "role": "a"}).replace == ("role",)
    assert ATTACHMENT.diff(inputs, {**inputs, "policyArn": "a"}).replace == ("policyArn",)
    ATTACHMENT.delete(aws, made.id, inputs)
    ATTACHMENT.delete(aws, made.id, inputs)
    assert (_attached(aws), ATTACHMENT.read(aws, made.id, inputs)) == ([], None)


@pytest.mark.parametrize("force", [False, True])
def test_a_role_with_policies_of_others_is_deleted_only_by_force(force: bool, aws: Clients) -> None:
    """IAM refuses to delete a role that still has policies, unless the program takes them off first."""
    arn = _made(aws)["ONE"]
    ATTACHMENT.create(aws, {"role": "acme-train", "policyArn": arn})
    INLINE.create(aws, {"role": "acme-train", "name": "read", "policy": _allow("s3:GetObject")})
    if force:
        ROLE.delete(aws, "acme-train", {"forceDetachPolicies": True})
        assert ROLE.read(aws, "acme-train", {}) is None
    else:
        with pytest.raises(ClientError, match="DeleteConflict"):
            ROLE.delete(aws, "acme-train", {})


def test_a_boundary_and_a_description_that_are_no_longer_given_go(aws: Clients) -> None:
    """What a program leaves out does not stay behind."""
    base = {"name": "acme-serve", "assumeRolePolicy": _trust("sagemaker.amazonaws.com")}
    old = {**base, "permissionsBoundary": _made(aws)["ONE"], "description": "Serves", "maxSessionDuration": 7200}
    ROLE.create(aws, old)
    seen = _look_role(aws, ROLE.update(aws, "acme-serve", old, base))
    assert "PermissionsBoundary" not in seen
    assert (seen.get("Description", ""), seen["MaxSessionDuration"]) == ("", 3600)


def test_a_policy_changes_more_often_than_iam_keeps_versions(aws: Clients) -> None:
    """The oldest version makes room for the sixth."""
    inputs = {"name": "acme-read", "policy": _allow("s3:GetObject")}
    id = POLICY.create(aws, inputs).id
    for number in range(8):
        new = {**inputs, "policy": _allow(f"s3:Get{number}")}
        POLICY.update(aws, id, inputs, new)
    assert len(aws("iam").list_policy_versions(PolicyArn=id)["Versions"]) == 5
    state = POLICY.read(aws, id, new)
    assert state is not None
    assert json.loads(state.outputs["policy"])["Statement"][0]["Action"] == ["s3:Get7"]
    POLICY.delete(aws, id, new)
    assert POLICY.read(aws, id, new) is None


def test_resources_have_the_outputs_that_programs_use(aws: Clients) -> None:
    """Names and ARNs are those of AWS."""
    role = ROLE.create(aws, {"name": "r", "assumeRolePolicy": _trust("sagemaker.amazonaws.com")}).outputs
    assert (role["arn"], role["name"], role["path"]) == (f"arn:aws:iam::{aws.account}:role/r", "r", "/")
    assert role["uniqueId"].startswith("AROA")
    policy = POLICY.create(aws, {"name": "p", "policy": _allow("s3:GetObject")}).outputs
    assert (policy["arn"], policy["attachmentCount"]) == (f"arn:aws:iam::{aws.account}:policy/p", 0)
    openid = OPENID.create(aws, {"url": "https://gitlab.example.org", "clientIdLists": ["a"]}).outputs
    assert openid["arn"] == f"arn:aws:iam::{aws.account}:oidc-provider/gitlab.example.org"


def test_the_data_source_finds_an_identity_provider_by_url_and_by_arn(aws: Clients) -> None:
    """One that somebody else made can be brought."""
    with pytest.raises(InvokeError, match="one of arn and url"):
        get_openid_connect_provider(aws, {})
    made = OPENID.create(aws, {"url": "https://gitlab.example.org", "clientIdLists": ["a"], "tags": {"b": "c"}})
    seen = get_openid_connect_provider(aws, {"url": "https://gitlab.example.org"})
    assert (seen["arn"], seen["clientIdLists"], seen["tags"]) == (made.id, ["a"], {"b": "c"})
    assert get_openid_connect_provider(aws, {"arn": made.id}) == seen
