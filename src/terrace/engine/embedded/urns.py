"""URNs, as Pulumi's engine makes them (sdk/go/common/resource/urn/urn.go)."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make(stack: str, project: str, parent_type: str, type: str, name: str) -> str:
    """Return the URN of a resource below a parent of that qualified type; the stack itself counts as no parent."""
    qualified = f"{parent_type}${type}" if parent_type and parent_type != STACK_TYPE else type
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def qualified_type(urn: str) -> str:
    """Return the chain of types from the outermost component: `my:Outer$aws:s3/bucket:Bucket`."""
    return urn.split("::", 3)[2] if urn else ""


def type_of(urn: str) -> str:
    """Return the resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """Return the resource's logical name, which may hold `::`."""
    return urn.split("::", 3)[3]


def project_of(urn: str) -> str:
    """Return the project."""
    return urn.split("::", 3)[1]


def stack_of(urn: str) -> str:
    """Return the stack."""
    return urn.split("::", 3)[0].removeprefix("urn:pulumi:")


def provider_of(reference: str) -> str:
    """Return the URN in a provider reference, which is `<urn>::<id>`."""
    return reference.rsplit("::", 1)[0] if reference else ""


def is_provider(type: str) -> bool:
    """Tell whether a type is that of a provider instance."""
    return type.startswith(PROVIDER_PREFIX)
