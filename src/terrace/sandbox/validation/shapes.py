"""Requests against AWS's own description of them, which botocore ships: required, type, enum, pattern, length, range.

botocore's clients check what is required, types, and minimums; AWS checks the rest too, and so does this.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from botocore.model import OperationModel, Shape

PATTERN_SECONDS = 1.0
"""How long a pattern may take; a value that a pattern is not done with by then does not match."""
# Java writes a range beyond the basic plane as a range of surrogate pairs, which is none for an engine of code points.
_SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
_NUMBERS = {"integer": "Integer", "long": "Long", "float": "Float", "double": "Double"}


class WrongTypeError(Exception):
    """A value of a type that AWS cannot read at all, so that nothing else is judged. The message is AWS's."""


@dataclass(frozen=True)
class Violation:
    """A rule that a value breaks.

    Attributes:
        path: Where it is, in AWS's spelling: `productionVariants.1.member.instanceType`.
        constraint: The rule, in AWS's words.
        shown: The value as AWS shows it: quoted, `null`, or empty for what is secret.
    """

    path: str
    constraint: str
    shown: str

    def __str__(self) -> str:
        value = f"Value {self.shown}".rstrip()
        return f"{value} at '{self.path}' failed to satisfy constraint: {self.constraint}"


def violations(operation: OperationModel, params: Mapping[str, Any]) -> list[Violation]:
    """Return every rule that the parameters of a call break.

    Raises:
        WrongTypeError: A parameter has a type that is not the described one.
    """
    return [] if operation.input_shape is None else list(_structure(operation.input_shape, params, ""))


def uncompiled(service: Any) -> list[str]:
    """Return the patterns of a service (a `ServiceModel`) that no engine here understands: they are not judged."""
    patterns = {str(service.shape_for(name).metadata.get("pattern", "")) for name in service.shape_names}
    return sorted(pattern for pattern in patterns if pattern and _compiled(pattern) is None)


def _structure(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        raise WrongTypeError("Expected a structure" + _found(value))
    if getattr(shape, "is_document_type", False):
        return
    for name, member in shape.members.items():
        inner = f"{path}.{_lower(name)}" if path else _lower(name)
        found = value.get(name, value.get(member.serialization.get("name", name)))
        if found is not None:
            yield from _judge(member, found, inner)
        elif name in shape.required_members:
            yield Violation(inner, "Member must not be null", "null")


def _judge(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    match shape.type_name:
        case "structure":
            yield from _structure(shape, value, path)
        case "list":
            yield from _list(shape, value, path)
        case "map":
            yield from _map(shape, value, path)
        case "timestamp":
            return
        case _:
            for constraint in _scalar(shape, value):
                yield Violation(path, constraint, _shown(shape, value))


def _list(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        raise WrongTypeError("Expected a list" + _found(value))
    for constraint in _length(len(value), shape.metadata):
        yield Violation(path, constraint, _shown(shape, value))
    if shape.member.type_name in ("structure", "list", "map"):
        for number, item in enumerate(value, 1):
            yield from _judge(shape.member, item, f"{path}.{number}.member")
        return
    broken = list(dict.fromkeys(rule for item in value for rule in _scalar(shape.member, item)))
    if broken:
        yield Violation(path, f"Member must satisfy constraint: [{', '.join(broken)}]", _shown(shape.member, value))


def _map(shape: Any, value: Any, path: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        raise WrongTypeError("Expected a map" + _found(value))
    for constraint in _length(len(value), shape.metadata):
        yield Violation(path, constraint, _shown(shape, value))
    broken = list(dict.fromkeys(rule for key in value for rule in _scalar(shape.key, key)))
    if broken:
        yield Violation(path, f"Map keys must satisfy constraint: [{', '.join(broken)}]", _shown(shape, value))
    if shape.value.type_name in ("structure", "list", "map"):
        for key, item in value.items():
            yield from _judge(shape.value, item, f"{path}.{key}.member")
        return
    broken = list(dict.fromkeys(rule for item in value.values() for rule in _scalar(shape.value, item)))
    if broken:
        yield Violation(path, f"Map value must satisfy constraint: [{', '.join(broken)}]", _shown(shape.value, value))


def _scalar(shape: Any, value: Any) -> Iterator[str]:
    kind, rules = shape.type_name, shape.metadata
    if kind == "string":
        if not isinstance(value, str):
            raise WrongTypeError(f"{_token(value)} can not be converted to a String")
        yield from _text(value, rules)
    elif kind in _NUMBERS:
        yield from _range(_number(kind, value), rules)
    elif kind == "boolean":
        if not isinstance(value, bool) and str(value).lower() not in ("true", "false"):
            raise WrongTypeError(f"{_token(value)} can not be converted to a Boolean")
    elif kind == "blob":
        yield from _length(_size(value), rules)


def _text(value: str, rules: Mapping[str, Any]) -> Iterator[str]:
    allowed = rules.get("enum")
    if allowed and value not in allowed:
        yield f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        return
    yield from _length(len(value), rules)
    pattern = rules.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"


def _length(length: int, rules: Mapping[str, Any]) -> Iterator[str]:
    if "min" in rules and length < rules["min"]:
        yield f"Member must have length greater than or equal to {rules['min']}"
    if "max" in rules and length > rules["max"]:
        yield f"Member must have length less than or equal to {rules['max']}"


def _range(number: float, rules: Mapping[str, Any]) -> Iterator[str]:
    if "min" in rules and number < rules["min"]:
        yield f"Member must have value greater than or equal to {rules['min']}"
    if "max" in rules and number > rules["max"]:
        yield f"Member must have value less than or equal to {rules['max']}"


def _number(kind: str, value: Any) -> float:
    """Return a number, whether it came as one or, in a query or a path, as its text."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return int(value) if kind in ("integer", "long") else float(value)
    except (TypeError, ValueError, OverflowError):
        raise WrongTypeError(f"{_token(value)} can not be converted to {_article(_NUMBERS[kind])}") from None


def _size(value: Any) -> int:
    """Return the length of binary data, which in JSON is text in base 64."""
    if isinstance(value, str):
        try:
            return len(base64.b64decode(value, validate=True))
        except binascii.Error:
            return len(value)
    return len(value)


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    if compiled is None:
        return True
    try:
        return compiled.fullmatch(value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


@cache
def _compiled(pattern: str) -> regex.Pattern[str] | None:
    try:
        return regex.compile(pattern.replace(*_SURROGATES))
    except regex.error:
        return None


def _shown(shape: Shape, value: Any) -> str:
    if shape.metadata.get("sensitive"):
        return ""
    if isinstance(value, list):
        return f"'[{', '.join(str(item) for item in value)}]'"
    if isinstance(value, Mapping):
        return "'{" + ", ".join(f"{key}={item}" for key, item in value.items()) + "}'"
    return f"'{value}'"


def _token(value: Any) -> str:
    """Return what AWS's JSON reader calls a value."""
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, (int, float)):
        return "NUMBER_VALUE" if isinstance(value, int) else "DECIMAL_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "START_OBJECT" if isinstance(value, Mapping) else "START_ARRAY"


def _found(value: Any) -> str:
    return f", found {_token(value)}"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "AEIOU" else f"a {noun}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
