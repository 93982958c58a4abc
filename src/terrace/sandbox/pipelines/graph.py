"""What depends on what: cycles, and which steps are next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ENDS: Mapping[str, frozenset[str]] = {
    "Completed": frozenset({"Succeeded"}),
    "Failed": frozenset({"Failed"}),
    "Stopped": frozenset({"Stopped"}),
    "Any": frozenset({"Succeeded", "Failed", "Stopped"}),
}
"""Trigger of a dependency → statuses of the step above with which it runs."""
OVER = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass(frozen=True)
class Dependency:
    """A step that another waits for, and the end of it that lets that one run."""

    step: str
    trigger: str = "Completed"


def cycle(needs: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return the names on a cycle, the first one again at the end; None when there is no cycle."""
    done: set[str] = set()
    for first in needs:
        trail: dict[str, None] = {}
        stack = [(first, iter(needs[first]))] if first not in done else []
        while stack:
            name, rest = stack[-1]
            trail[name] = None
            following = next((one for one in rest if one in needs and one not in done), None)
            if following is None:
                done.add(name)
                trail.pop(name)
                stack.pop()
            elif following in trail:
                names = list(trail)
                return [*names[names.index(following) :], following]
            else:
                stack.append((following, iter(needs[following])))
    return None


def verdict(dependencies: Iterable[Dependency], statuses: Mapping[str, str], never: Iterable[str]) -> bool | None:
    """Tell whether a step can run.

    Args:
        dependencies: What it waits for.
        statuses: Name → status of the steps that began.
        never: Names of steps that will never begin.

    Returns:
        True to run it now, False when it never will, None to wait.
    """
    skipped, waiting = set(never), False
    for dependency in dependencies:
        status = statuses.get(dependency.step)
        if dependency.step in skipped or (status in OVER and status not in ENDS[dependency.trigger]):
            return False
        waiting = waiting or status not in OVER
    return None if waiting else True
