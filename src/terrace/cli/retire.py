"""`terrace retire`: the stores of a capability that is off go for good."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from terrace.cli.options import common, env_argument, project_option, root_option
from terrace.cli.stack import engine_option, shown_run


@click.command()
@env_argument
@click.argument("capability")
@click.option(
    "--yes-delete", metavar="NAME", help="Do not ask, and delete; NAME is the environment's. For scripts, and --json."
)
@project_option
@engine_option
@root_option
@common
def retire(
    env: str, capability: str, yes_delete: str | None, project: Path | None, engine: str | None,
    root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Delete for good what is kept of a capability that is off, in an environment or of a model project in it.

    It lists every store with what will be lost, asks whether to go on, and then for the name of the environment.
    Without a terminal, and with --json, nothing is asked and --yes-delete must say the name. The same command finishes
    a run that failed. What a capability that is on has is never deleted.
    """
    from terrace import runs
    from terrace.cli.progress import progress
    from terrace.engine import MessageEvent
    from terrace.errors import TerraceError
    from terrace.retire import carry_out, prepare, prepare_project

    who = f"{project.resolve().name} in {env}" if project else env
    with progress(f"what {who} keeps of {capability}", quiet=True) as shown:
        options = runs.Options(engine, lambda e: shown(e) if isinstance(e, MessageEvent) else None)
        if project:
            found = prepare_project(project, env, capability, options)
        else:
            found = prepare(root, env, capability, options)
    click.echo(f"{who} loses for good, with {capability}:" if found.losses else "no store is left", err=as_json)
    for loss in found.losses:
        click.echo(f"  {loss.store.type.rpartition(':')[2]} {loss.store.id}: {loss.contents}", err=as_json)
    if yes_delete is not None and yes_delete != env:
        raise TerraceError(f"--yes-delete says {yes_delete!r}, but the environment is {env}.", "Nothing was changed.")
    if found.losses and yes_delete is None:
        if as_json or not sys.stdin.isatty():
            raise TerraceError("There is nobody to ask.", f"Nothing was changed. To delete: --yes-delete {env}")
        click.confirm("This cannot be undone. Go on?", abort=True, err=True)
        if click.prompt(f"Type the environment's name ({env}) to delete", err=True) != env:
            raise TerraceError("That is not its name.", "Nothing was changed.")
    with progress(f"{who}, without {capability}") as shown:
        run = carry_out(found, runs.Options(engine, shown))
    if as_json:
        click.echo(json.dumps({**run.to_json(), "retired": found.to_json()}, indent=2))
        return
    shown_run(run, as_json)
