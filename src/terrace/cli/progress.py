"""What a run looks like while it goes on: a tree of components on a terminal, plain lines anywhere else.

Progress goes to standard error; standard output carries the result alone.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terrace.engine import Event, MessageEvent, ResourceEvent

MARKS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "same": " ", "keep": "=", "read": "?"}
DONE = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "keep": "kept",
    "read": "read",
}


def component_of(urn: str) -> str:
    """Return the capability that a resource's URN lies in, as settings spell it.

    The qualified type of a URN holds the types of its parents: what lies in
    `terrace:index:Platform$terrace:index:PrivateNetwork$…` is of `private-network`. A resource outside any component
    is in `stack`.
    """
    parents = [part.rsplit(":", 1)[-1] for part in urn.split("::")[2].split("$")[:-1]]
    inner = [parent for parent in parents if parent not in ("Platform", "ModelStack")]
    found = (inner or parents or ["stack"])[0]
    return re.sub(r"(?<!^)(?=[A-Z])", "-", found).lower()


def resource_of(urn: str, name: str) -> str:
    """Return a resource's place for people: its capability, and its name without what the place says already."""
    component = component_of(urn)
    for prefix in (f"platform-{component}-", f"model-{component}-", "platform-", "model-"):
        if name.startswith(prefix):
            return f"{component}/{name.removeprefix(prefix)}"
    return f"{component}/{name}"


@dataclass
class Counts:
    """How far one component is."""

    done: int = 0
    running: int = 0
    failed: int = 0
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    ops: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds from the first resource of the component to its last, or to now."""
        return (self.ended or time.monotonic()) - self.began

    def summary(self) -> str:
        """Return what was done, in words: `3 created, 1 unchanged`."""
        named = [f"{count} {DONE[op]}" for op, count in self.ops.items() if op in DONE and count]
        if self.ops.get("same"):
            named.append(f"{self.ops['same']} unchanged")
        if self.failed:
            named.append(click.style(f"{self.failed} failed", fg="red"))
        return ", ".join(named)


class Progress:
    """Listens to an engine and shows what it hears. Safe to call from several threads."""

    def __init__(self, preview: bool = False) -> None:
        self.preview = preview
        self.components: dict[str, Counts] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Take one event of a run."""
        from terrace.engine import ResourceEvent

        with self._lock:
            if isinstance(event, ResourceEvent):
                self._count(event)
                self.resource(event)
            else:
                self.message(event)

    def say(self, text: str) -> None:
        """Show a sentence that comes from no engine."""
        click.echo(text, err=True)

    def resource(self, event: ResourceEvent) -> None:
        """Show that a resource began, ended or failed: here, a line for each that is changed or failed."""
        if event.status == "failed":
            click.echo(f"  ! {resource_of(event.urn, event.name)}  {event.type}  {event.message}", err=True)
        elif event.status == "done" and event.op != "same":
            took = "" if self.preview else f"  {event.seconds:.1f}s"
            mark = MARKS.get(event.op, "?")
            click.echo(f"  {mark} {resource_of(event.urn, event.name)}  {event.type}{took}", err=True)

    def message(self, event: MessageEvent) -> None:
        """Show what the engine has to say."""
        self.say(event.text if event.severity == "info" else f"{event.severity}: {event.text}")

    def close(self) -> None:
        """Show the last state."""

    def _count(self, event: ResourceEvent) -> None:
        counts = self.components.setdefault(component_of(event.urn), Counts())
        if event.status == "started":
            counts.running += 1
            counts.ended = None
            return
        counts.running = max(0, counts.running - 1)
        if event.status == "failed":
            counts.failed += 1
        else:
            counts.done += 1
            counts.ops[event.op] = counts.ops.get(event.op, 0) + 1
        if not counts.running:
            counts.ended = time.monotonic()


class TreeProgress(Progress):
    """Progress for a terminal: one line a component that counts up while its resources are made."""

    def __init__(self, title: str, preview: bool = False) -> None:
        super().__init__(preview)
        from rich.console import Console
        from rich.live import Live

        self._title = title
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=8, get_renderable=self._tree)
        self._live.start()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def resource(self, event: ResourceEvent) -> None:
        if event.status == "failed":
            self.say(f"! {resource_of(event.urn, event.name)}  {event.type}  {event.message}")

    def close(self) -> None:
        self._live.stop()

    def _tree(self) -> Any:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(self._title, style="bold"), guide_style="dim")
        with self._lock:
            for name, counts in self.components.items():
                row = Table.grid(padding=(0, 2))
                state: Any = Spinner("dots") if counts.running else Text("✗" if counts.failed else "✓", style="green")
                took = Text("" if self.preview else f"{counts.seconds:.1f}s", style="dim")
                row.add_row(state, Text(f"{name:<18}"), Text.from_ansi(counts.summary()), took)
                tree.add(row)
        return tree


@contextmanager
def progress(title: str, *, preview: bool = False, quiet: bool = False) -> Iterator[Progress]:
    """Show the run that happens inside the block.

    Args:
        title: What runs, in a few words: `dev, level 1`.
        preview: Nothing is really done, so times mean nothing.
        quiet: Show lines, never a tree, whatever standard error is.
    """
    shown = TreeProgress(title, preview) if sys.stderr.isatty() and not quiet else Progress(preview)
    if not isinstance(shown, TreeProgress):
        shown.say(title)
    try:
        # What a program prints is for a person to see, and must not stand beside the result.
        with redirect_stdout(sys.stderr):
            yield shown
    finally:
        shown.close()
