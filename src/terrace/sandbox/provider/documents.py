"""When two spellings of an input mean the same, so that the difference is no change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from terrace.sandbox.provider.base import UNKNOWN, Props

if TYPE_CHECKING:
    from terrace.sandbox.provider.base import Handler

_LISTS = {"Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}


def comparable(handler: Handler, inputs: Props) -> dict[str, Any]:
    """Return inputs in a form that is equal exactly when the real provider sees no change.

    Empty lists and maps count as absent at the top, policies and documents are parsed, sets are sorted.
    """
    result = {k: v for k, v in inputs.items() if v is not None and (v is UNKNOWN or v not in ([], {}))}
    for name in handler.policies & result.keys():
        result[name] = _parsed(result[name], _policy)
    for name in handler.documents & result.keys():
        result[name] = _parsed(result[name], lambda value: value)
    for path in handler.sets:
        head, _, rest = path.partition(".")
        if head in result:
            result[head] = _sorted_at(result[head], rest)
    return result


def same_policy(one: str, other: str) -> bool:
    """Tell whether two policy texts grant and deny the same, by IAM's grammar."""
    return bool(_parsed(one, _policy) == _parsed(other, _policy))


def _parsed(text: Any, normal: Callable[[Any], Any]) -> Any:
    # Text that is no JSON is compared as it stands; AWS is who refuses it.
    if not isinstance(text, str):
        return text
    try:
        return normal(json.loads(text))
    except ValueError:
        return text


def _policy(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return document
    statements = document.get("Statement", [])
    normal = [_statement(s) for s in (statements if isinstance(statements, list) else [statements])]
    return {**document, "Statement": sorted(normal, key=_key)}


def _statement(statement: Any) -> Any:
    if not isinstance(statement, Mapping):
        return statement
    return {k: _unordered(v) if k in _LISTS else v for k, v in statement.items() if k != "Sid" or v}


def _unordered(value: Any) -> Any:
    """Make one value and a list of one the same, and forget the order of lists."""
    if isinstance(value, Mapping):
        return {k: _unordered(v) for k, v in value.items()}
    items = value if isinstance(value, list) else [value]
    # IAM reads the boolean and the number of a condition as text.
    return sorted({i if isinstance(i, str) else json.dumps(i) for i in items})


def _sorted_at(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_sorted_at(v, path) for v in value] if path else sorted(value, key=_key)
    if path and isinstance(value, Mapping):
        head, _, rest = path.partition(".")
        return {k: _sorted_at(v, rest) if k == head else v for k, v in value.items()}
    return value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
