"""What every engine takes and gives: the program, the result, the events of a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from terrace.errors import EngineError

Op = Literal["create", "update", "replace", "delete", "same", "keep", "read"]
"""What is done to a resource. `replace` makes a new one and deletes the old; `keep` leaves a store that the program no
longer names; `read` looks at a resource that the stack does not own, or takes an existing one over (`import_`)."""

Status = Literal["started", "done", "failed"]
Severity = Literal["info", "warning", "error"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Program:
    """A Pulumi program and the stack that it makes.

    Attributes:
        project: Pulumi project name; with the stack it names the state.
        stack: Stack name: the environment.
        main: The program: a folder with `__main__.py`, or a file.
        config: Configuration as Pulumi has it: `namespace:key` → text, objects and lists as JSON.
        secret_keys: Keys of `config` whose values are secret.

    Raises:
        EngineError: Project or stack is no legal name.
    """

    project: str
    stack: str
    main: Path
    config: Mapping[str, str] = field(default_factory=dict)
    secret_keys: Iterable[str] = ()

    def __post_init__(self) -> None:
        for kind, name in (("project", self.project), ("stack", self.stack)):
            if not _SAFE_NAME.fullmatch(name):
                raise EngineError(
                    f"The {kind} name {name!r} is not allowed.",
                    "Use up to 100 letters, digits, hyphens, underscores and periods, starting with a letter or digit.",
                )

    @property
    def file(self) -> Path:
        """The Python file that is run."""
        main = self.main.resolve()
        return main / "__main__.py" if main.is_dir() else main

    @property
    def folder(self) -> Path:
        """The folder whose modules the program may import."""
        return self.file.parent


@dataclass(frozen=True)
class ResourceChange:
    """One resource in a result. `properties` are the top-level inputs that changed, where that is the reason."""

    urn: str
    type: str
    name: str
    properties: tuple[str, ...] = ()


@dataclass
class Result:
    """What a run did, or would do if it was a preview.

    The lists hold resources that a provider makes; components, providers and the stack itself are not counted.

    Attributes:
        kept: Stores that the program no longer names, and what they need; they stay as they are.
        outputs: The stack's outputs; secrets are `"[secret]"`, what a preview cannot know is `"[unknown]"`.
        seconds: How long the run took.
        messages: What the engine had to say, in order.
    """

    created: list[ResourceChange] = field(default_factory=list)
    updated: list[ResourceChange] = field(default_factory=list)
    replaced: list[ResourceChange] = field(default_factory=list)
    deleted: list[ResourceChange] = field(default_factory=list)
    unchanged: list[ResourceChange] = field(default_factory=list)
    kept: list[ResourceChange] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    messages: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many resources were created, updated, replaced, deleted and left unchanged."""
        names = ("created", "updated", "replaced", "deleted", "unchanged")
        return {name: len(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class StackResource:
    """A resource of a stack as the state has it. Components have no id. Secrets are `"[secret]"`."""

    urn: str
    type: str
    name: str
    id: str
    custom: bool
    parent: str
    provider: str
    dependencies: tuple[str, ...]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    protect: bool
    kept: bool


@dataclass(frozen=True)
class ResourceEvent:
    """A step of a run began, ended or failed. `seconds` counts from its beginning; `message` says why it failed."""

    urn: str
    type: str
    name: str
    parent: str
    op: Op
    status: Status
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class MessageEvent:
    """A sentence for the person who watches the run."""

    severity: Severity
    text: str


Event = ResourceEvent | MessageEvent
Listener = Callable[[Event], None]
"""Told of every event, one at a time, from any thread."""


def ignore_events(_event: Event) -> None:
    """Listen to nothing."""


class ResourceError(EngineError):
    """One resource could not be brought to what the program asks.

    Attributes:
        urn: Which resource.
        cause: What the provider said, None when the engine itself refused.
    """

    def __init__(self, urn: str, message: str, hint: str | None = None, cause: BaseException | None = None) -> None:
        super().__init__(message, hint)
        self.urn = urn
        self.cause = cause


class Engine(Protocol):
    """Runs programs. Every method that changes something holds the stack's lock.

    All raise `EngineError` when the run failed, `LockedError` when another run holds the stack, and whatever
    `TerraceError` the program itself raised.
    """

    def preview(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Say what `up` would do, and do nothing."""

    def up(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Make what the program declares, and delete what it no longer does, stores excepted.

        Args:
            program: What to run.
            listen: Told of the steps.
            retire: URNs of stores that this run deletes with all they hold, because a person asked for it twice.
                Protection and `retainOnDelete` do not hold them; what the program names, or a store that stays
                needs, is not deleted. A URN that the state does not have is no error: an earlier run got to it.
        """

    def refresh(self, program: Program, listen: Listener = ignore_events) -> Result:
        """Bring the state up to date with what is really there; the program is not run."""

    def destroy(self, program: Program, delete_data: bool = False, listen: Listener = ignore_events) -> Result:
        """Delete all that the stack has. Stores and protected resources are refused without `delete_data`."""

    def outputs(self, program: Program, show_secrets: bool = False) -> dict[str, Any]:
        """Return the outputs of the last run that ended well."""

    def resources(self, program: Program) -> list[StackResource]:
        """Return the resources that the state has."""
