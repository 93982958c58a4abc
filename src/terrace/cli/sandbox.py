"""`terrace sandbox`: AWS on this machine."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from terrace import paths
from terrace.cli.options import common, env_argument, root_option


@click.group()
def sandbox() -> None:
    """Run AWS on this machine: one local server, reached by any AWS client, bound to 127.0.0.1 only."""


@sandbox.command()
@common
def start(as_json: bool) -> None:
    """Start the sandbox; one that runs is left as it is."""
    from terrace.target import load_sandbox

    box = load_sandbox(paths.home())
    before = box.running()
    running = before or box.start()
    if as_json:
        click.echo(json.dumps({"url": running.url, "pid": running.pid, "started": before is None}, indent=2))
    else:
        click.echo(f"The sandbox {'runs' if before else 'was started'} at {running.url} (process {running.pid}).")


@sandbox.command()
@common
def stop(as_json: bool) -> None:
    """Stop the sandbox and all that runs in it. What it held is gone: the next `up` builds it again."""
    from terrace.target import load_sandbox

    stopped = load_sandbox(paths.home()).stop()
    if as_json:
        click.echo(json.dumps({"stopped": bool(stopped)}))
    else:
        click.echo("The sandbox was stopped." if stopped else "The sandbox does not run.")


@sandbox.command()
@common
def reset(as_json: bool) -> None:
    """Empty the sandbox: every resource of every environment, and all that runs in it."""
    from terrace.target import load_sandbox

    load_sandbox(paths.home()).reset()
    click.echo(json.dumps({"reset": True}) if as_json else "The sandbox is empty.")


@sandbox.command()
@common
def status(as_json: bool) -> None:
    """Tell what runs, for which environments, and what this machine cannot give it."""
    from terrace.target import load_sandbox

    found = load_sandbox(paths.home()).status()
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, default=str))
        return
    if found.running is None:
        click.echo("The sandbox does not run. `terrace up` starts it, and so does `terrace sandbox start`.")
        return
    click.echo(f"The sandbox runs at {found.running.url} since {found.running.started}.")
    click.echo(f"  process {found.running.pid}, {found.memory_mb} MB, in {found.home}")
    for account, calls in found.environments.items():
        click.echo(f"  account {account}: {calls} calls")
    for name, said in found.rooms.items():
        for line in _lines(said):
            click.echo(f"  {name}: {line}")


@sandbox.command()
@env_argument
@root_option
@common
def env(env: str, root: Path | None, as_json: bool) -> None:
    """Print the exports that any AWS client, and `pulumi` itself, need to reach an environment in the sandbox.

    Use it as: eval "$(terrace sandbox env dev)"
    """
    from terrace.engine.pulumi import workspace
    from terrace.engines import attachment
    from terrace.place import open_place
    from terrace.runs import program_of
    from terrace.sandbox.sdk_defaults import sdk_variables

    stack = open_place(root, env)
    target = stack.target(sandbox_only=True)
    variables = target.environment() | sdk_variables(paths.home(), target.account, target.region)
    variables |= attachment() | workspace.variables(paths.home(), program_of(stack), passphrase=True)
    if as_json:
        click.echo(json.dumps(variables, indent=2))
        return
    from terrace.sandbox.client import MISLEADING

    click.echo(f"unset {' '.join(MISLEADING)}")
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@sandbox.command()
@click.argument("uri")
@click.option(
    "--python",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The interpreter of the environment that the image stands for.",
)
@common
def image(uri: str, python: Path, as_json: bool) -> None:
    """Let a Python environment of this machine stand for the image URI."""
    from terrace.target import load_sandbox

    # The interpreter's own path, not what it links to: a virtual environment is found by the link.
    load_sandbox(paths.home()).register_image(uri, python.absolute())
    said = {"image": uri, "python": str(python.absolute())}
    click.echo(json.dumps(said, indent=2) if as_json else f"{uri} now stands for {python}.")


def _lines(said: Any) -> list[str]:
    """Return what a room says of itself, a line each; what is empty says nothing."""
    if isinstance(said, dict):
        return [f"{key} {_plain(value)}" for key, value in said.items() if value not in ({}, [], "")]
    return [_plain(line) for line in said]


def _plain(value: Any) -> str:
    """Return a value in words, without the brackets of a program."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if inner not in ({}, [], ""))
    return str(value)
