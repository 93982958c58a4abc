"""`terrace upgrade`: an environment to another level, up or down."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from terrace.cli.options import common, env_argument, root_option
from terrace.cli.stack import engine_option, shown_run

if TYPE_CHECKING:
    from terrace.engine import Event, ResourceChange
    from terrace.upgrade import Upgrade


@click.command()
@env_argument
@click.option("--to", "level", type=int, required=True, metavar="N", help="Maturity level to go to, up or down.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_option
@root_option
@common
def upgrade(env: str, level: int, yes: bool, engine: str | None, root: Path | None, as_json: bool) -> None:
    """Show what a change of level would do, then do it.

    It shows what is added, changed, replaced, retired and kept, which data is touched (none: a store is never deleted
    or replaced), how the idle cost changes, and what people must do. At a terminal it then asks, unless --yes or
    --json is given; elsewhere it goes on, as `up` does. It writes the level into the settings. The same command
    finishes a run that failed.
    """
    from terrace import runs
    from terrace.cli.progress import progress
    from terrace.engine import MessageEvent
    from terrace.upgrade import carry_out, level_name, prepare

    with progress(f"what {level_name(level)} would do to {env}", quiet=True) as shown:

        def hear(event: Event) -> None:
            if isinstance(event, MessageEvent):
                shown(event)

        found = prepare(root, env, level, runs.Options(engine, hear))
    for line in _told(found):
        click.echo(line, err=as_json)
    run = found.run
    if not found.nothing_to_do:
        if not yes and not as_json and sys.stdin.isatty():
            click.confirm(f"Bring {env} to {level_name(level)}?", abort=True, err=True)
        with progress(f"{env}, level {level}") as shown:
            run = carry_out(found, runs.Options(engine, shown))
    if as_json:
        click.echo(json.dumps({**run.to_json(), "plan": found.to_json()}, indent=2))
        return
    if not found.nothing_to_do:
        shown_run(run, as_json)
    for capability in found.kept_capabilities:
        click.echo(f"to remove {capability} for good, with what is in it: terrace retire {env} {capability}")


def _told(found: Upgrade) -> Iterator[str]:
    from terrace.upgrade import level_name

    environment = found.platform.environment
    if found.nothing_to_do:
        yield f"{environment} is at {level_name(found.level)}: nothing to do"
        return
    yield f"{environment}: from {level_name(found.before)} to {level_name(found.level)}"
    result = found.run.result
    for title, changes in (
        ("added", result.created),
        ("changed", result.updated),
        ("replaced", result.replaced),
        ("retired", result.deleted),
    ):
        yield from _changes(title, changes)
    yield _count("kept", len(found.kept), "with what is in them")
    yield from (f"    {store.type.rpartition(':')[2]} {store.name}" for store in found.kept)
    yield "  data touched: none"
    yield from (f"  {line}" for line in found.idle_cost.lines() or ["idle cost: the same"])
    yield "  what people must do:" if found.team else "  what people must do: nothing"
    yield from (f"    {step}" for step in found.team)


def _changes(title: str, changes: Sequence[ResourceChange]) -> Iterator[str]:
    """Tell changes by capability; those of properties one by one."""
    from terrace.cli.progress import resource_of

    yield _count(title, len(changes))
    by_capability: dict[str, list[str]] = {}
    for change in changes:
        capability, _, name = resource_of(change.urn, change.name).partition("/")
        properties = f" ({', '.join(change.properties)})" if change.properties else ""
        by_capability.setdefault(capability, []).append(f"{name}{properties}")
    for capability, names in by_capability.items():
        lead = f"    {capability}: "
        yield click.wrap_text(", ".join(sorted(names)), 110, lead, "      ")


def _count(title: str, count: int, also: str = "") -> str:
    return f"  {title}: {count or 'nothing'}{f', {also}' if also and count else ''}"
