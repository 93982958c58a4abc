"""What an environment or a model keeps: stores of what was built there and is off now, written to `terrace:keep`."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from terrace.contracts import read_model, read_platform
from terrace.maturity import CAPABILITIES, PlatformContract, plan, plan_model
from terrace.maturity.catalogue import of_level
from terrace.platform import Platform, open_platform
from terrace.project import Project, open_project
from terrace.settings import write_keep
from terrace.target import Say, Target

Stack = TypeVar("Stack", Platform, Project)


def keeping(stack: Stack, keep: tuple[str, ...]) -> Stack:
    """Return an environment or a model project that keeps these capabilities, whatever its file says."""
    return replace(stack, settings=stack.settings.model_copy(update={"keep": keep}))


def kept_of_platform(platform: Platform, target: Target) -> tuple[str, ...]:
    """Return the capabilities whose stores must stay declared: those that were built, or kept, and are off now."""
    built = read_platform(target, platform.environment)
    on = plan(platform.settings.model_copy(update={"keep": ()})).on
    had = {*platform.settings.keep, *(built.capabilities if built else ())}
    return tuple(id for id in CAPABILITIES if id in had and id not in on and CAPABILITIES[id].holds_data)


def kept_of_model(project: Project, contract: PlatformContract, target: Target) -> tuple[str, ...]:
    """Return the capabilities of a model whose stores must stay declared though its level or mode has them no more.

    Args:
        project: The model project.
        contract: Of its platform.
        target: Where the model's own contract says what was built.
    """
    built = read_model(target, contract.environment, project.settings.model)
    had = set(project.settings.keep)
    if built is not None:
        had |= {capability.id for capability in of_level(built.level, "model") if capability.id != SCORES}
        # Without an image nothing ever scored, and there is no pipeline.
        had |= {SCORES} if built.batch is not None and built.image is not None else set()
    holding = tuple(id for id in CAPABILITIES if id in had and CAPABILITIES[id].holds_data)
    return plan_model(keeping(project, holding).settings, contract).kept


def write_kept(stack: Platform | Project, keep: tuple[str, ...], say: Say) -> None:
    """Write what is kept into the settings file, if it says something else."""
    if isinstance(stack, Platform):
        written = open_platform(stack.root, stack.environment).settings.keep
    else:
        written = open_project(stack.root, stack.settings.environment).settings.keep
    if keep != written:
        write_keep(stack.settings_file, keep)
        say(f"wrote terrace:keep to {stack.settings_file}: {', '.join(keep) or 'nothing is kept any more'}")


SCORES = "serving"
"""The capability that has a store in one mode alone: the pipeline that scores in mode batch."""
