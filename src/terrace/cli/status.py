"""`terrace status`: what an environment has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from terrace.cli.options import common, env_argument, root_option


@click.command()
@env_argument
@root_option
@common
def status(env: str, root: Path | None, as_json: bool) -> None:
    """Show what an environment has: level, capabilities, models and who serves."""
    from terrace.platform import open_platform
    from terrace.status import read_status

    found = read_status(open_platform(root, env))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    _show(env, found)


def _show(env: str, found: dict[str, Any]) -> None:
    where = f"the sandbox ({found['url']})" if found["target"] == "sandbox" else f"account {found['account']}"
    if found["level"] is None:
        click.echo(f"{env}: no platform yet in {where}. Make it with: terrace up {env}")
        return
    click.echo(f"{env}: level {found['level']}, {found['region']}, in {where}")
    click.echo(f"  capabilities: {', '.join(found['capabilities'])}")
    if not found["models"]:
        click.echo("  models: none yet. Make one with: terrace new PATH --env " + env)
    for model in found["models"]:
        click.echo(f"  model {model['name']} of team {model['team']}: {model['mode']}, {_how(model)}")
        verb = "scores with" if model["batch"] else "serves"
        click.echo(f"    {verb} {model['serves']}; {model['versions']} registered")
        if model["batch"]:
            _show_batch(model["batch"])


def _how(model: dict[str, Any]) -> str:
    """Return what a model is served by, and how that is."""
    batch = model["batch"]
    if not batch:
        return f"endpoint {model['endpoint_status']}"
    return f"{batch['schedule']} ({batch['timezone']}), schedule {(batch['schedule_state'] or 'missing').lower()}"


def _show_batch(batch: dict[str, Any]) -> None:
    click.echo(f"    last run: {batch['last_run_text']}")
    click.echo(f"    what arrives in {batch['input']} is scored; predictions are in {batch['output']}")
