"""Checks inputs against a handler's schema, so that nothing is accepted and lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from terrace.sandbox.provider.base import UNKNOWN, Failure, Props, Schema

_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", dict: "a map of strings"}


def check_schema(schema: Schema, required: frozenset[str], inputs: Props) -> list[Failure]:
    """Return what is missing, unknown or of the wrong type, at any depth.

    `UNKNOWN` is accepted anywhere, None counts as absent, and a whole float is an int. Failures carry the path as the
    wire spells it: `rules[0].status`.
    """
    failures = list(_check_map(schema, inputs, ""))
    for path in sorted(required):
        failures += _missing(path.split("."), inputs, "")
    return failures


def leaves(schema: Schema, prefix: str = "") -> Iterator[str]:
    """Yield the path of every input that takes a value: `rules.expiration.days`."""
    for name, kind in schema.items():
        inner = kind[0] if isinstance(kind, list) else kind
        if isinstance(inner, Mapping):
            yield from leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _check_map(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Failure]:
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if name not in schema:
            yield Failure(where, _unknown(name, schema))
        elif item is not None:
            yield from _check(schema[name], item, where)


def _check(kind: Any, value: Any, path: str) -> Iterator[Failure]:
    if value is UNKNOWN:
        return
    if isinstance(kind, list):
        if not isinstance(value, list | tuple):
            yield Failure(path, f"must be a list, not {value!r}")
            return
        for index, item in enumerate(value):
            yield from _check(kind[0], item, f"{path}[{index}]")
    elif isinstance(kind, Mapping):
        if isinstance(value, Mapping):
            yield from _check_map(kind, value, path)
        else:
            yield Failure(path, f"must be a map with {_listed(kind)}, not {value!r}")
    elif kind is dict:
        if not isinstance(value, Mapping):
            yield Failure(path, f"must be a map of strings, not {value!r}")
            return
        for name, item in value.items():
            yield from _check(str, item, f"{path}.{name}")
    elif not _is(kind, value):
        yield Failure(path, f"must be {_NAMES[kind]}, not {value!r}")


def _is(kind: type, value: Any) -> bool:
    if kind is int or kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return kind is float or value == int(value)
    return isinstance(value, kind)


def _missing(path: list[str], value: Any, where: str) -> Iterable[Failure]:
    name, *rest = path
    if value is UNKNOWN or value is None:
        return
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _missing(path, item, f"{where}[{index}]")
    elif isinstance(value, Mapping):
        here = f"{where}.{name}" if where else name
        if rest:
            yield from _missing(rest, value.get(name), here)
        elif value.get(name) is None:
            yield Failure(here, "is required")


def _unknown(name: str, schema: Schema) -> str:
    by_lower = {known.lower(): known for known in schema}
    near = get_close_matches(name.lower().replace("_", ""), by_lower, n=1)
    if near:
        return f"is not an input; did you mean {by_lower[near[0]]!r}?"
    return f"is not an input that the sandbox has; it has {_listed(schema)}"


def _listed(schema: Schema) -> str:
    return ", ".join(sorted(schema))
