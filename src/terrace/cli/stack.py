"""`terrace preview|up|destroy|outputs`: an environment, or a model project in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from terrace.cli.options import common, env_argument, project_option, root_option

if TYPE_CHECKING:
    from terrace.platform import Platform
    from terrace.project import Project
    from terrace.runs import Run

level_option = click.option(
    "--level", type=int, metavar="N", help="Maturity level for this once; without it, the one in the settings."
)
engine_option = click.option(
    "--engine",
    type=click.Choice(["embedded", "pulumi"]),
    envvar="TERRACE_ENGINE",
    help="Which engine runs the program. Default: the one that has the stack, else Pulumi's where it is installed.",
)


@click.command()
@env_argument
@project_option
@level_option
@engine_option
@root_option
@common
def preview(
    env: str, project: Path | None, level: int | None, engine: str | None, root: Path | None, as_json: bool
) -> None:
    """Show what `up` would do, and do nothing."""
    from terrace import runs
    from terrace.cli.progress import progress

    with progress(_title(env, project, level, "preview of "), preview=True) as shown:
        options = runs.Options(engine, shown)
        if project:
            run = runs.preview_project(_project(project, env, level), options)
        else:
            run = runs.preview_platform(_platform(root, env, level), options)
    shown_run(run, as_json, "would be ")


@click.command()
@env_argument
@project_option
@level_option
@engine_option
@root_option
@common
def up(env: str, project: Path | None, level: int | None, engine: str | None, root: Path | None, as_json: bool) -> None:
    """Bring an environment, or a model project in it, to what its settings say.

    The same command finishes a run that failed or was interrupted. Nothing that holds data is deleted or replaced.
    """
    from terrace import runs
    from terrace.cli.progress import progress

    with progress(_title(env, project, level)) as shown:
        options = runs.Options(engine, shown)
        if project:
            run = runs.up_project(_project(project, env, level), options, root)
        else:
            run = runs.up_platform(_platform(root, env, level), options)
    shown_run(run, as_json)


@click.command()
@env_argument
@project_option
@click.option("--delete-data", is_flag=True, help="Delete stores too: buckets, keys, registries, what is in them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_option
@root_option
@common
def destroy(
    env: str, project: Path | None, delete_data: bool, yes: bool, engine: str | None, root: Path | None, as_json: bool
) -> None:
    """Remove an environment, or a model project from it.

    Stores are refused without --delete-data: what they hold cannot be brought back.
    """
    from terrace import runs
    from terrace.cli.progress import progress

    if delete_data and not yes:
        what = f"model project {project} in {env}" if project else f"environment {env}"
        click.confirm(f"This deletes the {what} with all its data. Go on?", abort=True, err=True)
    with progress(_title(env, project, None, "destroying ")) as shown:
        options = runs.Options(engine, shown)
        if project:
            run = runs.destroy_project(_project(project, env, None), options, delete_data=delete_data)
        else:
            run = runs.destroy_platform(_platform(root, env, None), options, delete_data=delete_data)
    shown_run(run, as_json)


@click.command()
@env_argument
@project_option
@engine_option
@root_option
@common
def refresh(env: str, project: Path | None, engine: str | None, root: Path | None, as_json: bool) -> None:
    """Bring the state up to date with what is really there.

    What was deleted behind its back leaves the state, and the next `up` makes it again; what was changed is taken over,
    and the next `up` turns it back.
    """
    from terrace import runs
    from terrace.cli.progress import progress

    with progress(_title(env, project, None, "refreshing ")) as shown:
        run = runs.refresh(opened(env, project, root), runs.Options(engine, shown))
    shown_run(run, as_json)


@click.command()
@env_argument
@click.argument("name", required=False)
@project_option
@engine_option
@root_option
@common
def outputs(
    env: str, name: str | None, project: Path | None, engine: str | None, root: Path | None, as_json: bool
) -> None:
    """Show what an environment or a model project exports; with NAME, that output alone."""
    from terrace import runs
    from terrace.errors import TerraceError

    found = runs.outputs(opened(env, project, root), engine)
    if name is not None:
        if name not in found:
            raise TerraceError(f"There is no output {name!r}.", f"There are: {', '.join(sorted(found)) or 'none'}.")
        click.echo(json.dumps(found[name], indent=2) if as_json else _plain(found[name]))
    elif as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for key in sorted(found):
            click.echo(f"{key}: {_plain(found[key])}")


def opened(env: str, project: Path | None, root: Path | None) -> Platform | Project:
    """Return the model project, or without one the platform."""
    found: Platform | Project = _project(project, env, None) if project else _platform(root, env, None)
    return found


def _platform(root: Path | None, env: str, level: int | None) -> Any:
    from terrace.platform import open_platform

    return open_platform(root, env, None if level is None else {"level": level})


def _project(path: Path, env: str, level: int | None) -> Any:
    from terrace.project import open_project

    return open_project(path, env, None if level is None else {"level": level})


def _title(env: str, project: Path | None, level: int | None, verb: str = "") -> str:
    what = f"{project.resolve().name} in {env}" if project else env
    return f"{verb}{what}" + (f", level {level}" if level is not None else "")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def shown_run(run: Run, as_json: bool, would: str = "") -> None:
    """Print a run: as JSON, or as a line for the platform and one for the model project."""
    if as_json:
        click.echo(json.dumps(run.to_json(), indent=2))
        return
    for one in (run.platform, run):
        if one is not None:
            _summary(one, would)


def _summary(run: Run, would: str) -> None:
    counts = ", ".join(f"{count} {would}{name}" for name, count in run.result.counts.items() if count)
    click.echo(
        f"{run.project}/{run.environment}, level {run.level}, {run.target}: {counts or 'nothing to do'}"
        f" ({run.result.seconds:.1f}s)"
    )
    if run.kept:
        click.echo(f"kept, with what is in them: {', '.join(run.kept)}")
    for note in (*run.notes, *(run.idle_cost.summary() if run.idle_cost else ())):
        click.echo(note)
