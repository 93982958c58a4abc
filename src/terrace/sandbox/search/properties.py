"""Properties by which resources are searched and sorted: names, as AWS's description of `SearchRecord` has them.

A name is a path with dots. Three kinds of names go further than the description: `Tags.<key>`, the entries of maps such
as `HyperParameters.<name>`, and metrics: `Metrics.<name>` of a training job, `Metrics.<name>.<statistic>` of a trial
component.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import Shape

from terrace.sandbox.search.records import shape_of
from terrace.sandbox.services.extend import Refusal

Read = Callable[[Any], list[Any]]
"""A record, or a part of one → all values that it has there; lists on the way have several."""


class Kind(enum.Enum):
    """What the values of a property are."""

    TEXT = "text"
    NUMBER = "numeric"
    TRUTH = "Boolean"
    TIME = "timestamp"
    HYPERPARAMETER = "hyperparameter"
    """Text that is compared as a number where it is one."""
    PARAMETER = "parameter"
    """Text or a number, as whoever set it chose."""
    STRUCTURE = "structure"


@dataclass(frozen=True)
class Property:
    """A property of a resource.

    Attributes:
        name: As it was asked for.
        kind: What its values are.
        read: Takes a record, returns the values.
    """

    name: str
    kind: Kind
    read: Read


class _UnknownError(Exception):
    """There is no such property."""


_KINDS = {
    "string": Kind.TEXT,
    "integer": Kind.NUMBER,
    "long": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "boolean": Kind.TRUTH,
    "timestamp": Kind.TIME,
}
STATISTICS = ("Avg", "Count", "Last", "Max", "Min", "StdDev")
"""What is known of the values of a trial component's metric."""


def property_of(resource: str, name: str) -> Property:
    """Return a property of a resource by name.

    Raises:
        Refusal: It has none of that name.
    """
    found = _metric(resource, name)
    if resource == "Model" and name.startswith("Tags."):
        return Property(name, Kind.TEXT, _walk(shape_of(resource), ["Model", *name.split(".")])[1])
    return found or _property(shape_of(resource), name.split("."), name)


def elements_of(resource: str, name: str) -> tuple[Callable[[str], Property], Read]:
    """Return what finds the properties of a list's elements by their full names, and what reads the elements.

    Raises:
        Refusal: It has no such list.
    """
    shape: Any = shape_of(resource)
    found = _property(shape, name.split("."), name)
    for part in name.split("."):
        shape = shape.member if shape.type_name == "list" else shape
        shape = getattr(shape, "members", {}).get(part, shape)
    if found.kind is not Kind.STRUCTURE or shape.type_name != "list":
        raise Refusal("ValidationException", f"NestedPropertyName {name} is no list of structures.")

    def inner(full: str) -> Property:
        if not full.startswith(f"{name}."):
            raise Refusal("ValidationException", f"A nested filter on {name} cannot filter by {full}: say {name}.….")
        return _property(shape.member, full.removeprefix(f"{name}.").split("."), full)

    return inner, found.read


def _property(shape: Shape, parts: list[str], name: str) -> Property:
    try:
        return Property(name, *_walk(shape, parts))
    except _UnknownError:
        raise Refusal("ValidationException", f"Unknown property name: {name}") from None


def _walk(shape: Any, parts: list[str]) -> tuple[Kind, Read]:
    """Return the kind of what lies at the end of a path, and what reads it."""
    match shape.type_name:
        case "structure" if parts and parts[0] in shape.members:
            head = parts[0]
            kind, inner = _walk(shape.members[head], parts[1:])
            return kind, lambda value: [] if value.get(head) is None else inner(value[head])
        case "list" if parts and shape.name == "TagList":
            key = ".".join(parts)
            return Kind.TEXT, lambda tags: [tag["Value"] for tag in tags if tag["Key"] == key]
        case "list":
            kind, each = _walk(shape.member, parts)
            return kind, lambda values: [found for value in values for found in each(value)]
        case "map" if parts:
            return _entry(shape, parts)
        case "structure" | "map" if not parts:
            return Kind.STRUCTURE, lambda value: [value] if value else []
        case scalar if not parts and scalar in _KINDS:
            return _KINDS[scalar], lambda value: [value]
    raise _UnknownError


def _entry(shape: Any, parts: list[str]) -> tuple[Kind, Read]:
    """Return the same for the entry of a map: any key is one, and keys have dots too."""
    members = getattr(shape.value, "members", None)
    if members is None:
        kind = Kind.HYPERPARAMETER if shape.name == "HyperParameters" else _KINDS[shape.value.type_name]
        return kind, _at(".".join(parts), lambda value: [value])
    if len(parts) > 1 and parts[-1] in members:
        kind, inner = _walk(shape.value, parts[-1:])
        return kind, _at(".".join(parts[:-1]), inner)
    if "NumberValue" in members:
        number, text = "NumberValue", "StringValue"
        return Kind.PARAMETER, _at(
            ".".join(parts), lambda value: [value[name] for name in (number, text) if value.get(name) is not None]
        )
    if "Value" in members:
        return Kind.TEXT, _at(".".join(parts), lambda value: [value["Value"]])
    return Kind.STRUCTURE, _at(".".join(parts), lambda value: [value])


def _at(key: str, inner: Read) -> Read:
    return lambda entries: inner(entries[key]) if key in entries else []


def _metric(resource: str, name: str) -> Property | None:
    """Return the property that a name with `Metrics.` is, None if it is another."""
    head, _, metric = name.partition(".")
    if resource == "TrainingJob" and head == "Metrics" and metric:
        return Property(name, Kind.NUMBER, lambda record: _values(record, "FinalMetricDataList", metric, "Value"))
    metric, _, statistic = metric.rpartition(".")
    # AWS's own notebooks sort by `metrics.test:accuracy.max`: of these names neither end has a case.
    if resource == "ExperimentTrialComponent" and head in ("Metrics", "metrics") and metric:
        member = next((one for one in STATISTICS if one.lower() == statistic.lower()), None)
        if member is not None:
            return Property(name, Kind.NUMBER, lambda record: _values(record, "Metrics", metric, member))
    return None


def _values(record: Mapping[str, Any], held: str, metric: str, member: str) -> list[Any]:
    return [one[member] for one in record.get(held, ()) if one["MetricName"] == metric and one.get(member) is not None]
