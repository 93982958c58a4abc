"""IAM policy documents as plain values. Nothing here knows Pulumi's resources, so every rule can be read and tested.

A value inside a document may be an `Output` (a key's ARN is only known once the key is there); `policy` turns the
document into the JSON that a resource takes.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from terrace.maturity.documents import (
    Document,
    Statement,
    account_root,
    account_trust,
    allow,
    deny,
    deny_insecure,
    document,
    pass_role,
    role_trust,
    service_trust,
    web_identity_trust,
)

__all__ = [
    "Document",
    "Statement",
    "account_root",
    "account_trust",
    "allow",
    "deny",
    "deny_insecure",
    "document",
    "pass_role",
    "policy",
    "role_trust",
    "service_trust",
    "web_identity_trust",
]


def policy(doc: Document) -> pulumi.Output[str]:
    """Return a document as JSON, once every ARN in it is known.

    `Output.json_dumps` would make an output of each word of the document, some thousands for a platform.
    """
    waiting: list[pulumi.Output[Any]] = []

    def gather(value: Any) -> None:
        if isinstance(value, pulumi.Output):
            waiting.append(value)
        elif isinstance(value, Mapping):
            for inner in value.values():
                gather(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                gather(inner)

    def written(found: list[Any]) -> str:
        known = iter(found)

        def fill(value: Any) -> Any:
            if isinstance(value, pulumi.Output):
                return next(known)
            if isinstance(value, Mapping):
                return {key: fill(inner) for key, inner in value.items()}
            return [fill(inner) for inner in value] if isinstance(value, list | tuple) else value

        return json.dumps(fill(doc))

    gather(doc)
    return pulumi.Output.all(*waiting).apply(written)
