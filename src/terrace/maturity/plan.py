"""From settings to a plan: which capabilities are on, which only keep their stores, and what is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from terrace.errors import PlanError
from terrace.maturity.capability import Capability, Scope
from terrace.maturity.catalogue import CAPABILITIES, closure, of_level
from terrace.maturity.contract import PlatformContract
from terrace.maturity.levels import LEVELS
from terrace.maturity.model_settings import BUILT_MODES, ModelSettings
from terrace.maturity.settings import PlatformSettings


@dataclass(frozen=True)
class Plan:
    """What is to be built.

    Attributes:
        level: The maturity level, 0 to 4.
        scope: Whose plan it is: a platform's or a model's.
        on: Ids of the capabilities that are built whole, requirements included, in the catalogue's order.
        kept: Ids of the capabilities that are off but whose stores stay declared; also `serving` of a model that
            scored in mode batch and has another mode now.
    """

    level: int
    scope: Scope
    on: tuple[str, ...]
    kept: tuple[str, ...] = ()

    def has(self, capability: str) -> bool:
        """Tell whether a capability is built whole."""
        return capability in self.on

    def keeps(self, capability: str) -> bool:
        """Tell whether a capability's stores alone are declared."""
        return capability in self.kept

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """The capabilities that are built whole."""
        return tuple(CAPABILITIES[id] for id in self.on)

    def refuse_unbuilt(self) -> None:
        """Refuse a plan that Terrace cannot build yet.

        Raises:
            PlanError: Names every capability that is not built.
        """
        missing = [c for c in self.capabilities if not c.built]
        if missing:
            named = ", ".join(f"{c.id} ({c.title})" for c in missing)
            level = LEVELS[self.level]
            raise PlanError(
                f"terrace:level {self.level} ({level.name}) cannot be built yet: Terrace lacks {named}.",
                "Use level 2 or below, or leave these switched off; `terrace levels` shows what is built.",
            )


def plan(settings: PlatformSettings) -> Plan:
    """Return what a platform's settings ask for. The same settings always give the same plan.

    Raises:
        PlanError: A switch is unknown, belongs to models, switches off what something still on requires, or switches
            on what excludes something; the network has no way to AWS's services; or `keep` names what has no stores.
    """
    _known(settings.capabilities, "terrace:capabilities", "platform")
    _known(settings.keep, "terrace:keep", "platform")
    switched_on = tuple(id for id, on in settings.capabilities.items() if on)
    off = {id for id, on in settings.capabilities.items() if not on}
    by_level = tuple(c.id for c in of_level(settings.level, "platform") if c.id not in off)
    on = closure((*by_level, *switched_on), "platform")
    _refuse_needed(off, on)
    _refuse_exclusive(on)
    _refuse_cut_off(settings, on)
    _refuse_unreachable(settings, on)
    _refuse_storeless(settings.keep, "platform")
    kept = tuple(id for id in CAPABILITIES if id in settings.keep and id not in on)
    return Plan(settings.level, "platform", on, kept)


def plan_model(settings: ModelSettings, platform: PlatformContract) -> Plan:
    """Return what a model's settings ask for on a platform.

    Raises:
        PlanError: The model's level is above its platform's, its team is unknown there, its mode cannot be served at
            this level, the platform lacks what the model requires, or `keep` names what has no stores.
    """
    _known(settings.keep, "terrace:keep", "model")
    _refuse_storeless(settings.keep, "model")
    level = platform.level if settings.level is None else settings.level
    if level > platform.level:
        raise PlanError(
            f"terrace:level {level} of model {settings.model} is above level {platform.level} of its platform.",
            f"Set terrace:level to {platform.level} or below, or upgrade {platform.environment} first.",
        )
    teams = [team.name for team in platform.teams]
    if settings.team not in teams:
        near = difflib.get_close_matches(settings.team, teams, n=1)
        raise PlanError(
            f"terrace:team {settings.team} is not a team of {platform.environment}; there are: {', '.join(teams)}.",
            f"Did you mean {near[0]}?" if near else "Declare it under terrace:teams of the platform.",
        )
    on = tuple(c.id for c in of_level(level, "model"))
    for id in on:
        lacking = [r for r in CAPABILITIES[id].requires if r not in on and r not in platform.capabilities]
        if lacking:
            raise PlanError(
                f"{id} of model {settings.model} requires {', '.join(lacking)}, which {platform.environment} lacks.",
                f"Switch it on under terrace:capabilities of the platform, or set terrace:level below {level}.",
            )
    _refuse_mode(settings, on)
    _refuse_instance_type(settings, platform, on)
    off = {id for id in settings.keep if id not in on}
    if settings.effective_mode != "batch":
        # It is on in every mode; what only mode batch has is off in the others.
        off |= {"serving"} & set(settings.keep)
    return Plan(level, "model", on, tuple(id for id in CAPABILITIES if id in off))


NOT_IN = {
    "serverless": ("data-quality", "model-quality", "bias", "explainability", "shadow", "autoscaling"),
    "batch": ("shadow", "autoscaling"),
}
"""Mode → capabilities that AWS does not offer in it. Serverless endpoints have no capture, no monitors and no second
variant; what shifts or scales an endpoint needs one."""


def _refuse_mode(settings: ModelSettings, on: Iterable[str]) -> None:
    mode = settings.effective_mode
    refused = [id for id in on if id in NOT_IN.get(mode, ())]
    if refused:
        modes = ", ".join(one for one in BUILT_MODES if not set(refused) & set(NOT_IN.get(one, ())))
        what = f"{mode} endpoints" if mode != "batch" else "models without an endpoint"
        raise PlanError(
            f"terrace:mode {mode} of model {settings.model} cannot have {', '.join(refused)}: AWS offers none of it "
            f"for {what}.",
            f"Set terrace:mode to {modes}.",
        )


def _refuse_instance_type(settings: ModelSettings, platform: PlatformContract, on: Iterable[str]) -> None:
    allowed = next(team.instance_types for team in platform.teams if team.name == settings.team)
    asked = {"instanceType": settings.instance_type} if settings.effective_mode != "serverless" else {}
    if "training-pipeline" in on:
        asked["training.instanceType"] = settings.training.instance_type
    for key, wanted in asked.items():
        if allowed and wanted not in allowed:
            raise PlanError(
                f"terrace:{key} {wanted} of model {settings.model} is not permitted to team {settings.team}; "
                f"permitted are: {', '.join(allowed)}.",
                f"Use one of them, or add it to terrace:teams.{settings.team}.instanceTypes of the platform.",
            )


def _known(ids: Iterable[str], key: str, scope: Scope) -> None:
    allowed = [c.id for c in CAPABILITIES.values() if c.scope == scope]
    for id in ids:
        if id not in allowed:
            near = difflib.get_close_matches(id, allowed, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise PlanError(
                f"{key} names {id!r}, which is no capability of a {scope}.", f"{hint}Allowed are: {', '.join(allowed)}."
            )


def _refuse_storeless(keep: Iterable[str], scope: Scope) -> None:
    for id in keep:
        if not CAPABILITIES[id].holds_data:
            holding = ", ".join(c.id for c in CAPABILITIES.values() if c.holds_data and c.scope == scope)
            raise PlanError(
                f"terrace:keep names {id}, which has no stores.", f"Remove it from the list; stores are in: {holding}."
            )


def _refuse_needed(off: set[str], on: tuple[str, ...]) -> None:
    for id in sorted(off & set(on)):
        needing = [other for other in on if id in CAPABILITIES[other].requires]
        raise PlanError(
            f"terrace:capabilities.{id} is false, but {', '.join(needing)} requires it.",
            f"Switch {', '.join(needing)} off too, or leave {id} on.",
        )


def _refuse_cut_off(settings: PlatformSettings, on: tuple[str, ...]) -> None:
    """Refuse a network from which nothing reaches AWS's own services: neither over the internet nor by endpoints."""
    built = "network" in on and settings.network.bring is None
    if built and settings.nat_mode == "none" and "private-network" not in on:
        raise PlanError(
            f"terrace:network.nat is none, but private-network is off at level {settings.level}: nothing in it "
            "could reach AWS's services.",
            "Set terrace:network.nat to single or per-zone, or terrace:capabilities.private-network to true.",
        )


def _refuse_unreachable(settings: PlatformSettings, on: tuple[str, ...]) -> None:
    """Refuse a tracking tool that jobs in the network cannot reach: AWS has an endpoint for tracking servers alone."""
    built = {"network", "tracking"} <= set(on) and settings.network.bring is None
    tracking = settings.tracking
    outside = tracking.kind == "app" or (tracking.kind == "wandb" and tracking.uri is None)
    if built and settings.nat_mode == "none" and outside:
        raise PlanError(
            f"terrace:network.nat is none, but terrace:tracking.kind is {tracking.kind}, which jobs in the network "
            "reach over NAT alone.",
            "Set terrace:tracking.kind to server, which has an endpoint in the network, or terrace:network.nat to "
            "single or per-zone.",
        )


def _refuse_exclusive(on: tuple[str, ...]) -> None:
    for id in on:
        for other in CAPABILITIES[id].excludes:
            if other in on:
                raise PlanError(
                    f"terrace:capabilities.{id} and {other} exclude each other.",
                    f"Switch one of them off: {id} or {other}.",
                )
