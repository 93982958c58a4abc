"""Steps of an execution on standard error: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from terrace.executions import Execution, Step

MARKS = {"Succeeded": "✓", "Failed": "✗", "Stopped": "■", "Skipped": "–"}
COLOURS = {"Succeeded": "green", "Failed": "red", "Stopped": "yellow"}


def note(step: Step) -> str:
    """Return what there is to say of a step beside its status."""
    if step.cached_from:
        return f"taken over from {step.cached_from.rpartition('/')[2]}"
    if step.refusal:
        return step.refusal
    if step.reason:
        return step.reason
    if step.outcome:
        return f"came to {step.outcome.lower()}"
    if step.package:
        return f"version {step.package.rpartition('/')[2]}"
    return f"attempt {step.attempts}" if step.attempts > 1 else ""


def took(step: Step) -> str:
    """Return how long a step took, or has taken so far."""
    seconds = step.seconds()
    return "" if seconds is None else duration(seconds)


def duration(seconds: float) -> str:
    """Return seconds for people: `3.2 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def lines(execution: Execution) -> list[str]:
    """Return a line for each step that began."""
    width = max((len(step.name) for step in execution.steps), default=0)
    rows = []
    for step in execution.steps:
        mark = click.style(MARKS.get(step.status, "…"), fg=COLOURS.get(step.status))
        rows.append(f"  {mark} {step.name:<{width}}  {step.status:<10}  {took(step):>10}  {note(step)}".rstrip())
    return rows


class Lines:
    """Tells each change of a step in a line."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __call__(self, execution: Execution) -> None:
        """Tell what changed since the last time."""
        for step in execution.steps:
            if self._told.get(step.name) == step.status:
                continue
            self._told[step.name] = step.status
            told = f"{took(step)}  {note(step)}".rstrip() if step.over else ""
            click.echo(f"  {MARKS.get(step.status, '…')} {step.name}  {step.status}  {told}".rstrip(), err=True)

    def close(self) -> None:
        """Nothing is left to tell."""


class Table:
    """Shows all steps, and how long those that run have taken."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._execution: Execution | None = None
        self._live = Live(
            console=Console(stderr=True, highlight=False), refresh_per_second=8, get_renderable=self._table
        )
        self._live.start()

    def __call__(self, execution: Execution) -> None:
        """Show an execution as it is now."""
        self._execution = execution

    def close(self) -> None:
        """Leave the last state on the terminal."""
        self._live.refresh()
        self._live.stop()

    def _table(self) -> Any:
        from rich.spinner import Spinner
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid.grid(padding=(0, 2))
        for step in self._execution.steps if self._execution else ():
            colour = COLOURS.get(step.status, "")
            mark: Any = Text(MARKS[step.status], style=colour) if step.status in MARKS else Spinner("dots")
            grid.add_row(mark, step.name, Text(step.status, style=colour), took(step), Text(note(step), style="dim"))
        return grid


@contextmanager
def shown(quiet: bool = False) -> Iterator[Lines | Table]:
    """Yield what is told of an execution each time that somebody looked at it.

    Args:
        quiet: Tell lines, never show a table, whatever standard error is.
    """
    one: Lines | Table = Table() if sys.stderr.isatty() and not quiet else Lines()
    try:
        yield one
    finally:
        one.close()
