"""Requests against AWS's own description of them, which botocore ships: required, enum, pattern, length, range.

botocore's clients check what is required, types, and minimums; AWS checks the rest too, and so does this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import regex
from botocore.model import OperationModel, Shape

NOT_COMPILED: set[str] = set()
"""Patterns of AWS that no engine here understands; what they describe is not judged."""


def violations(operation: OperationModel, params: Mapping[str, Any]) -> list[str]:
    """Return what AWS would say of each member that breaks a rule, in AWS's words."""
    if operation.input_shape is None:
        return []
    return list(_structure(operation.input_shape, params, ""))


def message(found: list[str]) -> str:
    """Return violations as AWS lists them in one message."""
    plural = "" if len(found) == 1 else "s"
    return f"{len(found)} validation error{plural} detected: " + "; ".join(found)


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    for name, member in shape.members.items():
        inner = f"{path}.{_lower(name)}" if path else _lower(name)
        found = _member(member, name, value)
        if found is None:
            if name in shape.required_members and not member.serialization.get("location"):
                yield _says(None, inner, "Member must not be null")
            continue
        yield from _judge(member, found, inner)


def _member(member: Shape, name: str, value: Mapping[str, Any]) -> Any:
    """Return the value of a member, under its own name or the one on the wire."""
    return value.get(name, value.get(member.serialization.get("name", name)))


def _judge(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind, rules = shape.type_name, shape.metadata
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list" and isinstance(value, list):
        yield from _length(value, len(value), rules, path)
        for number, item in enumerate(value, 1):
            yield from _judge(shape.member, item, f"{path}.{number}.member")
    elif kind == "map" and isinstance(value, Mapping):
        yield from _length(value, len(value), rules, path)
        for key, item in value.items():
            yield from _judge(shape.key, key, path)
            yield from _judge(shape.value, item, f"{path}.{key}.member")
    elif kind == "string" and isinstance(value, str):
        yield from _text(value, rules, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _range(value, rules, path)


def _text(value: str, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    allowed = rules.get("enum")
    if allowed and value not in allowed:
        yield _says(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        return
    yield from _length(value, len(value), rules, path)
    pattern = rules.get("pattern")
    compiled = _compiled(pattern) if pattern else None
    if compiled is not None and not compiled.fullmatch(value):
        yield _says(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _length(value: Any, length: int, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    if "min" in rules and length < rules["min"]:
        yield _says(value, path, f"Member must have length greater than or equal to {rules['min']}")
    if "max" in rules and length > rules["max"]:
        yield _says(value, path, f"Member must have length less than or equal to {rules['max']}")


def _range(value: Any, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return
    if "min" in rules and number < rules["min"]:
        yield _says(value, path, f"Member must have value greater than or equal to {rules['min']}")
    if "max" in rules and number > rules["max"]:
        yield _says(value, path, f"Member must have value less than or equal to {rules['max']}")


def _says(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


@cache
def _compiled(pattern: str) -> regex.Pattern[str] | None:
    try:
        return regex.compile(pattern)
    except regex.error:
        NOT_COMPILED.add(pattern)
        return None
