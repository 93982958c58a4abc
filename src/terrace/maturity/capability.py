"""What a capability is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["platform", "model"]


@dataclass(frozen=True)
class Option:
    """A choice within a capability: its key in the settings, and what can be chosen, the default first."""

    key: str
    choices: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Capability:
    """What a level is made of.

    Attributes:
        id: Its name in settings, tags and components.
        title: Its name for people.
        summary: What it provisions.
        since: The level that introduces it; None where it is on request only.
        scope: `platform`, one stack an environment, or `model`, one stack a model and environment.
        requires: Ids of the capabilities that it cannot be without.
        excludes: Ids of the capabilities that it cannot be with.
        options: What can be chosen within it.
        cost_drivers: What it costs money for, the largest first; empty where it is free or next to it.
        principle: The principle of the field that it serves.
        google: What Google's practice calls it.
        aws: What AWS's services or framework call it.
        holds_data: It has stores: going below its level keeps them.
        component: Class of the component that builds it, None if that is not built yet.
        when_added: What people must do once it is there; nothing where Terrace does all of it.
        when_removed: What people must do once it has gone.
    """

    id: str
    title: str
    summary: str
    since: int | None
    scope: Scope
    principle: str
    google: str
    aws: str
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    cost_drivers: tuple[str, ...] = ()
    holds_data: bool = False
    component: str | None = None
    when_added: tuple[str, ...] = ()
    when_removed: tuple[str, ...] = ()

    @property
    def built(self) -> bool:
        """Whether Terrace can build it today."""
        return self.component is not None
