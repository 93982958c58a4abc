"""Who is who in a run: which URNs the program has named, and which records their aliases lead to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Set
from dataclasses import replace

from terrace.engine.embedded import aliases
from terrace.engine.embedded.goals import Goal
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.state import State
from terrace.engine.model import ResourceError


class Names:
    """URNs of one run. Safe between threads."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._former: dict[str, tuple[str, ...]] = {}
        self._taken: dict[str, str] = {}
        self._lock = threading.RLock()

    @property
    def seen(self) -> Set[str]:
        """URNs that the program has named."""
        return self._seen

    def claim(self, urn: str) -> None:
        """Note that the program names a resource.

        Raises:
            ResourceError: It was named before, or another resource's alias stands for it. The text is that of
                Pulumi's engine.
        """
        with self._lock:
            if urn in self._seen:
                raise ResourceError(urn, f"Duplicate resource URN '{urn}'; try giving it a unique name")
            if urn in self._taken:
                raise ResourceError(
                    urn,
                    f"Duplicate resource URN '{urn}' conflicting with alias on resource with URN '{self._taken[urn]}'",
                )
            self._seen.add(urn)

    def former(self, urn: str, type: str, name: str, parent: str, own: Iterable[aliases.Alias]) -> tuple[str, ...]:
        """Return all URNs that a resource may have had, and remember them for its children."""
        with self._lock:
            found = tuple(aliases.expand(urn, type, name, parent, own, self._former.get(parent, ())))
            self._former[urn] = found
            return found

    def adopt(self, goal: Goal, state: State) -> Record | None:
        """Return the record of a resource, renamed if only an alias finds it; None if it is new.

        Raises:
            ResourceError: Another resource has taken the same alias. The text is that of Pulumi's engine.
        """
        with self._lock:
            found = state.get(goal.urn)
            if found is not None:
                return found
            for alias in goal.aliases:
                if alias in self._taken:
                    raise ResourceError(
                        goal.urn,
                        f"Duplicate resource alias '{alias}' applied to resource with URN '{goal.urn}' conflicting "
                        f"with resource with URN '{self._taken[alias]}'",
                    )
                old = state.get(alias)
                if old is not None and alias not in self._seen:
                    renamed = replace(old, urn=goal.urn, type=goal.type, parent=goal.parent)
                    state.rename(renamed, alias)
                    self._taken[alias] = goal.urn
                    return renamed
            return None
