"""What was changed behind a program's back: the inputs of a resource as AWS has them now."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Props, Provider, State


def drifted(provider: Provider, urn: str, type: str, found: State, inputs: Props) -> dict[str, Any]:
    """Return a resource's inputs with what was changed since they were sent.

    An input that AWS answers in another spelling is no change. Nor is one that would force a replacement: it cannot
    have been changed.

    Args:
        provider: Whose resource it is.
        urn: Which resource.
        type: Its type.
        found: What AWS has.
        inputs: What was sent.
    """
    present = {**inputs, **{name: found.outputs[name] for name in inputs if name in found.outputs}}
    diff = provider.diff(urn, type, inputs, present, id=found.id)
    return {**inputs, **{name: present[name] for name in diff.changed if name not in diff.replace}}


def imported(provider: Provider, type: str, found: State) -> dict[str, Any]:
    """Return the inputs of a resource that Terrace did not make: what AWS tells of those that its type has."""
    known = provider.inputs_of(type)
    told = {name: value for name, value in found.outputs.items() if name in known}
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}
