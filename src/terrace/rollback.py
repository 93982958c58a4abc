"""Rollbacks: which version served before, and bringing it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from terrace.contracts import need_model, read_releases
from terrace.errors import ProjectError
from terrace.release import BASELINE, approved_package, baseline_package, put
from terrace.target import Say, Target
from terrace.versions import APPROVED, Version, list_versions

if TYPE_CHECKING:
    from terrace.maturity import ModelContract, Release


def served(history: Iterable[Release]) -> list[int]:
    """Return the versions below what serves now, and what serves now as the last. Pure.

    A release comes on top. A rollback takes off what is above the version that it goes back to, so that another one
    goes further back instead of forward again. A version that was released again with other settings stays once.

    Args:
        history: Records, the oldest first.
    """
    stack: list[int] = []
    for record in history:
        if not stack:
            stack.append(record.replaces or BASELINE)
        version = record.model_version
        if record.kind == "rollback" and version in stack:
            last = len(stack) - 1 - stack[::-1].index(version)
            del stack[last + 1 :]
        elif version != stack[-1]:
            stack.append(version)
    return stack


def choose(contract: ModelContract, history: Sequence[Release], versions: Iterable[Version], wanted: int | None) -> int:
    """Return the version to go back to; 0 is the baseline. Pure.

    Args:
        contract: Of the model.
        history: Records, the oldest first.
        versions: All that are registered.
        wanted: Which is asked for, None for what served before.

    Raises:
        ProjectError: Nothing served before, or that version never did, serves now, or is no longer approved.
    """
    model, env, versions = contract.model, contract.environment, list(versions)
    stack = served(history)
    ever = {BASELINE if not stack else stack[0], *(record.model_version for record in history)}
    if len(stack) < 2 and wanted is None:
        now = name(stack[-1]) if stack else name(BASELINE)
        raise ProjectError(f"Nothing served {model} in {env} before {now}, which serves now.", _others(ever, stack))
    found = stack[-2] if wanted is None else wanted
    if stack and found == stack[-1]:
        raise ProjectError(f"{name(found).capitalize()} of {model} serves in {env} now.", _others(ever, stack))
    registered = {one.number for one in versions}
    if found != BASELINE and found not in ever | registered:
        known = ", ".join(map(str, sorted(registered))) or "none"
        raise ProjectError(f"{model} has no version {found} in {env}.", f"There are: {known}.")
    if found not in ever or not stack:
        raise ProjectError(
            f"{name(found).capitalize()} of {model} never served in {env}, so nothing can go back to it.",
            _others(ever, stack)
            if found == BASELINE
            else f"Release it: terrace release {model} {env} --version {found}",
        )
    if found == BASELINE:
        return found
    status = next((one.status for one in versions if one.number == found), "gone from the registry")
    if status != APPROVED:
        raise ProjectError(
            f"Version {found} of {model}, which served before, is {status}.",
            f"Name another with --version, or approve it: terrace approve {model} {env} --version {found} --reason WHY",
        )
    return found


def rollback(
    target: Target, environment: str, model: str, version: int | None, reason: str | None, say: Say
) -> Release:
    """Put a version that served before on the endpoint again, and record it.

    Args:
        target: Where the model lives.
        environment: Name of the environment.
        model: Name of the model.
        version: Which; 0 is the baseline, None what served before.
        reason: Why, for the record.
        say: Told each step in a sentence.

    Raises:
        ProjectError: There is nothing to go back to, or the endpoint refused it and went on.
    """
    contract = need_model(target, environment, model)
    history = read_releases(target, environment, model)
    found = choose(contract, history, list_versions(target, contract), version)
    package = baseline_package(contract) if found == BASELINE else approved_package(target, contract, found)
    say(f"rolling {model} back from {name(history[-1].model_version)} to {name(found)}")
    return put(target, contract, package, history[-1], say, "rollback", reason)


def name(version: int | None) -> str:
    """Return a version for people: `version 3`, or `the baseline`."""
    return f"version {version}" if version else "the baseline"


def _others(ever: Iterable[int], stack: Sequence[int]) -> str:
    there = [name(version) for version in sorted(ever) if not stack or version != stack[-1]]
    return f"Others that served: {', '.join(there)}." if stack and there else "Nothing was changed."
