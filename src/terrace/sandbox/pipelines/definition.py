"""Definitions of pipelines: their JSON, judged, and what of it an execution needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.pipelines import retries
from terrace.sandbox.pipelines.arguments import has_property, problems
from terrace.sandbox.pipelines.conditions import MEMBERS, negated
from terrace.sandbox.pipelines.durations import duration
from terrace.sandbox.pipelines.expressions import (
    GET,
    JOIN,
    JSON_GET,
    UnresolvableError,
    expressions,
    references,
    split,
    steps_of,
)
from terrace.sandbox.pipelines.graph import Dependency, cycle
from terrace.sandbox.pipelines.kinds import CONDITION, FAIL, JOBS, REFUSED
from terrace.sandbox.pipelines.parameters import TYPES, fits

VERSION = "2020-12-01"
EXECUTION = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "TrainingJobName",
    "ProcessingJobName",
)
"""Variables of an execution that a definition can get."""
TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_PARAMETER = re.compile(r"[A-Za-z0-9\-_]{1,256}")
_MOST_PARAMETERS = 200


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


@dataclass(frozen=True)
class Definition:
    """A pipeline's definition that was found to be good.

    Attributes:
        text: As it was given.
        parameters: As it declares them.
        steps: Name → step, those inside of conditions too, in the order of the definition.
        experiment: Names of the experiment and the trial that runs belong to, as expressions.
    """

    text: str
    parameters: tuple[Mapping[str, Any], ...]
    steps: Mapping[str, Step]
    experiment: Mapping[str, Any] = field(default_factory=dict)


def read(said: str) -> Definition:
    """Read a definition.

    Raises:
        DefinitionError: It is not JSON, breaks a rule, or has a step that the sandbox cannot run.
    """
    try:
        document = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"Unable to parse pipeline definition. {error}") from None
    if not isinstance(document, Mapping):
        raise _unparsed("Expecting start of Json Object.")
    if document.get("Version") != VERSION:
        raise _unparsed(f"Unknown Version '{document.get('Version')}': the schema is {VERSION}.")
    parameters = _parameters(document.get("Parameters") or [])
    listed = document.get("Steps")
    if not isinstance(listed, list):
        raise _unparsed("Steps: Expecting start of Json Array.")
    if not listed:
        raise _unparsed("A pipeline must have at least one step.")
    steps: dict[str, Step] = {}
    for step in _steps(listed, None):
        if step.name in steps:
            raise DefinitionError(f"Duplicate step name: [{step.name}]. The names of steps must be unique.")
        steps[step.name] = step
    experiment = document.get("PipelineExperimentConfig") or {}
    definition = Definition(said, parameters, steps, experiment)
    for problem in _wrong_references(definition):
        raise DefinitionError(problem)
    if found := cycle({name: _needed(step) for name, step in steps.items()}):
        raise DefinitionError(f"Cycle found in the pipeline's steps: {' -> '.join(found)}.")
    return definition


def _needed(step: Step) -> list[str]:
    names = [dependency.step for dependency in step.dependencies]
    return [*names, step.branch[0]] if step.branch else names


def _parameters(listed: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(listed, list):
        raise _unparsed("Parameters: Expecting start of Json Array.")
    if len(listed) > _MOST_PARAMETERS:
        raise _unparsed(f"Parameters: there are {len(listed)}, and may be {_MOST_PARAMETERS}.")
    seen: set[str] = set()
    for one in listed:
        name = one.get("Name") if isinstance(one, Mapping) else None
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise _unparsed(f"Invalid parameter name: {name!r}.")
        if name in seen:
            raise DefinitionError(f"Duplicate parameter name: [{name}]. The names of parameters must be unique.")
        seen.add(name)
        kind, allowed = one.get("Type"), one.get("EnumValues")
        if kind not in TYPES:
            raise _unparsed(f"Parameter [{name}]: unknown Type '{kind}', expected one of {list(TYPES)}.")
        if allowed is not None and (not isinstance(allowed, list) or not all(fits(kind, value) for value in allowed)):
            raise _unparsed(f"Parameter [{name}]: EnumValues must be a list of type {kind}.")
        if "DefaultValue" in one:
            default = one["DefaultValue"]
            if not fits(kind, default):
                raise _unparsed(f"Parameter [{name}]: the DefaultValue {json.dumps(default)} is not of type {kind}.")
            if allowed and default not in allowed:
                raise _unparsed(f"Parameter [{name}]: the DefaultValue {json.dumps(default)} is not in EnumValues.")
    return tuple(listed)


def _steps(listed: Any, branch: tuple[str, bool] | None) -> Iterator[Step]:
    """Yield steps, and those inside of conditions right after them."""
    if not isinstance(listed, list):
        raise _unparsed("Steps: Expecting start of Json Array.")
    for said in listed:
        step = _step(said, branch)
        yield step
        if step.type == CONDITION:
            for key, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _steps(said["Arguments"].get(key) or [], (step.name, outcome))


def _step(said: Any, branch: tuple[str, bool] | None) -> Step:
    if not isinstance(said, Mapping):
        raise _unparsed("Steps: Expecting start of Json Object.")
    name, type, arguments = said.get("Name"), str(said.get("Type")), said.get("Arguments")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _unparsed(f"Invalid step name: {name!r}. It must match {_NAME.pattern}.")
    if type in REFUSED:
        raise DefinitionError(f"The sandbox does not run step '{name}' of type {type}: {REFUSED[type]}.")
    if type not in JOBS and type not in (CONDITION, FAIL):
        raise _unparsed(f"Unknown step type '{type}' of step '{name}'.")
    if not isinstance(arguments, Mapping):
        raise _unparsed(f"Step '{name}': Arguments: Expecting start of Json Object.")
    if type in JOBS:
        for problem in problems(JOBS[type], arguments):
            raise _unparsed(f"Step '{name}': {problem}")
    elif type == FAIL:
        if "ErrorMessage" not in arguments:
            raise _unparsed(f"Step '{name}': Arguments of a Fail step must have ErrorMessage.")
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
        display=said.get("DisplayName"),
        description=said.get("Description"),
    )


def _dependencies(name: str, listed: Any, arguments: Any) -> tuple[Dependency, ...]:
    if not isinstance(listed, list):
        raise _unparsed(f"Step '{name}': DependsOn: Expecting start of Json Array.")
    found = []
    for one in listed:
        step, trigger = (one.get("Step"), one.get("Trigger")) if isinstance(one, Mapping) else (one, "Completed")
        if not isinstance(step, str) or trigger not in TRIGGERS:
            raise _unparsed(f"Step '{name}': invalid DependsOn entry {json.dumps(one)}.")
        found.append(Dependency(step, trigger))
    try:
        found += [Dependency(step) for step in sorted(steps_of(arguments)) if Dependency(step) not in found]
    except UnresolvableError as error:
        raise _unparsed(f"Step '{name}': {error.message}") from None
    return tuple(found)


def _check_conditions(name: str, listed: Any) -> None:
    if not isinstance(listed, list) or not listed:
        raise _unparsed(f"Step '{name}': Conditions: Expecting a Json Array of at least one condition.")
    for one in listed:
        type = str(one.get("Type") if isinstance(one, Mapping) else None)
        if type not in MEMBERS:
            raise _unparsed(f"Step '{name}': unknown condition Type '{type}', expected one of {list(MEMBERS)}.")
        if missing := [member for member in MEMBERS[type] if member not in one]:
            raise _unparsed(f"Step '{name}': condition {type} lacks {missing}.")
        if type == "Or":
            _check_conditions(name, one["Conditions"])
        if type == "Not":
            _check_conditions(name, [negated(one)])
        if type == "In" and not isinstance(one["Values"], list):
            raise _unparsed(f"Step '{name}': Values: Expecting start of Json Array.")


def _check_functions(name: str, arguments: Any) -> None:
    for function, argument in expressions(arguments):
        good = isinstance(argument, str) if function == GET else isinstance(argument, Mapping)
        if function == JOIN and good:
            good = isinstance(argument.get("Values"), list) and isinstance(argument.get("On", ""), str)
        if function == JSON_GET and good:
            file = argument.get("PropertyFile")
            good = "Path" in argument and ("S3Uri" in argument or (isinstance(file, Mapping) and GET in file))
        if not good:
            raise _unparsed(f"Step '{name}': invalid {function} function {json.dumps(argument)}.")


def _expires(name: str, said: Mapping[str, Any]) -> timedelta | None:
    if not isinstance(said, Mapping) or not isinstance(said.get("Enabled", False), bool):
        raise _unparsed(f"Step '{name}': CacheConfig needs a boolean Enabled.")
    if not said.get("Enabled"):
        return None
    after = said.get("ExpireAfter")
    if after is None:
        return timedelta.max
    found = duration(after) if isinstance(after, str) else None
    if found is None:
        raise _unparsed(f"Step '{name}': ExpireAfter {after!r} is not a duration as ISO 8601 has them.")
    return found


def _policies(name: str, listed: Any) -> tuple[retries.Policy, ...]:
    for said in listed if isinstance(listed, list) else [None]:
        one: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        kinds = one.get("ExceptionType")
        if not isinstance(kinds, list) or not kinds or any(kind not in retries.EXCEPTIONS for kind in kinds):
            raise _unparsed(f"Step '{name}': RetryPolicies: ExceptionType must be of {list(retries.EXCEPTIONS)}.")
        if ("MaxAttempts" in one) == ("ExpireAfterMin" in one):
            raise _unparsed(f"Step '{name}': RetryPolicies: give either MaxAttempts or ExpireAfterMin.")
        for key, least, most in retries.RANGES:
            value = one.get(key, least)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
                raise _unparsed(f"Step '{name}': RetryPolicies: {key} must be from {least} to {most}.")
    return retries.policies(listed)


def _files(name: str, listed: Any) -> dict[str, tuple[str, str]]:
    try:
        return {one["PropertyFileName"]: (one["OutputName"], one["FilePath"]) for one in listed}
    except (KeyError, TypeError):
        raise _unparsed(
            f"Step '{name}': each of PropertyFiles needs PropertyFileName, OutputName and FilePath."
        ) from None


def _wrong_references(definition: Definition) -> Iterator[str]:
    """Yield what is wrong with what steps refer to: parameters, steps, their properties and files."""
    declared = {one["Name"] for one in definition.parameters}
    everything: list[tuple[str, Any]] = [(step.name, step.arguments) for step in definition.steps.values()]
    everything.append(("PipelineExperimentConfig", definition.experiment))
    for step in definition.steps.values():
        for dependency in step.dependencies:
            if dependency.step not in definition.steps:
                yield f"Unknown step '{dependency.step}', which step '{step.name}' depends on."
    for name, arguments in everything:
        for path in references(arguments):
            if not _exists(path, declared, definition):
                yield f"Invalid property reference '{path}' in step '{name}'."


def _exists(path: str, declared: set[str], definition: Definition) -> bool:
    root, _, rest = path.partition(".")
    if root == "Parameters":
        return rest in declared
    if root == "Execution":
        return rest in EXECUTION
    try:
        parts = split(rest) if root == "Steps" else []
    except UnresolvableError:
        return False
    step = definition.steps.get(parts[0]) if parts else None
    if step is None:
        return False
    if len(parts) == 3 and parts[1] == "PropertyFiles":
        return parts[2] in step.files
    return has_property(step.type, rest.removeprefix(parts[0]).removeprefix("."))


def _unparsed(why: str) -> DefinitionError:
    return DefinitionError(f"Unable to parse pipeline definition. {why}")
