"""`terrace levels`: the maturity levels as data."""

from __future__ import annotations

import json
from typing import Any

import click

from terrace.cli.options import common


@click.command()
@click.argument("level", type=click.IntRange(0, 4), required=False)
@click.argument("other", type=click.IntRange(0, 4), required=False)
@common
def levels(level: int | None, other: int | None, as_json: bool) -> None:
    """Show all maturity levels, one LEVEL, or what the step from LEVEL to OTHER adds."""
    from terrace.maturity import CAPABILITIES, LEVELS

    if level is None:
        shown = [_level(LEVELS[number], [c for c in CAPABILITIES.values() if c.since == number]) for number in LEVELS]
        title = None
    elif other is None:
        shown = [_level(LEVELS[level], [c for c in CAPABILITIES.values() if c.since is not None and c.since <= level])]
        title = None
    else:
        low, high = sorted((level, other))
        shown = [
            _level(LEVELS[number], [c for c in CAPABILITIES.values() if c.since == number])
            for number in range(low + 1, high + 1)
        ]
        verb = "adds" if other > level else "takes away (stores are kept)"
        title = (
            f"The step from level {level} to level {other} {verb}:"
            if low != high
            else f"Level {level} is level {other}."
        )
    if as_json:
        click.echo(json.dumps({"levels": shown}, indent=2))
        return
    _show(title, shown, detailed=level is not None)


def _level(level: Any, capabilities: list[Any]) -> dict[str, Any]:
    return {
        "level": level.number,
        "name": level.name,
        "summary": level.summary,
        "google": level.google,
        "aws": level.aws,
        "capabilities": [
            {
                "id": c.id,
                "title": c.title,
                "summary": c.summary,
                "scope": c.scope,
                "since": c.since,
                "requires": list(c.requires),
                "cost": list(c.cost_drivers),
                "principle": c.principle,
                "stores": c.holds_data,
                "built": c.built,
            }
            for c in capabilities
        ],
    }


def _show(title: str | None, shown: list[dict[str, Any]], detailed: bool) -> None:
    if title:
        click.secho(title, bold=True)
    for level in shown:
        click.echo()
        click.secho(f"Level {level['level']}: {level['name']}", bold=True, nl=False)
        click.secho(f"   (Google {level['google']}, AWS {level['aws']})", dim=True)
        click.echo(f"  {level['summary']}")
        for scope in ("platform", "model"):
            rows = [c for c in level["capabilities"] if c["scope"] == scope]
            if rows:
                click.secho(f"  {scope}", dim=True)
            for row in rows:
                later = "" if row["built"] else click.style("  (not built yet)", fg="yellow")
                click.echo(f"    {row['id']:<20} {row['title']}{later}")
                if detailed:
                    click.echo(f"    {'':<20} {row['summary']}")
                    if row["requires"]:
                        click.secho(f"    {'':<20} requires {', '.join(row['requires'])}", dim=True)
                    if row["cost"]:
                        click.secho(f"    {'':<20} costs: {', '.join(row['cost'])}", dim=True)
