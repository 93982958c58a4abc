"""The life of an environment, from nothing to nothing: up, a model, predict, upgrade, predict, destroy.

It works in a copy of the platform's folder, so that the reader's settings stay as they are. Whatever happens on the
way, destroy is run: it alone has no time limit, and is tried again when it fails.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terrace.acceptance.steps import Clock, Step, run, terrace
from terrace.errors import TerraceError
from terrace.sandbox.client import MISLEADING

TRIES = 3
"""How often destroy is run before a person has to."""


@dataclass
class Side:
    """One side of the comparison: the environment itself, or its twin in the sandbox.

    Attributes:
        name: `aws` or `sandbox`.
        environment: Name of the environment.
        work: Folder of its copies.
        engine: Engine of its runs; None leaves it to Terrace.
        home: `TERRACE_HOME` of its own; None for the reader's.
        show: Prints a line for people.
    """

    name: str
    environment: str
    work: Path
    engine: str | None
    home: Path | None
    show: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)

    @property
    def platform(self) -> Path:
        """Folder of the platform's copy."""
        return self.work / "platform"

    @property
    def project(self) -> Path:
        """Folder of the model project."""
        return self.work / "project"

    @property
    def ok(self) -> bool:
        """Whether every step ended well; of one that was tried again, the last try counts."""
        last = {step.name: step.ok for step in self.steps}
        return bool(last) and all(last.values())

    @property
    def destroyed(self) -> bool:
        """Whether the last destroy of the environment ended well."""
        ended = [step.ok for step in self.steps if step.name == "destroy the platform"]
        return bool(ended) and ended[-1]

    def variables(self) -> dict[str, str]:
        """Return the environment variables of its commands."""
        found = dict(os.environ)
        if self.home is not None:
            # The twin must not reach the reader's account, nor write its state where the reader's is.
            for name in (*MISLEADING, "PULUMI_BACKEND_URL", "AWS_ENDPOINT_URL"):
                found.pop(name, None)
            found["TERRACE_HOME"] = str(self.home)
        return found


def copy_platform(root: Path, side: Side, *, account: bool) -> None:
    """Copy a platform's program and settings; without an account the copy lives in the sandbox."""
    shutil.copytree(root / "stacks", side.platform / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(root / "Pulumi.yaml", side.platform / "Pulumi.yaml")
    if (root / ".venv").exists():
        (side.platform / ".venv").symlink_to((root / ".venv").resolve())
    if account:
        return
    _without_account(side.platform / "stacks" / f"Pulumi.{side.environment}.yaml")


def _without_account(file: Path) -> None:
    """Rewrite settings so that they are the sandbox's: without account, and without what only the account has."""
    from ruamel.yaml import YAML

    yaml = YAML()
    said = yaml.load(file)
    config: dict[str, Any] = said.get("config", {})
    config.pop("terrace:account", None)
    for key in ("encryption", "network", "workbench", "identity"):
        if isinstance(brought := config.get(f"terrace:{key}"), dict):
            brought.pop("bring", None)
            brought.pop("boundaryArn", None)
    for trusted in (config.get("terrace:ci") or {}).values():
        if isinstance(trusted, dict):
            trusted.pop("providerArn", None)
    for key in ("secretsprovider", "encryptedkey", "encryptionsalt"):
        said.pop(key, None)
    yaml.dump(said, file)


def tell(side: Side, levels: tuple[int, int], payload: Path, given: Path | None, clock: Clock) -> None:
    """Run the story on one side. Steps are noted on it; a failed one ends the story, and destroy follows.

    Args:
        side: Where.
        levels: The level to begin at, and the one to upgrade to.
        payload: File with the request of a prediction.
        given: A model project of the reader's; None makes one from the template.
        clock: The time limit; destroy does not heed it.
    """
    env, first, then = side.environment, *levels
    project = ("--project", str(side.project))
    try:
        _must(_terrace(side, f"up, level {first}", clock, "up", env, "--level", str(first)))
        _make_project(side, clock, given)
        _must(_terrace(side, "up of the model", clock, "up", env, *project))
        _must(_predict(side, "predict", payload, clock))
        _must(_terrace(side, f"upgrade to level {then}", clock, "upgrade", env, "--to", str(then), "--yes"))
        _must(_terrace(side, "up of the model, again", clock, "up", env, *project))
        _must(_predict(side, "predict, after the upgrade", payload, clock))
        _must(_terrace(side, "up, nothing to do", clock, "up", env))
    except _EndedError:
        side.show(f"{side.name}: {side.steps[-1].name} failed; destroying what is there")
    finally:
        _destroy(side)


class _EndedError(TerraceError):
    """A step failed: the rest of the story is left out."""


def _must(step: Step) -> Step:
    if not step.ok:
        raise _EndedError(step.error)
    return step


def _terrace(side: Side, name: str, clock: Clock | None, *args: str) -> Step:
    """Run a command of Terrace's in the copy; the engine is named where one was asked for."""
    engine = ["--engine", side.engine] if side.engine and args[0] in ("up", "upgrade", "destroy", "outputs") else []
    return _run(side, name, clock, terrace(*args, *engine), f"terrace {' '.join(args)}", side.platform)


def _run(side: Side, name: str, clock: Clock | None, args: list[str], shown: str, folder: Path) -> Step:
    left = None if clock is None else clock.left
    side.show(f"{side.name}: {shown}")
    if left == 0:
        step = Step(name, shown, ok=False, seconds=0, error="left out: the time limit was reached")
    else:
        step = run(name, args, folder, side.variables(), left, shown)
    side.steps.append(step)
    if step.error:
        side.show(step.error)
    return step


def _make_project(side: Side, clock: Clock, given: Path | None) -> None:
    """Copy the reader's project, or make one; the sandbox needs its Python environment, AWS builds an image."""
    if given is not None:
        shutil.copytree(given, side.project, symlinks=True)
        if side.home is not None:
            _without_account(side.project / "infra" / f"Pulumi.{side.environment}.yaml")
    else:
        args = ("new", str(side.project), "--env", side.environment, "--defaults")
        _must(_terrace(side, "new", clock, *args, "-d", "project_name=Late flights"))
    brings_image = "terrace:image" in (side.project / "infra" / f"Pulumi.{side.environment}.yaml").read_text()
    if side.name == "sandbox" and not brings_image and not (side.project / ".venv").exists():
        args_ = ["make", "--no-print-directory", f"PYTHON={sys.executable}", "setup"]
        _must(_run(side, "setup of the project", clock, args_, "make setup", side.project))


def _predict(side: Side, name: str, payload: Path, clock: Clock) -> Step:
    outputs = _terrace(side, f"endpoint to {name}", clock, "outputs", side.environment, "--project", str(side.project))
    endpoint = str(_must(outputs).said.get("endpoint", ""))
    args = ["-m", "terrace.acceptance.predict", str(side.platform), side.environment, endpoint, str(payload)]
    return _run(side, name, clock, [sys.executable, *args], f"predict {endpoint}", side.platform)


def _destroy(side: Side) -> None:
    """Remove all of it, without a limit: what is left over costs money."""
    env, all_ = side.environment, ("--delete-data", "--yes")
    stages: list[tuple[str, tuple[str, ...]]] = [("destroy the platform", ("destroy", env, *all_))]
    if side.project.exists():
        stages.insert(0, ("destroy the model", ("destroy", env, "--project", str(side.project), *all_)))
    for name, args in stages:
        for _ in range(TRIES):
            if _terrace(side, name, None, *args).ok:
                break


def payload_file(work: Path, given: Path | None) -> Path:
    """Return the request of a prediction: the reader's file, or the flight of Terrace's own story."""
    if given is not None:
        return given.resolve()
    from terrace.demo.story import FLIGHT

    file = work / "payload.json"
    file.write_text(json.dumps({"instances": [FLIGHT]}))
    return file
