"""IAM policy documents as plain values: every rule can be read and tested.

A value inside a document may be one that is only known later (a key's ARN, once the key is there): nothing here looks
at it. Components and `terrace bootstrap` write their policies with these functions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]


def document(*statements: Statement) -> Document:
    """Return a policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[Any],
    *,
    principal: Mapping[str, Any] | str | None = None,
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """Return a statement that allows actions.

    Args:
        sid: Letters and digits that say what the statement is for.
        actions: Actions by name; never `*` nor `service:*`.
        resources: ARNs or patterns of them; `*` only where AWS knows no resource for the action.
        principal: Who, in the policy of a resource; absent in the policy of a role.
        condition: What must hold besides.
    """
    return _statement("Allow", sid, actions, resources, principal, condition)


def deny(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[Any],
    *,
    principal: Mapping[str, Any] | str | None = None,
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """Return a statement that denies actions, whatever other statements allow."""
    return _statement("Deny", sid, actions, resources, principal, condition)


def deny_insecure(action: str, resources: Sequence[Any]) -> Statement:
    """Return the statement that refuses requests without TLS, for everyone (FSBP S3.5, SNS.4)."""
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return deny("DenyWithoutTls", [action], resources, principal="*", condition=condition)


def account_root(account: str) -> str:
    """Return the principal that stands for an account: its own IAM policies decide who of it may."""
    return f"arn:aws:iam::{account}:root"


def service_trust(account: str, *services: str) -> Document:
    """Return the trust policy of a role that AWS services assume, for resources of this account alone."""
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    return document(_trust("TrustServices", "sts:AssumeRole", {"Service": list(services)}, condition))


def account_trust(account: str) -> Document:
    """Return the trust policy of a role that people of this account assume when their own policies allow it."""
    return document(_trust("TrustAccount", "sts:AssumeRole", {"AWS": account_root(account)}, None))


def role_trust(roles: Sequence[Any]) -> Document:
    """Return the trust policy of a role that only these roles assume."""
    return document(_trust("TrustRoles", "sts:AssumeRole", {"AWS": list(roles)}, None))


def web_identity_trust(
    provider_arn: Any, audience: Mapping[str, str], subjects: Mapping[str, Sequence[str]]
) -> Document:
    """Return the trust policy of a role that a CI system assumes with its own token.

    Args:
        provider_arn: The OIDC provider in this account.
        audience: The condition key of the audience, and the audience.
        subjects: Condition keys and the exact values that are trusted: no pattern, ever.
    """
    equals: dict[str, Any] = {**audience, **{key: list(values) for key, values in subjects.items()}}
    principal = {"Federated": provider_arn}
    return document(_trust("TrustCi", "sts:AssumeRoleWithWebIdentity", principal, {"StringEquals": equals}))


def pass_role(account: str, role_names: Sequence[str], service: str) -> Statement:
    """Return the statement that lets named roles be passed to one service."""
    sid = "PassRolesTo" + "".join(part.capitalize() for part in service.split(".")[0].split("-"))
    arns = [f"arn:aws:iam::{account}:role/{name}" for name in role_names]
    return allow(sid, ["iam:PassRole"], arns, condition={"StringEquals": {"iam:PassedToService": service}})


def _trust(sid: str, action: str, principal: Mapping[str, Any], condition: Mapping[str, Any] | None) -> Statement:
    statement = _statement("Allow", sid, [action], [], principal, condition)
    del statement["Resource"]
    return statement


def _statement(
    effect: str,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[Any],
    principal: Mapping[str, Any] | str | None,
    condition: Mapping[str, Any] | None,
) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": effect}
    if principal is not None:
        statement["Principal"] = principal if isinstance(principal, str) else dict(principal)
    statement["Action"] = _one_or_many(actions)
    statement["Resource"] = _one_or_many(resources)
    if condition is not None:
        statement["Condition"] = dict(condition)
    return statement


def _one_or_many(values: Sequence[Any]) -> Any:
    """Write one value without a list, as AWS itself does: policies have limits of size."""
    return values[0] if len(values) == 1 else list(values)
