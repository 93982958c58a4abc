"""One step of a definition: its JSON, judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.pipelines import retries
from terrace.sandbox.pipelines.arguments import problems
from terrace.sandbox.pipelines.conditions import MEMBERS, negated
from terrace.sandbox.pipelines.durations import duration
from terrace.sandbox.pipelines.expressions import GET, JOIN, JSON_GET, UnresolvableError, expressions, steps_of
from terrace.sandbox.pipelines.graph import Dependency
from terrace.sandbox.pipelines.kinds import CONDITION, FAIL, JOBS, REFUSED

TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


class DefinitionError(SandboxError):
    """A definition that AWS would refuse, or that has what the sandbox cannot run."""


@dataclass(frozen=True)
class Step:
    """One step of a pipeline.

    Attributes:
        name: Its name.
        type: `Training`, `Processing`, `Condition` …
        arguments: As the definition has them; of a condition, only its conditions.
        dependencies: The steps it waits for, by name or because it uses what they made.
        branch: The condition that it is in, and the outcome with which it runs.
        expires: How old a result of an earlier execution may be that is taken in its place; None takes none.
        policies: What of its failures is tried again.
        files: Name of a property file → output it is in, and its path there.
        display: Name shown to people.
        description: What it does, for people.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    dependencies: tuple[Dependency, ...] = ()
    branch: tuple[str, bool] | None = None
    expires: timedelta | None = None
    policies: tuple[retries.Policy, ...] = ()
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    display: str | None = None
    description: str | None = None


def read_step(said: Any, branch: tuple[str, bool] | None) -> Step:
    """Return a step; `branch` is the condition that it is in, and with which outcome it runs.

    Raises:
        DefinitionError: It breaks a rule, or cannot run in the sandbox.
    """
    if not isinstance(said, Mapping):
        raise unparsed("Steps: Expecting start of Json Object.")
    name, type, arguments = said.get("Name"), str(said.get("Type")), said.get("Arguments")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise unparsed(f"Invalid step name: {name!r}. It must match {_NAME.pattern}.")
    if type in REFUSED:
        raise DefinitionError(f"The sandbox does not run step '{name}' of type {type}: {REFUSED[type]}.")
    if type not in JOBS and type not in (CONDITION, FAIL):
        raise unparsed(f"Unknown step type '{type}' of step '{name}'.")
    if not isinstance(arguments, Mapping):
        raise unparsed(f"Step '{name}': Arguments: Expecting start of Json Object.")
    if type in JOBS:
        for problem in problems(JOBS[type], arguments):
            raise unparsed(f"Step '{name}': {problem}")
    elif type == FAIL:
        if "ErrorMessage" not in arguments:
            raise unparsed(f"Step '{name}': Arguments of a Fail step must have ErrorMessage.")
    else:
        _check_conditions(name, arguments.get("Conditions"))
        arguments = {"Conditions": arguments["Conditions"]}
    _check_functions(name, arguments)
    return Step(
        name=name,
        type=type,
        arguments=arguments,
        dependencies=_dependencies(name, said.get("DependsOn") or [], arguments),
        branch=branch,
        expires=_expires(name, said.get("CacheConfig") or {}),
        policies=_policies(name, said.get("RetryPolicies") or []),
        files=_files(name, said.get("PropertyFiles") or []),
        display=_text(name, said, "DisplayName"),
        description=_text(name, said, "Description"),
    )


def _text(name: str, said: Mapping[str, Any], key: str) -> str | None:
    found = said.get(key)
    if found is not None and not isinstance(found, str):
        raise unparsed(f"Step '{name}': {key} must be a text.")
    return found


def _dependencies(name: str, listed: Any, arguments: Any) -> tuple[Dependency, ...]:
    if not isinstance(listed, list):
        raise unparsed(f"Step '{name}': DependsOn: Expecting start of Json Array.")
    found = []
    for one in listed:
        step, trigger = (
            (one.get("Step"), one.get("Trigger", "Completed")) if isinstance(one, Mapping) else (one, "Completed")
        )
        if not isinstance(step, str) or trigger not in TRIGGERS:
            raise unparsed(f"Step '{name}': invalid DependsOn entry {json.dumps(one)}.")
        found.append(Dependency(step, trigger))
    try:
        found += [Dependency(step) for step in sorted(steps_of(arguments)) if Dependency(step) not in found]
    except UnresolvableError as error:
        raise unparsed(f"Step '{name}': {error.message}") from None
    return tuple(found)


def _check_conditions(name: str, listed: Any) -> None:
    if not isinstance(listed, list) or not listed:
        raise unparsed(f"Step '{name}': Conditions: Expecting a Json Array of at least one condition.")
    for one in listed:
        type = str(one.get("Type") if isinstance(one, Mapping) else None)
        if type not in MEMBERS:
            raise unparsed(f"Step '{name}': unknown condition Type '{type}', expected one of {list(MEMBERS)}.")
        if missing := [member for member in MEMBERS[type] if member not in one]:
            raise unparsed(f"Step '{name}': condition {type} lacks {missing}.")
        if type == "Or":
            _check_conditions(name, one["Conditions"])
        if type == "Not":
            _check_conditions(name, [negated(one)])
        if type == "In" and not isinstance(one["Values"], list):
            raise unparsed(f"Step '{name}': Values: Expecting start of Json Array.")


def _check_functions(name: str, arguments: Any) -> None:
    for function, argument in expressions(arguments):
        good = isinstance(argument, str) if function == GET else isinstance(argument, Mapping)
        if function == JOIN and good:
            good = isinstance(argument.get("Values"), list) and isinstance(argument.get("On", ""), str)
        if function == JSON_GET and good:
            file = argument.get("PropertyFile")
            good = "Path" in argument and ("S3Uri" in argument or (isinstance(file, Mapping) and GET in file))
        if not good:
            raise unparsed(f"Step '{name}': invalid {function} function {json.dumps(argument)}.")


def _expires(name: str, said: Mapping[str, Any]) -> timedelta | None:
    if not isinstance(said, Mapping) or not isinstance(said.get("Enabled", False), bool):
        raise unparsed(f"Step '{name}': CacheConfig needs a boolean Enabled.")
    if not said.get("Enabled"):
        return None
    after = said.get("ExpireAfter")
    if after is None:
        return timedelta.max
    found = duration(after) if isinstance(after, str) else None
    if found is None:
        raise unparsed(f"Step '{name}': ExpireAfter {after!r} is not a duration as ISO 8601 has them.")
    return found


def _policies(name: str, listed: Any) -> tuple[retries.Policy, ...]:
    for said in listed if isinstance(listed, list) else [None]:
        one: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        kinds = one.get("ExceptionType")
        if not isinstance(kinds, list) or not kinds or any(kind not in retries.EXCEPTIONS for kind in kinds):
            raise unparsed(f"Step '{name}': RetryPolicies: ExceptionType must be of {list(retries.EXCEPTIONS)}.")
        if ("MaxAttempts" in one) == ("ExpireAfterMin" in one):
            raise unparsed(f"Step '{name}': RetryPolicies: give either MaxAttempts or ExpireAfterMin.")
        for key, least, most in retries.RANGES:
            value = one.get(key, least)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
                raise unparsed(f"Step '{name}': RetryPolicies: {key} must be from {least} to {most}.")
    return retries.policies(listed)


def _files(name: str, listed: Any) -> dict[str, tuple[str, str]]:
    keys, found = ("PropertyFileName", "OutputName", "FilePath"), {}
    for one in listed if isinstance(listed, list) else [None]:
        if not isinstance(one, Mapping) or not all(isinstance(one.get(key), str) for key in keys):
            raise unparsed(f"Step '{name}': each of PropertyFiles needs the texts {', '.join(keys)}.")
        found[one["PropertyFileName"]] = (one["OutputName"], one["FilePath"])
    return found


def unparsed(why: str) -> DefinitionError:
    """Return the error of a definition that cannot be read, as AWS begins it."""
    return DefinitionError(f"Unable to parse pipeline definition. {why}")
