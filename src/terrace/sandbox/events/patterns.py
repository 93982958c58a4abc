"""Which event patterns AWS refuses beyond what moto does: a match that is none would match everything."""

from __future__ import annotations

from typing import Any


def check(pattern: Any, where: str = "") -> None:
    """Refuse a match that EventBridge does not know, or that is used in another way than it knows.

    Args:
        pattern: An event pattern, or a part of one.
        where: The path of that part.

    Raises:
        ValueError: It is refused; the message says what and where.
    """
    for key, value in pattern.items():
        path = f"{where}.{key}" if where else key
        if key == "$or":
            if not isinstance(value, list) or len(value) < 2 or not all(isinstance(one, dict) for one in value):
                raise ValueError(f"$or takes two patterns or more, at {path}")
            for one in value:
                check(one, where)
        elif isinstance(value, dict):
            if not value:
                raise ValueError(f"Empty objects are not allowed, at {path}")
            check(value, path)
        elif isinstance(value, list):
            for one in value:
                _check_match(one, path)


def _check_match(match: Any, path: str) -> None:
    if isinstance(match, list):
        raise ValueError(f"Match value must be String, number, true, false, or null, at {path}")
    if not isinstance(match, dict):
        return
    if len(match) != 1:
        raise ValueError(f"Only one key allowed in match expression, at {path}")
    ((name, value),) = match.items()
    if name not in _CHECKS:
        raise ValueError(f"Unrecognized match type {name}, at {path}")
    if not _CHECKS[name](value):
        raise ValueError(f"{name} does not take {value!r}, at {path}")


def _folded(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and list(value) == ["equals-ignore-case"]
        and isinstance(value["equals-ignore-case"], str)
    )


def _numeric(value: Any) -> bool:
    if not isinstance(value, list) or len(value) not in (2, 4):
        return False
    signs, numbers = value[::2], value[1::2]
    return all(sign in ("<", "<=", "=", ">", ">=") for sign in signs) and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
    )


def _anything_but(value: Any) -> bool:
    if isinstance(value, dict):
        allowed = ("prefix", "suffix", "equals-ignore-case", "wildcard")
        texts = [text for inner in value.values() for text in (inner if isinstance(inner, list) else [inner])]
        return len(value) == 1 and set(value) <= set(allowed) and all(isinstance(text, str) for text in texts)
    found = value if isinstance(value, list) else [value]
    return bool(found) and all(isinstance(one, str | int | float) for one in found)


_CHECKS: dict[str, Any] = {
    "prefix": lambda value: isinstance(value, str) or _folded(value),
    "suffix": lambda value: isinstance(value, str) or _folded(value),
    "equals-ignore-case": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str) and "**" not in value,
    "cidr": lambda value: isinstance(value, str),
    "exists": lambda value: isinstance(value, bool),
    "numeric": _numeric,
    "anything-but": _anything_but,
}
