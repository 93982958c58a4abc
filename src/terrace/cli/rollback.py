"""`terrace rollback`: what served before serves again."""

from __future__ import annotations

from pathlib import Path

import click

from terrace.cli.options import common, env_argument, root_option


@click.command()
@click.argument("model")
@env_argument
@click.option(
    "--version",
    type=click.IntRange(min=0),
    help="Version that served once, 0 for the baseline; without it, what served before.",
)
@click.option("--reason", metavar="TEXT", help="Why; it is kept in the record.")
@root_option
@common
def rollback(model: str, env: str, version: int | None, reason: str | None, root: Path | None, as_json: bool) -> None:
    """Put what served before in service again.

    It leaves a record, as a release does. Another rollback goes further back.
    """
    from terrace import rollback as back
    from terrace.place import open_place

    def say(text: str) -> None:
        click.echo(text, err=True)

    record = back.rollback(open_place(root, env).target(start=False), env, model, version, reason, say)
    if as_json:
        click.echo(record.to_json())
        return
    now, before = back.name(record.model_version), back.name(record.replaces)
    verb = "scores" if record.pipeline else "serves"
    click.echo(f"{model} in {env}: {now} {verb} again, in place of {before}.")
