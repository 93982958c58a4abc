"""`terrace init`: a folder that holds a platform's program and settings."""

from __future__ import annotations

import json
from pathlib import Path

import click

from terrace.cli.options import common


@click.command()
@click.argument("path", type=click.Path(file_okay=False, path_type=Path))
@common
def init(path: Path, as_json: bool) -> None:
    """Write a platform's program and settings into PATH, a new or empty folder.

    What is written is yours: a Pulumi program of ten lines and one file of settings an environment.
    """
    from terrace.platform import write_program

    written = write_program(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), "files": [str(name) for name in written]}, indent=2))
        return
    for name in written:
        click.echo(f"  + {name}")
    click.echo(f"Next: cd {path}, read stacks/Pulumi.dev.yaml, then `terrace preview dev` and `terrace up dev`.")
