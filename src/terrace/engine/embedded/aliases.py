"""The URNs that a resource may have had before.

The SDK sends only the aliases that a resource itself was given. Those that follow from its parent's are the engine's
to compute: with a parent that was renamed, every child is known by its URN below the old parent too, and by the old
name where its name begins with its parent's (pkg/resource/deploy/step_generator.go, generateAliases).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from terrace.engine.embedded import urns


@dataclass(frozen=True)
class Alias:
    """An alias as the program wrote it: a whole URN, or what differs from the resource's own."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


def expand(urn: str, type: str, name: str, parent: str, own: Iterable[Alias], inherited: Iterable[str]) -> list[str]:
    """Return every former URN of a resource, in the order in which the engine looks for them.

    Args:
        urn: The resource's URN.
        type: Its type.
        name: Its logical name.
        parent: Its parent's URN, empty for none.
        own: The aliases that it was given.
        inherited: Every former URN of its parent.
    """
    mine = [_resolve(alias, urn, type, name, parent) for alias in own]
    found: dict[str, None] = dict.fromkeys(mine)
    for former in inherited:
        found.setdefault(_below(former, parent, type, name))
        for alias in mine:
            found.setdefault(_below(former, parent, urns.type_of(alias), urns.name_of(alias)))
    found.pop(urn, None)
    return list(found)


def _resolve(alias: Alias, urn: str, type: str, name: str, parent: str) -> str:
    if alias.urn:
        return alias.urn
    above = "" if alias.no_parent else alias.parent or parent
    return urns.make(
        alias.stack or urns.stack_of(urn),
        alias.project or urns.project_of(urn),
        urns.qualified_type(above),
        alias.type or type,
        alias.name or name,
    )


def _below(former: str, parent: str, type: str, name: str) -> str:
    """Return the URN that a child had when its parent was `former`."""
    prefix = urns.name_of(parent)
    if name.startswith(prefix):
        name = urns.name_of(former) + name[len(prefix) :]
    return urns.make(urns.stack_of(former), urns.project_of(former), urns.qualified_type(former), type, name)
