"""`terrace bootstrap`: the first hour on an account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from terrace.cli.options import common, env_argument, root_option

if TYPE_CHECKING:
    from terrace.bootstrap.steps import Step


@click.command()
@env_argument
@click.option("--check", "check_only", is_flag=True, help="Report on the account and write nothing.")
@click.option("--level", type=int, metavar="N", help="Plan for this level instead of the one in the settings.")
@click.option(
    "--write",
    type=click.Path(file_okay=False, path_type=Path),
    help="Make nothing: write the policies and a CloudFormation template into this folder, for whoever may.",
)
@click.option("--github-repository", metavar="NAME", help="Repository of the platform, without its owner.")
@click.option("--github-repository-id", metavar="ID", help="Its numeric id: GET /repos/OWNER/NAME shows it.")
@click.option(
    "--github-legacy-subject",
    is_flag=True,
    help="The repository was made before 2026-07-15 and never renamed: its tokens carry no ids.",
)
@click.option("--gitlab-project", metavar="PATH", help="Project of the platform, with its group.")
@root_option
@common
def bootstrap(
    env: str,
    check_only: bool,
    level: int | None,
    write: Path | None,
    github_repository: str | None,
    github_repository_id: str | None,
    github_legacy_subject: bool,
    gitlab_project: str | None,
    root: Path | None,
    as_json: bool,
) -> None:
    """Make what a shared backend needs: a bucket for Pulumi's state, its key, and the role under which CI deploys.

    Run it again at any time: what is there is left, or set right, and what was interrupted is finished. With --check it
    reads only: account, what exists and can be brought, quotas with the requests to make, idle cost.
    """
    from terrace.bootstrap.check import check
    from terrace.bootstrap.make import make
    from terrace.bootstrap.trust import Repository
    from terrace.bootstrap.written import write_files
    from terrace.platform import open_platform

    if check_only and write is not None:
        raise click.UsageError("--check writes nothing, --write does: give one of them.")
    platform = open_platform(root, env, None if level is None else {"level": level})
    repository = Repository(github_repository, github_repository_id, github_legacy_subject, gitlab_project)
    if write is not None:
        # Files need no account: the security team's work can be prepared before there is access.
        files = write_files(platform.settings, repository, write)
        if as_json:
            click.echo(json.dumps(files.to_json(), indent=2))
        else:
            click.echo("\n".join(files.lines()))
        return
    target = platform.target(say=lambda text: click.echo(text, err=True))
    if check_only:
        report = check(platform.settings, target)
        click.echo(json.dumps(report.to_json(), indent=2) if as_json else "\n".join(report.lines()))
        return
    made = make(platform.settings, target, repository, _say)
    if as_json:
        click.echo(json.dumps(made.to_json(), indent=2))
        return
    if not made.changed:
        click.echo("Nothing changed: all of it was there, and as it must be.")
    for key, value in made.settings.items():
        click.echo(f"set in {platform.settings_file}, so that `up` uses the provider: {key}: {value}")
    click.echo("next:")
    for line in made.next_lines():
        click.echo(f"  {line}")


def _say(step: Step) -> None:
    note = f" ({step.note})" if step.note else ""
    click.echo(f"{step.what}: {step.outcome}{note}  {step.id}", err=True)
