"""Definitions of pipelines: their JSON, judged, and what of it an execution needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from terrace.sandbox.pipelines.arguments import has_property
from terrace.sandbox.pipelines.expressions import UnresolvableError, references, split
from terrace.sandbox.pipelines.graph import cycle
from terrace.sandbox.pipelines.kinds import CONDITION
from terrace.sandbox.pipelines.parameters import TYPES, fits
from terrace.sandbox.pipelines.step import DefinitionError, Step, read_step, unparsed

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
_PARAMETER = re.compile(r"[A-Za-z0-9\-_]{1,256}")
_MOST_PARAMETERS = 200
_DEEPEST = 100
"""How deep a definition may be nested; what reads and resolves it goes down with it."""


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
        return _read(said, json.loads(said))
    except RecursionError:
        raise unparsed("It is nested too deeply.") from None
    except ValueError as error:
        raise unparsed(str(error)) from None


def _read(said: str, document: Any) -> Definition:
    level = [document]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise unparsed("It is nested too deeply.")
    if not isinstance(document, Mapping):
        raise unparsed("Expecting start of Json Object.")
    if document.get("Version") != VERSION:
        raise unparsed(f"Unknown Version '{document.get('Version')}': the schema is {VERSION}.")
    parameters = _parameters(document.get("Parameters") or [])
    listed = document.get("Steps")
    if not isinstance(listed, list):
        raise unparsed("Steps: Expecting start of Json Array.")
    if not listed:
        raise unparsed("A pipeline must have at least one step.")
    steps: dict[str, Step] = {}
    for step in _steps(listed, None):
        if step.name in steps:
            raise DefinitionError(f"Duplicate step name: [{step.name}]. The names of steps must be unique.")
        steps[step.name] = step
    experiment = document.get("PipelineExperimentConfig") or {}
    if not isinstance(experiment, Mapping):
        raise unparsed("PipelineExperimentConfig: Expecting start of Json Object.")
    definition = Definition(said, parameters, steps, experiment)
    for problem in _wrong_references(definition):
        raise DefinitionError(problem)
    if found := cycle({name: _needed(step) for name, step in steps.items()}):
        raise DefinitionError(f"Cycle found in the pipeline's steps: {' -> '.join(found)}.")
    return definition


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _needed(step: Step) -> list[str]:
    names = [dependency.step for dependency in step.dependencies]
    return [*names, step.branch[0]] if step.branch else names


def _parameters(listed: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(listed, list):
        raise unparsed("Parameters: Expecting start of Json Array.")
    if len(listed) > _MOST_PARAMETERS:
        raise unparsed(f"Parameters: there are {len(listed)}, and may be {_MOST_PARAMETERS}.")
    seen: set[str] = set()
    for one in listed:
        name = one.get("Name") if isinstance(one, Mapping) else None
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise unparsed(f"Invalid parameter name: {name!r}.")
        if name in seen:
            raise DefinitionError(f"Duplicate parameter name: [{name}]. The names of parameters must be unique.")
        seen.add(name)
        kind, allowed = one.get("Type"), one.get("EnumValues")
        if kind not in TYPES:
            raise unparsed(f"Parameter [{name}]: unknown Type '{kind}', expected one of {list(TYPES)}.")
        if allowed is not None and (not isinstance(allowed, list) or not all(fits(kind, value) for value in allowed)):
            raise unparsed(f"Parameter [{name}]: EnumValues must be a list of type {kind}.")
        if "DefaultValue" in one:
            default = one["DefaultValue"]
            if not fits(kind, default):
                raise unparsed(f"Parameter [{name}]: the DefaultValue {json.dumps(default)} is not of type {kind}.")
            if allowed and default not in allowed:
                raise unparsed(f"Parameter [{name}]: the DefaultValue {json.dumps(default)} is not in EnumValues.")
    return tuple(listed)


def _steps(listed: Any, branch: tuple[str, bool] | None) -> Iterator[Step]:
    """Yield steps, and those inside of conditions right after them."""
    if not isinstance(listed, list):
        raise unparsed("Steps: Expecting start of Json Array.")
    for said in listed:
        step = read_step(said, branch)
        yield step
        if step.type == CONDITION:
            for key, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _steps(said["Arguments"].get(key) or [], (step.name, outcome))


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
