"""IAM's simulator of a principal's policies, which moto lacks: the SageMaker SDK asks it before it makes anything.

What is judged are the policies of a role or user and its boundary: effects, actions, resources, and the conditions of
the operators that are named here. A condition whose key the caller gives no value for does not hold, and the key is
told as missing, as AWS tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from terrace.sandbox.services.extend import Refusal, add, page

Policies = list[tuple[str, Mapping[str, Any]]]
"""Name of a policy and its document."""
Context = Mapping[str, list[str]]

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda said, wanted: said == wanted,
    "StringEqualsIgnoreCase": lambda said, wanted: said.lower() == wanted.lower(),
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda said, wanted: said.lower() == wanted.lower(),
}
_DENIALS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def install() -> None:
    """Put the operation on moto's IAM. Once in a process, before the server starts."""
    add(IamResponse, [simulate_principal_policy])


def simulate_principal_policy(self: Any) -> ActionResult:
    """Tell for each action and resource whether the principal's policies allow it."""
    if self._get_param("ResourcePolicy"):
        raise NotImplementedError("resource policies are not simulated")
    policies, boundary = _of_principal(self, self._get_param("PolicySourceArn"))
    given = [json.loads(text) for text in self._get_param("PolicyInputList") or ()]
    policies = [*policies, *((f"PolicyInputList.{number}", one) for number, one in enumerate(given, 1))]
    bounds = self._get_param("PermissionsBoundaryPolicyInputList")
    if bounds:
        boundary = [(f"PermissionsBoundaryPolicyInputList.{n}", json.loads(one)) for n, one in enumerate(bounds, 1)]
    entries = self._get_param("ContextEntries") or ()
    context = {one["ContextKeyName"].lower(): list(one["ContextKeyValues"]) for one in entries}
    results = [
        judged(policies, boundary, action, resource, context)
        for action in self._get_param("ActionNames")
        for resource in self._get_param("ResourceArns") or ["*"]
    ]
    found, token = page(results, self._get_param("MaxItems"), self._get_param("Marker"), code="InvalidInput")
    return ActionResult({"EvaluationResults": found, "IsTruncated": token is not None, "Marker": token})


def judged(
    policies: Policies, boundary: Policies | None, action: str, resource: str, context: Context
) -> dict[str, Any]:
    """Return the result of one action on one resource, as SimulatePrincipalPolicy shows it."""
    missing: set[str] = set()
    decision, matched = _decide(policies, action, resource, context, missing)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "MatchedStatements": [{"SourcePolicyId": name, "SourcePolicyType": "IAM Policy"} for name in matched],
    }
    if boundary is not None:
        within, _ = _decide(boundary, action, resource, context, missing)
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": within == "allowed"}
        if decision == "allowed" and within != "allowed":
            result["EvalDecision"] = within
    result["MissingContextValues"] = sorted(missing)
    return result


def _decide(
    policies: Policies, action: str, resource: str, context: Context, missing: set[str]
) -> tuple[str, list[str]]:
    effects: dict[str, list[str]] = {"Allow": [], "Deny": []}
    for name, document in policies:
        for statement in _each(document.get("Statement", [])):
            if _matches(statement, action, resource) and _holds(statement.get("Condition", {}), context, missing):
                effects[statement["Effect"]].append(name)
    if effects["Deny"]:
        return "explicitDeny", effects["Deny"]
    return ("allowed", effects["Allow"]) if effects["Allow"] else ("implicitDeny", [])


def _matches(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    def one_of(key: str, said: str) -> bool:
        return any(fnmatchcase(said.lower(), str(pattern).lower()) for pattern in _each(statement[key]))

    acts = one_of("Action", action) if "Action" in statement else not one_of("NotAction", action)
    if "NotResource" in statement:
        return acts and not one_of("NotResource", resource)
    return acts and ("Resource" not in statement or one_of("Resource", resource))


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Context, missing: set[str]) -> bool:
    return all(
        _one_holds(operator, key, [str(value) for value in _each(wanted)], context, missing)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _one_holds(operator: str, key: str, wanted: list[str], context: Context, missing: set[str]) -> bool:
    said, optional = context.get(key.lower()), operator.endswith("IfExists")
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return (said is None) == (wanted[0].lower() == "true")
    denied = name in _DENIALS
    test = _OPERATORS.get(_DENIALS.get(name, name))
    if said is None:
        missing.add(key)
        return optional or denied
    if test is None:
        raise NotImplementedError(f"condition operator {operator} is not simulated")
    return any(test(value, one) for value in said for one in wanted) != denied


def _of_principal(response: Any, arn: str) -> tuple[Policies, Policies | None]:
    """Return the policies of a role or user, and those of its boundary."""
    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rsplit("/", 1)[-1]
    backend = response.backend
    if kind == "role":
        principal = backend.get_role(name)
        own = list(principal.policies.items())
    elif kind == "user":
        principal = backend.get_user(name)
        own = list(principal.policies.items())
    else:
        raise Refusal("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    attached = [(policy.name, _current(policy)) for policy in principal.managed_policies.values()]
    found = [(policy, _document(document)) for policy, document in (*own, *attached)]
    limit = getattr(principal, "permissions_boundary", None)
    if not limit:
        return found, None
    limit_arn = limit["PermissionsBoundaryArn"] if isinstance(limit, Mapping) else str(limit)
    boundary = backend.get_policy(limit_arn)
    return found, [(boundary.name, _document(_current(boundary)))]


def _current(policy: Any) -> Any:
    """Return the document of a managed policy in its default version."""
    return next(one.document for one in policy.versions if one.version_id == policy.default_version_id)


def _document(said: Any) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(said) if isinstance(said, str) else said
    return document


def _each(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
