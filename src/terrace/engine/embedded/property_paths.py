"""Paths of `ignoreChanges` and `replaceOnChanges`: `tags`, `tags["a.b"]`, `rules[0].id`, `rules[*].id`, `*`."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

Path = tuple[str | int, ...]

_ABSENT: Any = object()
_STEP = re.compile(r"""\.?([^.\[\]"]+)|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*(\d+|\*)\s*\]|\.""")


def parse(path: str) -> Path:
    """Split a path into its steps; an index is an `int`, and `*` stands for every item."""
    steps: list[str | int] = []
    for match in _STEP.finditer(path):
        bare, quoted, index = match.groups()
        if quoted is not None:
            steps.append(re.sub(r"\\(.)", r"\1", quoted))
        elif index is not None:
            steps.append(index if index == "*" else int(index))
        elif bare is not None:
            steps.append(bare)
    return tuple(steps)


def restore(new: Mapping[str, Any], old: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return the new inputs with what lies at each path as it is in the old ones; absent there, absent here."""
    result: dict[str, Any] = copy.deepcopy(dict(new))
    for steps in filter(None, map(parse, paths)):
        _restore(result, old, steps)
    return result


def differs(new: Any, old: Any, path: Path) -> bool:
    """Tell whether two values differ at a path."""
    if not path:
        return bool(new is not old and new != old)
    step, rest = path[0], path[1:]
    if step == "*":
        return any(differs(_get(new, key), _get(old, key), rest) for key in {*_keys(new), *_keys(old)})
    return differs(_get(new, step), _get(old, step), rest)


def _restore(new: Any, old: Any, path: Path) -> None:
    step, rest = path[0], path[1:]
    for key in sorted({*_keys(new), *_keys(old)}, key=str) if step == "*" else [step]:
        was, now = _get(old, key), _get(new, key)
        if rest:
            # Where either side has nothing to go into, the path names nothing.
            if isinstance(was, Mapping | list) and isinstance(now, dict | list):
                _restore(now, was, rest)
        elif was is _ABSENT:
            if isinstance(new, dict):
                new.pop(key, None)
        elif isinstance(new, dict) or now is not _ABSENT:
            new[key] = copy.deepcopy(was)


def _keys(value: Any) -> list[str | int]:
    if isinstance(value, Mapping):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _get(value: Any, key: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, _ABSENT)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return _ABSENT
