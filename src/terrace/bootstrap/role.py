"""The first deploy role: who is trusted, what it may do, and the most it can ever do."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from terrace.bootstrap.deploy_boundary import deploy_boundary
from terrace.bootstrap.names import Names
from terrace.bootstrap.steps import Step, code_of, outcome
from terrace.bootstrap.trust import Provider
from terrace.errors import TerraceError
from terrace.maturity.documents import Document

VERSIONS = 5
"""Versions of a managed policy that IAM keeps at most."""
HOUR = 3600
"""Seconds of a session of CI."""


def ensure_provider(iam: Any, provider: Provider, tags: dict[str, str]) -> Step:
    """Make an OIDC provider, or give the one that is there our audience; one that is brought is left as it is.

    Raises:
        TerraceError: The settings bring a provider that the account does not have.
    """
    what = f"OIDC provider of {provider.name}"
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider.arn)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        if provider.brought:
            raise TerraceError(
                f"{provider.key} brings {provider.arn}, which the account does not have.",
                "Correct it, or remove the key and let bootstrap make one.",
            ) from error
        iam.create_open_id_connect_provider(Url=provider.url, ClientIDList=[provider.audience], Tags=_tags(tags))
        return Step(what, provider.arn, "made")
    if provider.audience in found["ClientIDList"]:
        return Step(what, provider.arn, "unchanged")
    if provider.brought:
        raise TerraceError(
            f"The provider {provider.arn}, which {provider.key} brings, is not for the audience {provider.audience}.",
            "Whoever owns it adds it: aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {provider.arn} --client-id {provider.audience}",
        )
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider.arn, ClientID=provider.audience)
    return Step(what, provider.arn, "changed", f"audience {provider.audience}")


def ensure_role(
    iam: Any,
    at: Names,
    trust: Document | None,
    policies: dict[str, Document],
    tags: dict[str, str],
    *,
    prescribed_boundary: str | None,
) -> list[Step]:
    """Make the deploy role with its policies and boundary, or bring them back to what they must be.

    Args:
        iam: Client of IAM.
        at: Names of what bootstrap makes.
        trust: Who assumes it; None leaves the trust of a role that is there as it is.
        policies: What it may do, by area.
        tags: Tags of what is made.
        prescribed_boundary: ARN of the organisation's boundary, which the role carries instead of one of ours.

    Raises:
        TerraceError: A role of that name is there that Terrace did not make.
    """
    steps = []
    boundary_arn = prescribed_boundary
    if boundary_arn is None:
        boundary_arn, step = _policy(iam, at, at.boundary, "deploy role's boundary", deploy_boundary(at), tags)
        steps.append(step)
    attached = {}
    for part, doc in policies.items():
        attached[part], step = _policy(iam, at, at.policy(part), f"deploy role's policy, {part}", doc, tags)
        steps.append(step)
    steps.append(_role(iam, at, trust, boundary_arn, list(attached.values()), tags))
    return steps


def role_exists(iam: Any, at: Names) -> bool:
    """Tell whether the deploy role is there."""
    return _get_role(iam, at) is not None


def _role(
    iam: Any, at: Names, trust: Document | None, boundary: str, policies: list[str], tags: dict[str, str]
) -> Step:
    found = _get_role(iam, at)
    made, changed = found is None, []
    if found is None:
        assert trust is not None  # noqa: S101  (the caller leaves the role out otherwise)
        iam.create_role(
            RoleName=at.role,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"Deploys the platform {at.environment} from CI",
            MaxSessionDuration=HOUR,
            PermissionsBoundary=boundary,
            Tags=_tags(tags),
        )
    else:
        has = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        if has.get("environment") != at.environment or has.get("capability") != "bootstrap":
            raise TerraceError(
                f"There is a role {at.role} that Terrace did not make: it lacks its tags.",
                "Remove or rename it; bootstrap changes no role of somebody else's.",
            )
        if trust is not None and found["AssumeRolePolicyDocument"] != trust:
            iam.update_assume_role_policy(RoleName=at.role, PolicyDocument=json.dumps(trust))
            changed.append("trust")
        if found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") != boundary:
            iam.put_role_permissions_boundary(RoleName=at.role, PermissionsBoundary=boundary)
            changed.append("boundary")
    listed = iam.get_paginator("list_attached_role_policies").paginate(RoleName=at.role)
    there = {policy["PolicyArn"] for page in listed for policy in page["AttachedPolicies"]}
    for arn in policies:
        if arn not in there:
            iam.attach_role_policy(RoleName=at.role, PolicyArn=arn)
            changed.append(arn.rpartition("/")[2])
    return Step("deploy role", at.role_arn, *outcome(made, changed))


def _get_role(iam: Any, at: Names) -> Any:
    try:
        return iam.get_role(RoleName=at.role)["Role"]
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        return None


def _policy(iam: Any, at: Names, name: str, what: str, wanted: Document, tags: dict[str, str]) -> tuple[str, Step]:
    """Make a managed policy, or give it a new version where it says something else. Old versions make room."""
    arn = at.arn(f"policy/{name}")
    try:
        found = iam.get_policy(PolicyArn=arn)["Policy"]
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        iam.create_policy(PolicyName=name, PolicyDocument=_compact(wanted), Tags=_tags(tags))
        return arn, Step(what, arn, "made")
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    if version["Document"] == wanted:
        return arn, Step(what, arn, "unchanged")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) >= VERSIONS:
        old = min((one for one in versions if not one["IsDefaultVersion"]), key=lambda one: one["CreateDate"])
        iam.delete_policy_version(PolicyArn=arn, VersionId=old["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_compact(wanted), SetAsDefault=True)
    return arn, Step(what, arn, "changed", "document")


def _compact(doc: Document) -> str:
    """Write a document without blanks: IAM counts characters."""
    return json.dumps(doc, separators=(",", ":"))


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
