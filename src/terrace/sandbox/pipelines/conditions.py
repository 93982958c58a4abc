"""Conditions of a pipeline: comparisons, `In`, `Not` and `Or`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from terrace.sandbox.pipelines.expressions import Scope, UnresolvableError, resolve

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
MEMBERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(COMPARISONS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": (),
    "Or": ("Conditions",),
}
"""Type of a condition → what it must have."""


def negated(condition: Mapping[str, Any]) -> Any:
    """Return what a `Not` turns round: the SDK's versions 2 and 3 name it differently. None when it has neither."""
    return condition.get("Condition", condition.get("Expression"))


def holds(condition: Mapping[str, Any], scope: Scope) -> bool:
    """Tell whether a condition holds.

    Raises:
        UnresolvableError: A value in it cannot be had, or two values cannot be compared.
    """
    match condition["Type"]:
        case "Not":
            return not holds(negated(condition), scope)
        case "Or":
            return any(holds(one, scope) for one in condition["Conditions"])
        case "In":
            wanted = resolve(condition["QueryValue"], scope)
            return any(_equal(wanted, resolve(value, scope)) for value in condition["Values"])
        case name:
            left, right = resolve(condition["LeftValue"], scope), resolve(condition["RightValue"], scope)
            return _compare(name, left, right)


def _compare(name: str, left: Any, right: Any) -> bool:
    if name == "Equals":
        return _equal(left, right)
    if not (_number(left) and _number(right)) and not (isinstance(left, str) and isinstance(right, str)):
        raise UnresolvableError(f"{name} cannot compare {left!r} with {right!r}.")
    return COMPARISONS[name](left, right)


def _equal(left: Any, right: Any) -> bool:
    # True is 1 for Python, and is not for JSON.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
