"""Removing what was kept: the stores of a capability that is off, or that the program no longer names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.contracts import need_platform
from terrace.engine import StackResource
from terrace.errors import PlanError, TerraceError
from terrace.keeping import keeping
from terrace.maturity import CAPABILITIES, plan, plan_model
from terrace.platform import Platform, open_platform
from terrace.project import Project, open_project
from terrace.runs import Options, Run, preview_platform, preview_project, program_of, up_platform, up_project
from terrace.settings import write_keep
from terrace.stores import capability_of, contents, stores
from terrace.target import Target


@dataclass(frozen=True)
class Loss:
    """A store that goes, and what is lost with it, in words."""

    store: StackResource
    contents: str


@dataclass(frozen=True)
class Retirement:
    """What retiring a capability would delete.

    Attributes:
        stack: The environment, or the model project in it, with the capability taken out of `terrace:keep`.
        capability: Its id.
        losses: The stores that go.
        run: The preview without the capability.
    """

    stack: Platform | Project
    capability: str
    losses: tuple[Loss, ...]
    run: Run

    @property
    def unfinished(self) -> bool:
        """Whether an earlier run deleted the stores, and failed to do the rest."""
        counts = self.run.result.counts
        return not self.losses and any(counts[name] for name in counts if name != "unchanged")

    def to_json(self) -> list[dict[str, Any]]:
        """Return the stores as plain data."""
        return [
            {"type": loss.store.type, "name": loss.store.name, "id": loss.store.id, "contents": loss.contents}
            for loss in self.losses
        ]


def prepare(root: Path | None, environment: str, capability: str, options: Options) -> Retirement:
    """Return what retiring a platform's capability would delete. Nothing is written or changed.

    Args:
        root: Folder of the platform's program; None looks from the working folder upwards.
        environment: Name of the environment.
        capability: Id of a capability in `terrace:keep`, or of one that has stores which nothing names any more.
        options: Engine and listener.

    Raises:
        PlanError: There is no such capability.
        TerraceError: The capability has no store that is only kept.
    """
    return _prepare(open_platform(root, environment), capability, options)


def prepare_project(path: Path, environment: str, capability: str, options: Options) -> Retirement:
    """Return what retiring a model's capability would delete: as `prepare` does, of the project in a folder."""
    return _prepare(open_project(path, environment), capability, options)


def _prepare(stack: Platform | Project, capability: str, options: Options) -> Retirement:
    keep = stack.settings.keep
    kept = f"Kept are: {', '.join(keep) or 'none'}."
    scope = "platform" if isinstance(stack, Platform) else "model"
    if capability not in CAPABILITIES:
        raise PlanError(f"There is no capability {capability!r}.", kept)
    if CAPABILITIES[capability].scope != scope:
        hint = "Name the model's folder with --project PATH." if scope == "platform" else "Leave out --project."
        raise PlanError(f"{capability} is no capability of a {scope}.", hint)
    left = tuple(id for id in keep if id != capability)
    without: Platform | Project
    if isinstance(stack, Platform):
        without = keeping(stack, left)
        run = preview_platform(without, options)
    else:
        without = keeping(stack, left)
        run = preview_project(without, options)
    unnamed = {change.urn for change in run.result.kept}
    target = stack.target(say=options.say)
    _, engine = options.open(target, program_of(without))
    going = [
        store
        for store in stores(engine.resources(program_of(without)))
        if store.urn in unnamed and capability_of(store.urn) == capability
    ]
    found = Retirement(without, capability, tuple(Loss(store, contents(target, store)) for store in going), run)
    if not going and capability not in keep and not found.unfinished:
        if _on(stack, target, capability):
            raise TerraceError(f"{capability} is on in {_named(stack)}: only what is kept can be retired.", kept)
        raise TerraceError(f"{_named(stack)} keeps nothing of {capability}.", kept)
    return found


def carry_out(retirement: Retirement, options: Options) -> Run:
    """Take the capability out of `terrace:keep`, and delete its stores with all they hold.

    The same command finishes a run that failed: what was not deleted is then a store that nothing names.

    Raises:
        EngineError: The run failed.
    """
    stack, keep = retirement.stack, retirement.stack.settings.keep
    urns = [loss.store.urn for loss in retirement.losses]
    if _opened(stack).settings.keep != keep:
        write_keep(stack.settings_file, keep)
        options.say(f"took {retirement.capability} out of terrace:keep in {stack.settings_file}")
    opened = _opened(stack)
    if isinstance(opened, Platform):
        return up_platform(opened, options, urns)
    return up_project(opened, options, retire=urns)


def _opened(stack: Platform | Project) -> Platform | Project:
    """Read the settings again, as the file has them now."""
    if isinstance(stack, Platform):
        return open_platform(stack.root, stack.environment)
    return open_project(stack.root, stack.settings.environment)


def _on(stack: Platform | Project, target: Target, capability: str) -> bool:
    if isinstance(stack, Platform):
        return plan(stack.settings).has(capability)
    return plan_model(stack.settings, need_platform(target, stack.settings.environment)).has(capability)


def _named(stack: Platform | Project) -> str:
    environment = stack.settings.environment
    return environment if isinstance(stack, Platform) else f"{stack.settings.model} in {environment}"
