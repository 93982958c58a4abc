"""`terrace release`: a registered version takes over."""

from __future__ import annotations

from pathlib import Path

import click

from terrace.cli.options import common, env_argument, root_option


@click.command()
@click.argument("model")
@env_argument
@click.option("--version", type=click.IntRange(min=1), help="Version to release; without it, the newest approved one.")
@click.option(
    "--from", "source", metavar="ENV", help="Bring a version that was approved in this environment, and release it."
)
@click.option(
    "--from-profile",
    metavar="NAME",
    help="AWS profile that reads from the environment of --from, if it is another account.",
)
@root_option
@common
def release(
    model: str,
    env: str,
    version: int | None,
    source: str | None,
    from_profile: str | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Put a registered version of a model in service.

    An endpoint serves the version before until the new one answers; in mode batch, runs that have begun go on with it.
    Who released what, when, and what it replaced is
    recorded; a later `up` leaves it alone.

    With --from the version is one of another environment, and --version is its number there: image, archive and
    metrics are copied, and it is registered here once, with where it is from.
    """
    from terrace.place import open_place
    from terrace.release import release as put

    def say(text: str) -> None:
        click.echo(text, err=True)

    if from_profile is not None and source is None:
        raise click.UsageError("--from-profile is about the environment of --from; name that too.")
    target = open_place(root, env).target(start=False)
    if source is not None:
        from terrace.contracts import need_model
        from terrace.promotion import Side, bring

        there = open_place(root, source).target(start=False, profile=from_profile)
        sides = [Side(there, need_model(there, source, model)), Side(target, need_model(target, env, model))]
        version = bring(sides[0], sides[1], version, say).number
    record = put(target, env, model, version, say)
    if as_json:
        click.echo(record.to_json())
        return
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in record.metrics.items())
    replaced = f"version {record.replaces}" if record.replaces else "the baseline"
    verb = "scores" if record.pipeline else "serves"
    click.echo(f"{model} in {env}: version {record.model_version} {verb}, in place of {replaced}.")
    if metrics:
        click.echo(f"  {metrics}")
