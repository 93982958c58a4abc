"""`make bench`: measure the ratios that the docs quote, and print them as a table. `--write` keeps it in docs/."""

from __future__ import annotations

import itertools
import os
import platform
import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import events, pipelines, real
from benchmarks.graph import Nothing, flat, up
from benchmarks.jobs import jobs
from benchmarks.measure import Ratio, command, compare, seconds_of
from benchmarks.replay import recorded, replay
from terrace import runs
from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.engine.pulumi.where import find_cli
from terrace.maturity import ModelSettings
from terrace.platform import open_platform, write_program
from terrace.project import Project
from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients
from terrace.settings import program_config

ROOT = Path(__file__).parents[1]
EMPTY = "import click\n@click.group()\ndef empty():\n    'Nothing.'\nempty(['--help'])\n"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TERRACE_HOME"] = str(folder / "home")
        box = Sandbox(folder / "home")
        box.start()
        try:
            ratios = [*ups(folder, box), *graphs(folder), *commands(folder), *events.upload_to_run(box)]
            ratios += [*jobs(folder, box), *pipelines.against_shell(folder, box)]
            growth = list(stacks(folder, box))
            grown = []
            if find_cli():
                ratios += [*real.against_flat(folder), *real.against_embedded(folder, box)]
                grown = list(real.growth(folder, box, lambda number: model(folder, number)))
        finally:
            box.stop()
    text = table(ratios, growth, grown)
    print(text)
    if "--write" in sys.argv:
        (ROOT / "docs" / "benchmarks.md").write_text(text)


def ups(folder: Path, box: Sandbox) -> Iterator[Ratio]:
    """`up` of each level against the same AWS calls made directly with boto3."""
    write_program(folder / "platform")
    for level in (0, 1):

        def embedded(level: int = level) -> float:
            box.reset()
            one = open_platform(folder / "platform", "dev", {"level": level})
            return seconds_of(lambda: runs.up_platform(one, runs.Options("embedded")))

        box.reset()
        with recorded() as calls:
            embedded()
        made = open_platform(folder / "platform", "dev", {"level": level})

        def direct(calls: list = calls, made: object = made) -> float:  # type: ignore[type-arg]
            box.reset()
            running = box.require()
            settings = made.settings  # type: ignore[attr-defined]
            clients = SandboxClients(running.url, settings.account_id, settings.region)
            return seconds_of(lambda: replay(calls, clients))

        yield compare(f"`up` of level {level} / its {len(calls)} calls made with boto3", embedded, direct, 3, 1.5)


def graphs(folder: Path) -> Iterator[Ratio]:
    """The resource graph alone against a flat program."""
    number = itertools.count()
    settings = open_platform(folder / "platform", "dev", {"level": 1}).settings
    whole = Program("terrace", "dev", folder / "platform" / "stacks", program_config(settings))
    first = EmbeddedEngine(folder / "graph", lambda _inputs: Nothing())
    first.up(whole)
    plain = Program("flat", "dev", flat(first, whole, folder / "flat"))
    yield compare(
        "resource graph of level 1 / a flat program with the same resources",
        lambda: seconds_of(up(folder / f"graph{next(number)}", whole)),
        lambda: seconds_of(up(folder / f"graph{next(number)}", plain)),
        5,
        1.2,
    )


def commands(folder: Path) -> Iterator[Ratio]:
    """Start of the command line, and generation of a project."""
    terrace = str(Path(sys.executable).with_name("terrace"))
    yield compare(
        "`terrace --help` / an empty click program",
        command([terrace, "--help"]),
        command([sys.executable, "-c", EMPTY]),
        15,
        1.5,
    )
    number = itertools.count()
    copier = str(Path(sys.executable).with_name("copier"))
    yield compare(
        "`terrace new` / bare copier",
        lambda: command([terrace, "new", str(folder / f"new{next(number)}"), "--defaults"])(),
        lambda: command(
            [copier, "copy", "--defaults", "--quiet", "--vcs-ref=HEAD", str(ROOT), str(folder / f"new{next(number)}")]
        )(),
        5,
        1.2,
    )


def stacks(folder: Path, box: Sandbox) -> Iterator[tuple[int, float, float]]:
    """Return seconds a stack, and MB of this process, after 1, 10 and 100 model stacks on one platform."""
    box.reset()
    runs.up_platform(open_platform(folder / "platform", "dev"), runs.Options("embedded"))
    took: list[float] = []
    for number in range(1, 101):
        project = model(folder, number)
        engine, program = runs.open_engine("embedded", project.target()), runs.program_of(project)
        took.append(seconds_of(lambda engine=engine, program=program: engine.up(program)))  # type: ignore[misc]
        if number in (1, 10, 100):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            yield number, statistics.median(took[-10:]), peak


def model(folder: Path, number: int) -> Project:
    """Return one of many model projects that share their program."""
    infra = folder / "model" / "infra"
    if not infra.is_dir():
        infra.mkdir(parents=True)
        source = (ROOT / "templates/model/project/infra/__main__.py.jinja").read_text()
        (infra / "__main__.py").write_text(source.replace("{{ project_name }}", "Model"))
    settings = ModelSettings(
        model=f"model-{number}", environment="dev", region="eu-central-1", team="operations", owner="a@acme.example"
    )
    return Project(folder / "model", settings)


def table(ratios: list[Ratio], growth: list[tuple[int, float, float]], grown: list[tuple[int, float, float]]) -> str:
    """Return what was measured as a page."""
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("terrace-mlops", "pulumi", "pulumi-aws", "moto", "copier")
    )
    lines = [
        "# Benchmarks",
        "",
        "Ratios of two things measured in turn, in one run: the median of the pairs. `make bench` measures them again.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}.",
        "",
        "| what | seconds | baseline | ratio | aim | |",
        "|---|---|---|---|---|---|",
    ]
    for one in ratios:
        aim = "" if one.aim is None else f"at most {one.aim}"
        lines.append(
            f"| {one.name} | {one.seconds:.2f} | {one.baseline:.2f} | {one.ratio:.2f} | {aim} | {one.verdict} |"
        )
    lines += ["", "| model stacks | seconds a stack | peak memory of the process, MB |", "|---|---|---|"]
    lines += [f"| {number} | {seconds:.2f} | {peak:.0f} |" for number, seconds, peak in growth]
    if grown:
        lines += ["", "The same on Pulumi's engine, each run a process of its own beside ours:", ""]
        lines += ["| model stacks | seconds a stack | memory of our process, MB |", "|---|---|---|"]
        lines += [f"| {number} | {seconds:.2f} | {peak:.0f} |" for number, seconds, peak in grown]
    else:
        lines += ["", "Pulumi's command line was not there: its engine was not measured."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
