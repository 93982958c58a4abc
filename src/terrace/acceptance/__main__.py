"""`make acceptance ENV=…`: an environment's whole life on an account of the reader's own."""

from __future__ import annotations

import datetime
import sys
import tempfile
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from terrace.acceptance.compare import differences
from terrace.acceptance.forecast import Forecast, forecast
from terrace.acceptance.report import Outcome
from terrace.acceptance.steps import Clock
from terrace.acceptance.story import Side, copy_platform, payload_file, tell
from terrace.contracts import read_platform
from terrace.errors import TerraceError
from terrace.maturity import ModelSettings
from terrace.platform import Platform, open_platform


class Dollars(click.ParamType[Decimal]):
    """An amount of money, or a number of hours: above 0, exact."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            found = Decimal(0)
        if not (found.is_finite() and found > 0):
            self.fail(f"{value!r} is no number above 0.", param, ctx)
        return found


@click.command()
@click.argument("env")
@click.option("--cap", type=Dollars(), required=True, help="US dollars that the run may cost at list prices.")
@click.option("--hours", type=Dollars(), default="3", show_default=True, help="Time limit; destroy comes after it.")
@click.option("--acknowledge", default="", help="What has no price, by commas: it is not in the sum.")
@click.option("--from", "first", type=int, default=0, show_default=True, help="Level to begin at.")
@click.option("--to", "then", type=int, default=1, show_default=True, help="Level to upgrade to.")
@click.option("--engine", type=click.Choice(["embedded", "pulumi"]), help="Engine of the environment's own run.")
@click.option("--project", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A model project.")
@click.option("--payload", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A prediction's request.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), help="Folder for copies; kept.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="File of the report.")
@click.option("-C", "--root", type=click.Path(file_okay=False, path_type=Path), help="Folder of the platform.")
def acceptance(
    env: str,
    cap: Decimal,
    hours: Decimal,
    acknowledge: str,
    first: int,
    then: int,
    engine: str | None,
    project: Path | None,
    payload: Path | None,
    work: Path | None,
    report: Path | None,
    root: Path | None,
) -> None:
    """Bring ENV from nothing through a model, a prediction and an upgrade back to nothing, and report on it.

    The same runs in the sandbox first. ENV must be an environment of its own: everything in it is deleted.
    """
    try:
        platform = open_platform(root, env)
        expected = _gate(platform, (first, then), hours, cap, acknowledge.split(","), project)
        outcome = _run(platform, (first, then), expected, cap, engine, project, payload, work)
    except TerraceError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        sys.exit(1)
    file = report or Path(f"acceptance-{env}-{outcome.began:%Y%m%d-%H%M}.md")
    file.write_text("\n".join(outcome.lines()) + "\n")
    click.echo(f"report: {file}")
    sys.exit(0 if outcome.ok else 1)


def _gate(
    platform: Platform,
    levels: tuple[int, int],
    hours: Decimal,
    cap: Decimal,
    acknowledged: list[str],
    project: Path | None,
) -> Forecast:
    """Refuse what would destroy something of use, or cost more than it may.

    Raises:
        TerraceError: The environment is in use or is production's, or the forecast is above the cap or not whole.
    """
    settings = platform.settings
    if settings.production or settings.protect:
        raise TerraceError(
            f"{platform.environment} is protected: its stores are not there to be deleted.",
            "Use an environment of its own: copy stacks/Pulumi.staging.yaml to stacks/Pulumi.trial.yaml.",
        )
    expected = forecast(settings, levels, hours, _endpoint(platform, project))
    for line in expected.lines():
        click.echo(line, err=True)
    expected.refuse(cap, acknowledged)
    target = platform.target(say=lambda text: click.echo(text, err=True))
    if read_platform(target, platform.environment) is not None:
        raise TerraceError(
            f"{platform.environment} has a platform: acceptance would delete it with all its data.",
            "Use an environment of its own, or remove that one first.",
        )
    return expected


def _endpoint(platform: Platform, project: Path | None) -> tuple[str, int] | None:
    """Return instance type and count of the model's endpoint, None where it is serverless."""
    if project is None:
        # A project from the template in an environment that is not protected.
        defaults = ModelSettings.model_fields["instance_type"].default
        serverless = ModelSettings(
            model="m", environment=platform.environment, region=platform.settings.region, team="t", owner="a@b.example"
        )
        return None if serverless.effective_mode == "serverless" else (str(defaults), 1)
    from terrace.project import open_project

    settings = open_project(project, platform.environment).settings
    if settings.effective_mode == "serverless":
        return None
    return settings.instance_type, settings.instance_count or 1


def _run(
    platform: Platform,
    levels: tuple[int, int],
    expected: Forecast,
    cap: Decimal,
    engine: str | None,
    project: Path | None,
    payload: Path | None,
    work: Path | None,
) -> Outcome:
    folder = (work or Path(tempfile.mkdtemp(prefix="terrace-acceptance-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    env, began = platform.environment, datetime.datetime.now(datetime.UTC)
    request = payload_file(folder, payload)
    seconds = float(expected.hours) * 3600
    given = project.resolve() if project else None

    def show(line: str) -> None:
        click.echo(line, err=True)

    twin = Side("sandbox", env, folder / "twin", "embedded", folder / "sandbox", show)
    copy_platform(platform.root, twin, account=False)
    try:
        tell(twin, levels, request, given, Clock(seconds))
    finally:
        _stop_sandbox(folder / "sandbox")
    settings = platform.settings
    if not twin.ok:
        show("the sandbox's run failed, so nothing is spent on the environment itself")
        return Outcome(began, settings.target, settings.account_id, levels, expected, cap, None, twin, (), 0)
    here = Side(settings.target, env, folder / "here", engine, None, show)
    copy_platform(platform.root, here, account=True)
    start = time.monotonic()
    tell(here, levels, request, given, Clock(seconds))
    found = tuple(differences(here.steps, twin.steps))
    took = time.monotonic() - start
    return Outcome(began, settings.target, settings.account_id, levels, expected, cap, here, twin, found, took)


def _stop_sandbox(home: Path) -> None:
    from terrace.target import load_sandbox

    load_sandbox(home).stop()


if __name__ == "__main__":
    acceptance()
