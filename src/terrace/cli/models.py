"""`terrace models`: a model's versions, and where each is from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from terrace.cli.options import common, env_argument, root_option

if TYPE_CHECKING:
    from terrace.versions import Version


@click.command()
@click.argument("model")
@env_argument
@click.option("--version", type=click.IntRange(min=1), help="Show one version, with its line from data to endpoint.")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many versions to list.")
@root_option
@common
def models(model: str, env: str, version: int | None, last: int, root: Path | None, as_json: bool) -> None:
    """Show a model's versions: metrics, decisions, who serves, where each is from and went."""
    from terrace import descent, versions
    from terrace.contracts import need_model, read_releases
    from terrace.place import open_place
    from terrace.rollback import served

    target = open_place(root, env).target(start=False)
    contract = need_model(target, env, model)
    history = read_releases(target, env, model)
    stack = served(history)
    serving, before = (stack[-1] if stack else 0), (stack[-2] if len(stack) > 1 else None)
    if version is None:
        known = versions.list_versions(target, contract, last)
        if as_json:
            said = {"serving": serving or None, "served_before": before or None}
            rows = [{**one.to_json(), "serves": one.number == serving} for one in known]
            click.echo(json.dumps({"model": model, "environment": env, **said, "versions": rows}, indent=2))
            return
        _list(model, env, known, serving, before)
        return
    found = versions.need_version(versions.list_versions(target, contract), contract, version)
    line = descent.line(contract, found, history, descent.read_run(target, found))
    line = replace(line, scored=descent.read_scored(target, contract, line))
    entities = descent.read_entities(target, found)
    if as_json:
        said = line.to_json() | {"sagemaker_lineage": None if entities is None else list(entities)}
        click.echo(json.dumps({**found.to_json(), "serves": line.serves, "lineage": said}, indent=2))
        return
    click.echo(_row(found, serving, before))
    if found.reason or found.decided:
        click.echo(f"  decided {found.decided}: {found.reason}".replace("decided :", "decided:"))
    for text in replace(line, entities=entities).lines():
        click.echo(f"  {text}")


def _list(model: str, env: str, known: list[Version], serving: int, before: int | None) -> None:
    if not known:
        click.echo(f"No version of {model} is registered in {env}. Train one: terrace pipeline run {model} {env}")
        return
    for one in known:
        click.echo(_row(one, serving, before))
    if not serving:
        click.echo("The baseline serves, or nothing yet: no version is released.")


def _row(one: Version, serving: int, before: int | None) -> str:
    marks: dict[Any, str] = {before or None: "served before", serving or None: "serves"}
    mark = marks.get(one.number, "")
    at = one.registered_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    told = [f"version {one.number:<3}", f"{one.status:<21}", at, one.metrics_text(), mark]
    return "  ".join(part for part in told if part).rstrip()
