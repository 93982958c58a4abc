"""`terrace release`: a registered version takes over an endpoint."""

from __future__ import annotations

from pathlib import Path

import click

from terrace.cli.options import common, root_option


@click.command()
@click.argument("model")
@click.argument("env")
@click.option("--version", type=click.IntRange(min=1), help="Version to release; without it, the newest approved one.")
@root_option
@common
def release(model: str, env: str, version: int | None, root: Path | None, as_json: bool) -> None:
    """Put a registered version of a model on its endpoint.

    The endpoint serves the version before until the new one answers. Who released what, when, and what it replaced is
    recorded; a later `up` leaves it alone.
    """
    from terrace.place import open_place
    from terrace.release import release as put

    def say(text: str) -> None:
        click.echo(text, err=True)

    record = put(open_place(root, env).target(start=False), env, model, version, say)
    if as_json:
        click.echo(record.to_json())
        return
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in record.metrics.items())
    replaced = f"version {record.replaces}" if record.replaces else "the baseline"
    click.echo(f"{model} in {env}: version {record.model_version} serves, in place of {replaced}.")
    if metrics:
        click.echo(f"  {metrics}")
