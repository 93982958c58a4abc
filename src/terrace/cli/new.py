"""`terrace new`: a model repository from the template."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from terrace.cli.options import common, root_option


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--env", metavar="ENV", help="Environment whose platform contract fills the answers.")
@click.option("-d", "--data", multiple=True, metavar="KEY=VALUE", help="An answer; can be given again.")
@click.option("--defaults", is_flag=True, help="Ask nothing: take the defaults.")
@click.option(
    "--template", metavar="SOURCE[@REF]", help="Another copy of the template: a path or a git URL, and a tag."
)
@root_option
@common
def new(
    path: Path, env: str | None, data: tuple[str, ...], defaults: bool, template: str | None, root: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Make a model repository in PATH, a new folder.

    It trains, gates, registers, serves and tests itself from its first day, and fits the platform of ENV. Questions
    that neither --data nor the platform answers are asked on a terminal; elsewhere their defaults are taken.
    """
    from terrace import scaffold

    answers = dict(_answer(one) for one in data)
    suggestions: dict[str, Any] = {"project_name": _title(path)}
    notes: list[str] = []
    if env is not None:
        fixed, said = _from_platform(root, env, notes)
        suggestions |= said
        answers = {**fixed, **answers}
    source = None
    if template:
        where, _, ref = template.rpartition("@") if "@" in template.rpartition("/")[2] else (template, "", "HEAD")
        source = scaffold.Template(where, ref or "HEAD")
    made = scaffold.new(
        path, answers, suggestions, defaults=defaults or not sys.stdin.isatty() or as_json, template=source
    )
    notes += made.notes
    if as_json:
        said = {"path": str(path), "model": made.model, "files": [str(f) for f in made.files], "notes": notes}
        click.echo(json.dumps({**said, "updatable": made.updatable}, indent=2))
        return
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"{made.model}: {len(made.files)} files in {path}")
    click.echo(f"Next: cd {path} && make test && terrace up {env or 'dev'} --project .")


def _answer(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE.", param_hint="--data")
    return key, value


def _title(path: Path) -> str:
    """Return a project name for a folder: `late-flights` becomes `Late flights`."""
    words = [word for word in "".join(c if c.isascii() and c.isalnum() else " " for c in path.name).split() if word]
    name = " ".join(words)
    return name[:1].upper() + name[1:] if len(name) > 1 and name[0].isalpha() else "Late flights"


def _from_platform(root: Path | None, env: str, notes: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the platform fixes, and what it suggests; settings alone where there is no platform yet."""
    from terrace import scaffold
    from terrace.contracts import read_platform
    from terrace.errors import SandboxError
    from terrace.platform import open_platform

    platform = open_platform(root, env)
    try:
        contract = read_platform(platform.target(start=False), env)
    except SandboxError:
        contract = None
    if contract is None:
        notes.append(f"{env} has no platform yet: the answers are from its settings.")
        settings = platform.settings
        fixed: dict[str, Any] = {
            "environment": env,
            "region": settings.region,
            "account": settings.account or "",
            "level": settings.level,
        }
        return fixed, {"owner": settings.owner, "team": next(iter(settings.teams))}
    said = scaffold.contract_answers(contract)
    fixed = {key: said.pop(key) for key in ("environment", "region", "account", "level")}
    return fixed, said
