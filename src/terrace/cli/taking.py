"""`terrace import`: what exists, into a stack."""

from __future__ import annotations

from pathlib import Path

import click

from terrace.cli.options import common, env_argument, project_option, root_option
from terrace.cli.stack import engine_option, opened, shown_run


@click.command("import")
@env_argument
@click.argument("name", required=False)
@click.argument("id", required=False)
@click.option(
    "--from",
    "origin",
    type=click.Choice(["embedded"]),
    help="Move the whole stack from that engine's state to Pulumi's; no resource is made or changed.",
)
@project_option
@engine_option
@root_option
@common
def import_(
    env: str,
    name: str | None,
    id: str | None,
    origin: str | None,
    project: Path | None,
    engine: str | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Take the resource that AWS knows by ID into the stack, as the one that the program calls NAME.

    The next `up` brings it to what the program says of it. `terrace preview` lists the names; the form of ID is in the
    import section of the resource's page in the documentation of Pulumi's AWS provider.
    """
    from terrace import runs
    from terrace.cli.progress import progress

    if (origin is None) == (name is None) or (name is None) != (id is None):
        raise click.UsageError("Give NAME and ID, or --from embedded alone.")
    with progress(f"import into {env}") as shown:
        options, stack = runs.Options(engine, shown), opened(env, project, root)
        run = runs.adopt(stack, options) if origin else runs.take(stack, name or "", id or "", options)
    shown_run(run, as_json)
