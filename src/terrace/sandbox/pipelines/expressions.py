"""The little language of pipeline definitions: `Get`, `Std:Join` and `Std:JsonGet`, and paths into what a step made."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from terrace.errors import SandboxError

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
FUNCTIONS = (GET, JOIN, JSON_GET)
_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class UnresolvableError(SandboxError):
    """An expression that has no value. Says which and why."""


def _unknown(path: str) -> Any:
    raise UnresolvableError(f"Property reference '{path}' cannot be resolved.")


@dataclass(frozen=True)
class Scope:
    """What expressions of a running execution can see.

    Attributes:
        parameters: Name → value, of the parameter's type.
        execution: Variables of the execution, such as `PipelineExecutionArn`.
        step: Name of a step and path below it → value. Raises `UnresolvableError`.
        read: S3 URI → JSON document. Raises `UnresolvableError`.
        property_file: Name of a step and of its property file → S3 URI. Raises `UnresolvableError`.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any] = field(default_factory=dict)
    step: Callable[[str, str], Any] = lambda name, path: _unknown(f"Steps.{name}.{path}")
    read: Callable[[str], Any] = _unknown
    property_file: Callable[[str, str], str] = lambda name, file: _unknown(f"Steps.{name}.PropertyFiles.{file}")


def is_expression(value: Any) -> bool:
    """Tell whether a value is one of the functions, to be resolved when the step runs."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def expressions(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each function in a value, however deep, as its name and argument."""
    if is_expression(value):
        yield next(iter(value.items()))
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in inner:
        yield from expressions(item)


def references(value: Any) -> Iterator[str]:
    """Yield the path of each `Get` in a value: `Parameters.X`, `Steps.Y.…`, `Execution.Z`."""
    for name, argument in expressions(value):
        if name == GET and isinstance(argument, str):
            yield argument


def steps_of(value: Any) -> set[str]:
    """Return the names of the steps that a value needs."""
    return {split(path)[1] for path in references(value) if path.startswith("Steps.") and len(split(path)) > 1}


def split(path: str) -> list[str]:
    """Return the parts of a path: `A.B[0]['c']` has four. Raises `UnresolvableError` for what is no path."""
    parts, at = [], 0
    while at < len(path):
        found = _PART.match(path, at)
        if found is None:
            raise UnresolvableError(f"'{path}' is not a path.")
        parts.append(next(group for group in found.groups() if group is not None))
        at = found.end()
    return parts


def walk(value: Any, path: str) -> Any:
    """Return what is at a path in a JSON document or a description.

    An item of a list is found by its number, or by the name that it has: `Outputs['train']` is the output whose
    `OutputName` is `train`.

    Raises:
        UnresolvableError: There is nothing.
    """
    for part in split(path):
        found = _item(value, part)
        if found is _NOTHING:
            raise UnresolvableError(f"'{path}' has no value: there is no '{part}'.")
        value = found
    return value


_NOTHING: Any = object()


def _item(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _NOTHING)
    if not isinstance(value, list):
        return _NOTHING
    if part.isdigit():
        return value[int(part)] if int(part) < len(value) else _NOTHING
    for item in value:
        if isinstance(item, Mapping) and any(item[key] == part for key in item if key.endswith("Name")):
            return item
    return _NOTHING


def resolve(value: Any, scope: Scope) -> Any:
    """Return a value with every function in it replaced by what it stands for.

    Raises:
        UnresolvableError: One stands for nothing.
    """
    if is_expression(value):
        name, argument = next(iter(value.items()))
        if name == GET:
            return _get(argument, scope)
        return _join(argument, scope) if name == JOIN else _json_get(argument, scope)
    if isinstance(value, Mapping):
        return {key: resolve(inner, scope) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, scope) for inner in value]
    return value


def text(value: Any) -> str:
    """Return a value as it is written into a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    return str(value)


def _get(path: str, scope: Scope) -> Any:
    root, _, rest = path.partition(".")
    if root == "Parameters" and rest in scope.parameters:
        return scope.parameters[rest]
    if root == "Execution" and rest in scope.execution:
        return scope.execution[rest]
    if root == "Steps":
        name = split(rest)[0]
        return scope.step(name, rest.removeprefix(name).removeprefix("."))
    return _unknown(path)


def _join(argument: Mapping[str, Any], scope: Scope) -> str:
    values = [resolve(value, scope) for value in argument["Values"]]
    return str(argument.get("On", "")).join(text(value) for value in values)


def _json_get(argument: Mapping[str, Any], scope: Scope) -> Any:
    path = str(resolve(argument["Path"], scope))
    if "S3Uri" in argument:
        uri = str(resolve(argument["S3Uri"], scope))
    else:
        _, step, _, file = split(argument["PropertyFile"][GET])
        uri = scope.property_file(step, file)
    try:
        found = walk(scope.read(uri), path.removeprefix("$").removeprefix("."))
    except UnresolvableError as error:
        raise UnresolvableError(f"Std:JsonGet cannot read '{path}' of {uri}: {error.message}") from error
    if isinstance(found, float) and not math.isfinite(found):
        raise UnresolvableError(f"Std:JsonGet cannot read '{path}' of {uri}: {found} is no number.")
    return found
