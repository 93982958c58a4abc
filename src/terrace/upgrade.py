"""Changes of level: what one would do, told before it is done, and then done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.contracts import models, need_model, read_platform
from terrace.cost import CostDifference, IdleCost, difference, idle
from terrace.engine import ResourceChange, StackResource
from terrace.errors import EngineError
from terrace.maturity import CAPABILITIES, LEVELS, plan
from terrace.maturity.catalogue import of_level
from terrace.platform import Platform, open_platform
from terrace.runs import Options, Run, preview_platform, program_of, up_platform
from terrace.settings import write_level
from terrace.stores import capability_of, stores
from terrace.target import Target


@dataclass(frozen=True)
class Upgrade:
    """What a change of level would do.

    Attributes:
        platform: The environment, with the settings that it will have.
        before: The level that stands now, None where nothing does.
        written: The level in the settings file.
        run: The preview.
        kept: Stores that the level no longer has, or that nothing names any more. They stay as they are.
        team: What people must do afterwards, a sentence each.
        idle_cost: How the cost a month of what nobody uses changes.
    """

    platform: Platform
    before: int | None
    written: int
    run: Run
    idle_cost: CostDifference
    kept: tuple[StackResource, ...] = ()
    team: tuple[str, ...] = ()

    @property
    def level(self) -> int:
        """The level to go to."""
        return self.platform.settings.level

    @property
    def nothing_to_do(self) -> bool:
        """Whether the level is in the settings and stands already, whole."""
        counts = self.run.result.counts
        return self.before == self.level == self.written and not any(
            counts[name] for name in counts if name != "unchanged"
        )

    @property
    def kept_capabilities(self) -> tuple[str, ...]:
        """Ids of the capabilities that keep their stores though the level no longer has them."""
        return tuple(id for id in self.run.kept if id in CAPABILITIES)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data; its form is a contract that scripts rest on."""
        result = self.run.result
        return {
            "from": self.before,
            "to": self.level,
            "added": [_said(change) for change in result.created],
            "changed": [_said(change) for change in result.updated],
            "replaced": [_said(change) for change in result.replaced],
            "retired": [_said(change) for change in result.deleted],
            "kept": [
                {"type": store.type, "name": store.name, "capability": capability_of(store.urn)} for store in self.kept
            ],
            # A run that would touch any is refused before there is a plan.
            "data_touched": [],
            "team": list(self.team),
            "idle_cost": self.idle_cost.to_json(),
        }


def prepare(root: Path | None, environment: str, level: int, options: Options) -> Upgrade:
    """Return what a change of level would do. Nothing is written or changed.

    Args:
        root: Folder of the platform's program; None looks from the working folder upwards.
        environment: Name of the environment.
        level: The level to go to, up or down.
        options: Engine and listener.

    Raises:
        PlanError: The level cannot be built.
        EngineError: A store would be replaced or deleted.
    """
    platform = open_platform(root, environment, {"level": level})
    run = preview_platform(platform, options)
    target = platform.target(say=options.say)
    contract = read_platform(target, environment)
    _, engine = options.open(target, program_of(platform))
    found = engine.resources(program_of(platform))
    _refuse_loss(run, found)
    before = contract.capabilities if contract else ()
    return Upgrade(
        platform=platform,
        before=contract.level if contract else None,
        written=open_platform(root, environment).settings.level,
        run=run,
        idle_cost=_cost(platform, contract.level if contract else None),
        kept=tuple(_kept(run, found)),
        team=tuple(_team(platform, before, target)),
    )


def carry_out(upgrade: Upgrade, options: Options) -> Run:
    """Write the level into the settings and bring the environment to it. The same command finishes a run that failed.

    Raises:
        EngineError: The run failed; the settings have the new level, so that `terrace up` finishes it too.
    """
    platform = upgrade.platform
    if upgrade.written != upgrade.level:
        write_level(platform.settings_file, upgrade.level)
        options.say(f"wrote terrace:level {upgrade.level} to {platform.settings_file}")
    return up_platform(open_platform(platform.root, platform.environment), options)


def _cost(platform: Platform, before: int | None) -> CostDifference:
    settings = platform.settings
    nothing = IdleCost(settings.region, ())
    stands = nothing if before is None else idle(settings.model_copy(update={"level": before}))
    return difference(stands, idle(settings))


def _refuse_loss(run: Run, found: Iterable[StackResource]) -> None:
    """Refuse what no engine should ever plan: that a store goes, or is made anew."""
    held = {store.urn for store in stores(found)}
    lost = [change for change in (*run.result.replaced, *run.result.deleted) if change.urn in held]
    if lost:
        named = ", ".join(f"{change.type} {change.name!r}" for change in lost)
        raise EngineError(
            f"Level {run.level} of {run.environment} would replace or delete what holds data: {named}.",
            "Nothing was changed. This is a fault of Terrace, or of a component that was changed: please report it.",
        )


def _kept(run: Run, found: Iterable[StackResource]) -> Iterable[StackResource]:
    unnamed = {change.urn for change in run.result.kept}
    return (store for store in stores(found) if store.urn in unnamed or capability_of(store.urn) in run.kept)


def _team(platform: Platform, before: Iterable[str], target: Target) -> Iterable[str]:
    """Say what people must do, from the data of the capabilities that come and go."""
    environment, level = platform.environment, platform.settings.level
    levels = {name: need_model(target, environment, name).level for name in models(target, environment)}
    had, has = set(before), set(plan(platform.settings).on)
    if levels:
        # Models go where their platform goes, each at its own next `up`.
        had |= {capability.id for capability in of_level(max(levels.values()), "model")}
        has |= {capability.id for capability in of_level(level, "model")}
    for id, capability in CAPABILITIES.items():
        steps = capability.when_added if id in has - had else capability.when_removed if id in had - has else ()
        yield from (f"{id}: {step.replace(' ENV ', f' {environment} ')}" for step in steps)
    for name, stands in levels.items():
        if stands != level:
            lower = "lower terrace:level in its settings if it is there, and " if stands > level else ""
            keeps = (
                [c.id for c in of_level(stands, "model") if c not in of_level(level, "model") and c.holds_data]
                if stands > level
                else []
            )
            kept = f" It keeps {', '.join(keeps)}, with what is in it." if keeps else ""
            yield f"model {name}, at level {stands}: {lower}run `terrace up {environment} --project PATH`.{kept}"


def _said(change: ResourceChange) -> dict[str, Any]:
    said: dict[str, Any] = {"type": change.type, "name": change.name, "capability": capability_of(change.urn)}
    return {**said, "properties": list(change.properties)} if change.properties else said


def level_name(level: int | None) -> str:
    """Return a level as people call it: `1 (DevOps)`."""
    if level is None:
        return "nothing"
    return f"level {level} ({LEVELS[level].name})" if level in LEVELS else f"level {level}"
