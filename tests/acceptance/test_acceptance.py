"""The acceptance of an environment, in small: both sides are sandboxes, and the model is a tiny one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from changes.baseline import write_infra
from serving import APP

from terrace.acceptance.compare import differences, plain
from terrace.acceptance.forecast import forecast
from terrace.acceptance.steps import Clock, Step, run, terrace
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings, names
from terrace.platform import write_program
from terrace.sandbox import Sandbox

DIGEST = "a" * 64


@dataclass
class Bench:
    """A platform, a tiny model project, and the homes of both sides."""

    folder: Path

    @property
    def homes(self) -> tuple[Path, Path]:
        return self.folder / "home", self.folder / "work" / "sandbox"

    def __call__(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the acceptance of dev."""
        command = [sys.executable, "-m", "terrace.acceptance", "dev", "-C", str(self.folder / "platform"), *args]
        environment = {**os.environ, "TERRACE_HOME": str(self.homes[0])}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A platform as `terrace init` writes it, and a project whose image is this interpreter with the tiny model."""
    made = Bench(tmp_path)
    write_program(tmp_path / "platform")
    infra = write_infra(tmp_path / "project" / "infra")
    account = names.made_up_account("dev")
    uri = f"{account}.dkr.ecr.eu-central-1.amazonaws.com/tiny@sha256:{DIGEST}"
    (infra / "Pulumi.dev.yaml").write_text(
        "config:\n  terrace:model: flights\n  terrace:region: eu-central-1\n  terrace:team: operations\n"
        f"  terrace:owner: mlops@acme.example\n  terrace:image: {uri}\n"
    )
    for home in made.homes:
        home.mkdir(parents=True)
        Sandbox(home).start()
        Sandbox(home).post("images", {"uri": uri, "python": sys.executable, "entrypoint": ["python", str(APP)]})
    yield made
    for home in made.homes:
        Sandbox(home).stop()


ALL = ("--acknowledge", "alarm,use")


@pytest.mark.slow
def test_an_environment_lives_and_dies_and_its_report_says_how(bench: Bench) -> None:
    """Up, predict, upgrade, predict, destroy: nothing differs, nothing is left, and the settings are as they were."""
    settings = bench.folder / "platform" / "stacks" / "Pulumi.dev.yaml"
    before, report = settings.read_text(), bench.folder / "report.md"
    payload = bench.folder / "payload.json"
    payload.write_text('{"do": "fill", "bytes": 3}')
    project = ("--project", str(bench.folder / "project"), "--payload", str(payload))
    project = (*project, "--work", str(bench.folder / "work"))
    bench("--cap", "5", *ALL, *project, "--report", str(report))
    text = report.read_text()
    assert "- result: passed, and nothing is left" in text
    assert "Nothing: resources by count, outputs and predictions are the same" in text
    for step in ("up, level 0", "predict", "upgrade to level 1", "predict, after the upgrade", "destroy the platform"):
        assert f"| {step} | ok, " in text
    assert settings.read_text() == before


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--cap", "0.10", *ALL), "above the cap of $0.10"),
        (("--cap", "5"), "ACKNOWLEDGE=alarm,use"),
        (("--cap", "5", "--acknowledge", "alarm"), "No price is known of: use"),
    ],
)
def test_money_that_nobody_agreed_to_is_not_spent(tmp_path: Path, args: tuple[str, ...], says: str) -> None:
    """Above the cap, or with a price that is not known and not acknowledged, nothing is begun."""
    write_program(tmp_path / "platform")
    done = Bench(tmp_path)(*args, expect=1)
    assert says in done.stderr
    assert not (tmp_path / "home").exists()


def test_production_is_not_for_trying(tmp_path: Path) -> None:
    """An environment that is protected is refused: everything in it would be deleted."""
    write_program(tmp_path / "platform")
    settings = tmp_path / "platform" / "stacks" / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text() + "  terrace:protect: true\n")
    assert "dev is protected" in Bench(tmp_path)("--cap", "5", *ALL, expect=1).stderr


def test_an_environment_in_use_is_refused(tmp_path: Path) -> None:
    """Where there is a platform already, acceptance would delete it with its data."""
    write_program(tmp_path / "platform")
    bench = Bench(tmp_path)
    Sandbox(bench.homes[0]).start()
    try:
        environment = {**os.environ, "TERRACE_HOME": str(bench.homes[0])}
        up = [sys.executable, "-m", "terrace.cli", "up", "dev", "-C", str(tmp_path / "platform")]
        subprocess.run(up, env=environment, check=True, capture_output=True)
        assert "dev has a platform" in bench("--cap", "5", *ALL, expect=1).stderr
    finally:
        Sandbox(bench.homes[0]).stop()


def of_level(level: int = 1, **more: object) -> PlatformSettings:
    """Return settings in a region whose prices are known."""
    said = {
        "organisation": "acme",
        "environment": "trial",
        "level": level,
        "region": "us-east-1",
        "owner": "a@acme.example",
        "budget": {"monthly": 10},
    }
    return PlatformSettings.model_validate(said | more)


def test_a_forecast_counts_the_dearest_level_and_the_endpoint() -> None:
    """Hours of what stands, at the higher level, and of the model's instances; use is always unknown."""
    found = forecast(of_level(), (0, 1), Decimal(2), ("ml.m5.large", 2))
    assert found.endpoint == Decimal("0.230")
    assert found.known == (found.hourly * 2).quantize(Decimal("0.01"))
    assert found.unknown == ("use",)
    assert forecast(of_level(), (0, 1), Decimal(2), ("ml.p9.huge", 1)).unknown == ("endpoint-ml.p9.huge", "use")
    found.refuse(Decimal(100), ["use"])
    with pytest.raises(TerraceError, match="above the cap"):
        found.refuse(found.known - Decimal("0.01"), ["use"])


def test_a_command_that_outlives_the_limit_is_interrupted_and_named(tmp_path: Path) -> None:
    """It gets Ctrl-C, so that Pulumi can write its state, and counts as failed."""
    program = "import time, signal; signal.signal(2, lambda *_: exit(0)); print('{}', flush=True); time.sleep(60)"
    began = time.monotonic()
    step = run("up", [sys.executable, "-c", program], tmp_path, os.environ, 1.0, "terrace up")
    assert time.monotonic() - began < 30
    assert not step.ok
    assert "the time limit was reached" in step.error


def test_nothing_is_left_of_the_time_once_it_is_over() -> None:
    """A clock ends, and stays at its end."""
    seconds = iter([0.0, 4.0, 11.0])
    clock = Clock(10, lambda: next(seconds))
    assert (clock.left, clock.left) == (6.0, 0.0)


def test_an_interrupted_acceptance_still_destroys(bench: Bench) -> None:
    """Ctrl-C in the middle of the story ends the command and removes what was made."""
    project = ("--project", str(bench.folder / "project"), "--work", str(bench.folder / "work"))
    command = [sys.executable, "-m", "terrace.acceptance", "dev", "-C", str(bench.folder / "platform"), "--cap", "5"]
    environment = {**os.environ, "TERRACE_HOME": str(bench.homes[0])}
    with subprocess.Popen(
        [*command, *ALL, *project], cwd=bench.folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "terrace up dev" in line:
                time.sleep(2)
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode != 0
    assert "terrace destroy dev" in rest


def step(name: str, said: dict[str, object], *, ok: bool = True) -> Step:
    """Return a step that said something."""
    return Step(name, f"terrace {name}", ok, 1.0, said)


def test_ids_and_accounts_do_not_differ_but_counts_and_answers_do() -> None:
    """What AWS makes up is not compared; how many, which and what is predicted is."""
    here = [
        step("up", {"resources": {"created": 83}, "outputs": {"vpc_id": "vpc-0a1b2c3d4e5f60718", "level": 1}}),
        step("predict", {"status": 200, "answer": "[0.5]", "milliseconds": 90}),
        step("new", {"path": "/a", "model": "late-flights"}),
    ]
    there = [
        step("up", {"resources": {"created": 83}, "outputs": {"vpc_id": "vpc-1111111111111111", "level": 1}}),
        step("predict", {"status": 200, "answer": "[0.5]", "milliseconds": 3}),
        step("new", {"path": "/b", "model": "late-flights"}),
        step("setup of the project", {}),
    ]
    assert differences(here, there) == []
    there[0] = step("up", {"resources": {"created": 84}, "outputs": {"level": 1}})
    there[1] = step("predict", {"status": 200, "answer": "[0.6]"})
    found = {(one.step, one.what): (one.here, one.there) for one in differences(here, there)}
    assert found == {
        ("up", "resources created"): ("83", "84"),
        ("up", "output vpc_id"): ("<vpc>", "nothing"),
        ("predict", "answer"): ("[0.5]", "[0.6]"),
    }
    assert {one.what for one in differences(here, there[:1])} >= {"step"}
    assert plain("arn:aws:kms:r:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab") == (
        "arn:aws:kms:r:<account>:key/<uuid>"
    )


def test_a_command_of_terrace_is_run_by_this_interpreter() -> None:
    """The story's commands are those that a person types."""
    assert terrace("up", "dev") == [sys.executable, "-m", "terrace.cli", "up", "dev", "--json"]
