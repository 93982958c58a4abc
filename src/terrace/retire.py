"""Removing what was kept: the stores of a capability that is off, or that the program no longer names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from terrace.engine import StackResource
from terrace.errors import PlanError, TerraceError
from terrace.maturity import CAPABILITIES, plan
from terrace.platform import Platform, open_platform
from terrace.runs import Options, Run, preview_platform, program_of, up_platform
from terrace.settings import write_keep
from terrace.stores import capability_of, contents, stores


@dataclass(frozen=True)
class Loss:
    """A store that goes, and what is lost with it, in words."""

    store: StackResource
    contents: str


@dataclass(frozen=True)
class Retirement:
    """What retiring a capability would delete.

    Attributes:
        platform: The environment, with the capability taken out of `terrace:keep`.
        capability: Its id.
        losses: The stores that go.
        run: The preview without the capability.
    """

    platform: Platform
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
    """Return what retiring a capability would delete. Nothing is written or changed.

    Args:
        root: Folder of the platform's program; None looks from the working folder upwards.
        environment: Name of the environment.
        capability: Id of a capability in `terrace:keep`, or of one that has stores which nothing names any more.
        options: Engine and listener.

    Raises:
        PlanError: There is no such capability.
        TerraceError: The capability has no store that is only kept.
    """
    platform = open_platform(root, environment)
    if capability not in CAPABILITIES:
        raise PlanError(
            f"There is no capability {capability!r}.", f"Kept are: {', '.join(platform.settings.keep) or 'none'}."
        )
    left = tuple(id for id in platform.settings.keep if id != capability)
    without = replace(platform, settings=platform.settings.model_copy(update={"keep": left}))
    run = preview_platform(without, options)
    unnamed = {change.urn for change in run.result.kept}
    target = platform.target(say=options.say)
    _, engine = options.open(target, program_of(without))
    going = [
        store
        for store in stores(engine.resources(program_of(without)))
        if store.urn in unnamed and capability_of(store.urn) == capability
    ]
    found = Retirement(without, capability, tuple(Loss(store, contents(target, store)) for store in going), run)
    if not going and capability not in platform.settings.keep and not found.unfinished:
        kept = f"Kept are: {', '.join(platform.settings.keep) or 'none'}."
        if plan(platform.settings).has(capability):
            raise TerraceError(f"{capability} is on in {environment}: only what is kept can be retired.", kept)
        raise TerraceError(f"{environment} keeps nothing of {capability}.", kept)
    return found


def carry_out(retirement: Retirement, options: Options) -> Run:
    """Take the capability out of `terrace:keep`, and delete its stores with all they hold.

    The same command finishes a run that failed: what was not deleted is then a store that nothing names.

    Raises:
        EngineError: The run failed.
    """
    platform = retirement.platform
    keep = platform.settings.keep
    if open_platform(platform.root, platform.environment).settings.keep != keep:
        write_keep(platform.settings_file, keep)
        options.say(f"took {retirement.capability} out of terrace:keep in {platform.settings_file}")
    urns = [loss.store.urn for loss in retirement.losses]
    return up_platform(open_platform(platform.root, platform.environment), options, urns)
