"""`terrace demo`: the whole story."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from terrace.cli.options import common


@click.command()
@common
def demo(as_json: bool) -> None:
    """Tell the whole story in the sandbox, on real data.

    A platform at level 0, its upgrade to level 1, a model repository, a baseline that answers, training on 336,776
    real flights, a model that is refused, one that is released; then level 2, where a pipeline trains, a gate decides
    and new data starts a run. It has a sandbox of its own and leaves yours alone.
    """
    import os

    from terrace import paths
    from terrace.demo import Story

    home = paths.home() / "demo"
    os.environ["TERRACE_HOME"] = str(home)

    def show(line: str) -> None:
        click.secho(line, err=True, bold=not line.startswith(" "))

    story = Story(home, show)
    summary = story.tell()
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    else:
        _show(summary, home, story.stage.project)


def _show(summary: dict[str, Any], home: Path, project: Path) -> None:
    platform, metrics, release = summary["platform"], summary["metrics"], summary["release"]
    training = summary["training"]
    name = metrics["metric"]
    click.echo()
    click.secho(f"The story took {summary['seconds']} s.", bold=True)
    click.echo(
        f"  platform    {platform['level_0']} resources at level 0, {platform['level_1_adds']} more at level 1, "
        f"{training['level_2_adds']} at level 2"
    )
    click.echo(f"  model       {summary['project']['resources']} resources, {summary['project']['files']} files")
    click.echo(
        f"  {name:<11} {metrics['model'][name]} (baseline {metrics['baseline'][name]}, bar {metrics['threshold']})"
    )
    click.echo(
        f"  one flight  {release['baseline_said']:.1%} late by the rule, {release['model_says']:.1%} by the model"
    )
    click.echo(f"  latency     median {release['latency']['p50_ms']} ms, p95 {release['latency']['p95_ms']} ms")
    click.echo(f"  gate        {training['refused']}")
    click.echo(
        f"  new data    version {training['new_data']['version']} in {training['new_data']['seconds']:.0f} s, by itself"
    )
    click.echo(f"  bill        {training['bill']['runs']} runs, {training['bill']['seconds_billed']} s of instances")
    click.echo()
    click.secho("It still runs. To look at it:", bold=True)
    click.echo(f"  export TERRACE_HOME={shlex.quote(str(home))} && cd {shlex.quote(str(home / 'platform'))}")
    click.echo("  terrace status dev; terrace models late-flights dev")
    click.echo('  eval "$(terrace sandbox env dev)"      # then any AWS client, at ' + str(platform["url"]))
    click.echo(f"  less {shlex.quote(str(project / 'README.md'))}")
    click.echo("  terrace sandbox stop")
