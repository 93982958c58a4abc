"""Every capability, by id."""

from __future__ import annotations

from terrace.maturity.capability import Capability, Scope
from terrace.maturity.model_capabilities import MODEL
from terrace.maturity.platform_capabilities import PLATFORM

CAPABILITIES: dict[str, Capability] = {capability.id: capability for capability in (*PLATFORM, *MODEL)}
"""Id → capability, in the order of the levels that introduce them within each scope."""


def of_level(level: int, scope: Scope) -> tuple[Capability, ...]:
    """Return the capabilities that a level holds: those introduced at or below it. What is on request is not in it."""
    return tuple(c for c in CAPABILITIES.values() if c.scope == scope and c.since is not None and c.since <= level)


def closure(ids: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """Return the ids and all that they require within a scope, in the catalogue's order."""
    wanted = set(ids)
    open_ = list(ids)
    while open_:
        for required in CAPABILITIES[open_.pop()].requires:
            if required not in wanted and CAPABILITIES[required].scope == scope:
                wanted.add(required)
                open_.append(required)
    return tuple(id for id in CAPABILITIES if id in wanted)
