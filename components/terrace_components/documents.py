"""IAM policy documents as plain values. Nothing here knows Pulumi's resources, so every rule can be read and tested.

A value inside a document may be an `Output` (a key's ARN is only known once the key is there); `policy` turns the
document into the JSON that a resource takes.
"""

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
    """Return a document as JSON, once every ARN in it is known."""
    return pulumi.Output.json_dumps(doc)
