"""`terrace approve` and `terrace reject`: a person decides on a version."""

from __future__ import annotations

import json
from pathlib import Path

import click

from terrace.cli.options import common, env_argument, root_option

version_option = click.option(
    "--version", type=click.IntRange(min=1), help="Version; without it, the newest that waits for a decision."
)
reason_option = click.option("--reason", default="", metavar="TEXT", help="Why; needed to turn a decision over.")


@click.command()
@click.argument("model")
@env_argument
@version_option
@reason_option
@root_option
@common
def approve(model: str, env: str, version: int | None, reason: str, root: Path | None, as_json: bool) -> None:
    """Approve a version of a model, so that it can be released.

    Who approved it, when and why is kept with the version.
    """
    _decide(model, env, version, reason, root, as_json, "Approved")


@click.command()
@click.argument("model")
@env_argument
@version_option
@reason_option
@root_option
@common
def reject(model: str, env: str, version: int | None, reason: str, root: Path | None, as_json: bool) -> None:
    """Reject a version of a model, so that it cannot be released.

    The version that serves is not rejected: roll back first.
    """
    _decide(model, env, version, reason, root, as_json, "Rejected")


def _decide(
    model: str, env: str, version: int | None, reason: str, root: Path | None, as_json: bool, wanted: str
) -> None:
    from terrace import versions
    from terrace.contracts import need_model, read_release
    from terrace.place import open_place

    target = open_place(root, env).target(start=False)
    contract = need_model(target, env, model)
    known = versions.list_versions(target, contract)
    record = read_release(target, env, model)
    serving = record.model_version if record else None
    found = versions.choose(known, contract, version, wanted, reason.strip(), serving)
    changed = found is not None
    if found is None:
        assert version is not None  # noqa: S101  (only a named version can be decided already)
        found = versions.need_version(known, contract, version)
    else:
        found = versions.decide(target, found, wanted, reason.strip())
    if as_json:
        click.echo(json.dumps({**found.to_json(), "changed": changed}, indent=2))
        return
    already = "" if changed else " already"
    click.echo(f"Version {found.number} of {model} in {env} is{already} {wanted} {found.decided}".rstrip() + ".")
    click.echo(f"  {found.metrics_text()}")
    if wanted == "Approved" and found.number != serving:
        click.echo(f"  Release it: terrace release {model} {env} --version {found.number}", err=True)
