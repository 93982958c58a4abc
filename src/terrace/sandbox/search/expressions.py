"""Search expressions: read and judged once, then asked of each record."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from terrace.sandbox.search.properties import Kind, Property, elements_of, property_of
from terrace.sandbox.search.records import tags_of
from terrace.sandbox.services.extend import Refusal, when

Said = Mapping[str, Any]
Test = Callable[[Said], bool]
_MOST = 50
"""How many filters, nested filters and subexpressions there may be in an expression."""
_ORDER = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CONTAINS_OFTEN = {
    "Experiment": ("DisplayName", "ExperimentName", "Tags"),
    "ExperimentTrial": ("DisplayName", "TrialName", "Tags"),
    "ExperimentTrialComponent": ("DisplayName", "TrialComponentName", "Tags", "InputArtifacts", "OutputArtifacts"),
}
"""Properties that may be filtered with Contains more than once, of which AWS's description has this list."""


def predicate(resource: str, expression: Said) -> Test:
    """Return what tells whether a record satisfies an expression.

    Raises:
        Refusal: The expression is none.
    """
    parts = list(_parts(expression))
    if len(parts) > _MOST:
        raise _refuse(f"A SearchExpression has at most {_MOST} filters, nested filters and subexpressions.")
    often = _CONTAINS_OFTEN.get(resource, ())
    contains = [
        one for one in parts if one.get("Operator") == "Contains" and one.get("Name", "").partition(".")[0] not in often
    ]
    if len(contains) > 1:
        raise _refuse("'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(resource, expression)


def visibility(conditions: list[Said]) -> Test:
    """Return what tells whether a record is visible: it has none of some tags, or has them with the right values.

    Raises:
        Refusal: A key is no tag.
    """
    allowed: dict[str, list[str]] = {}
    for one in conditions:
        if not one.get("Key", "").startswith("Tags.") or one.get("Value") is None:
            raise _refuse("A visibility condition needs a Key of the form Tags.<key>, and a Value.")
        allowed.setdefault(one["Key"], []).append(one["Value"])

    def visible(record: Said) -> bool:
        values = {f"Tags.{tag['Key']}": tag["Value"] for tag in tags_of(record)}
        return all(values[key] in allowed[key] for key in allowed if key in values)

    return visible


def ordered(records: list[Any], by: Property, *, descending: bool) -> list[Any]:
    """Return records sorted by a property; those that do not have it come last.

    Raises:
        Refusal: The property is a structure.
    """
    if by.kind is Kind.STRUCTURE:
        raise _refuse(f"Cannot sort by {by.name}, which is a structure.")
    held = [(by.read(record), record) for record in records]
    having = [(_rank(by.kind, values[0]), record) for values, record in held if values]
    having.sort(key=lambda one: one[0])
    if descending:
        having.reverse()
    return [record for _, record in having] + [record for values, record in held if not values]


def _expression(resource: str, said: Said) -> Test:
    tests = [_condition(property_of(resource, one["Name"]), one) for one in said.get("Filters") or ()]
    tests += [_nested(resource, one) for one in said.get("NestedFilters") or ()]
    tests += [_expression(resource, one) for one in said.get("SubExpressions") or ()]
    if not tests:
        raise _refuse("A SearchExpression needs at least one subexpression, filter, or nested filter.")
    joined = any if said.get("Operator") == "Or" else all
    return lambda record: joined(test(record) for test in tests)


def _nested(resource: str, said: Said) -> Test:
    inner, elements = elements_of(resource, said["NestedPropertyName"])
    tests = [_condition(inner(one["Name"]), one) for one in said["Filters"]]
    return lambda record: any(all(test(element) for test in tests) for element in elements(record))


def _condition(found: Property, said: Said) -> Test:
    """Return the test of one filter: of several values one is enough."""
    asked, value = said.get("Operator") or "Equals", said.get("Value")
    if asked in ("Exists", "NotExists"):
        return lambda record: bool(found.read(record)) == (asked == "Exists")
    if value is None:
        raise _refuse(f"The filter on {found.name} has no Value, which {asked} needs.")
    if found.kind is Kind.STRUCTURE:
        raise _refuse(f"Operator {asked} is not supported for {found.name}, which is a structure.")
    if asked in ("Contains", "In"):
        if found.kind not in (Kind.TEXT, Kind.HYPERPARAMETER, Kind.PARAMETER):
            raise _refuse(f"Operator {asked} is not supported for {found.kind.value} property {found.name}.")
        choices = str(value).split(",")
        fits: Callable[[str], bool] = (lambda text: value in text) if asked == "Contains" else choices.__contains__
        return lambda record: any(isinstance(one, str) and fits(one) for one in found.read(record))
    wanted, read = _comparison(found, value)
    if asked in _ORDER:
        if not isinstance(wanted, int | float | datetime) or isinstance(wanted, bool):
            raise _refuse(f"Operator {asked} is not supported for {found.kind.value} property {found.name}.")
        compare = _ORDER[asked]
        return lambda record: any(
            (mine := read(one)) is not None and compare(mine, wanted) for one in found.read(record)
        )
    equal: Test = lambda record: any(read(one) == wanted for one in found.read(record))  # noqa: E731
    return equal if asked == "Equals" else lambda record: not equal(record)


def _comparison(found: Property, value: str) -> tuple[Any, Callable[[Any], Any]]:
    """Return what a filter's value stands for, and what makes a record's values comparable to it, None if none can.

    Raises:
        Refusal: No value of the property can be that.
    """
    number = _number(value)
    match found.kind:
        case Kind.NUMBER:
            if number is None:
                raise _refuse(f"The value of {found.name} must be an integer or a decimal, not {value}.")
            return number, _number
        case Kind.TIME:
            try:
                return when(value), when
            except ValueError:
                raise _refuse(f"The value of {found.name} must be YYYY-mm-dd'T'HH:MM:SS, not {value}.") from None
        case Kind.TRUTH:
            if value.lower() not in ("true", "false"):
                raise _refuse(f"The value of {found.name} must be true or false, not {value}.")
            return value.lower() == "true", bool
        case Kind.HYPERPARAMETER if number is not None:
            # AWS: a decimal hyperparameter is taken as an integer if the value to compare it with is one.
            return number, _whole if isinstance(number, int) else _number
        case Kind.PARAMETER if number is not None:
            return number, lambda mine: mine if isinstance(mine, int | float) else None
    return value, lambda mine: mine if isinstance(mine, str) else None


def _number(value: Any) -> int | float | None:
    """Return a finite number, whole if it is written so; None for what is none."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = int(value) if value.lstrip("+-").isdigit() else float(value)
    return value if math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    found = _number(value)
    return None if found is None else int(found)


def _rank(kind: Kind, value: Any) -> Any:
    """Return what a value is sorted by; numbers come before text where both may be."""
    if kind is Kind.TIME:
        return when(value)
    number = _number(value) if kind is Kind.HYPERPARAMETER or not isinstance(value, str) else None
    if kind in (Kind.HYPERPARAMETER, Kind.PARAMETER):
        return (0, number, "") if number is not None else (1, 0, value)
    return value


def _parts(expression: Said) -> Iterator[Said]:
    """Yield all filters, nested filters and subexpressions below an expression."""
    yield from expression.get("Filters") or ()
    for nested in expression.get("NestedFilters") or ():
        yield nested
        yield from nested["Filters"]
    for below in expression.get("SubExpressions") or ():
        yield below
        yield from _parts(below)


def _refuse(message: str) -> Refusal:
    return Refusal("ValidationException", message)
