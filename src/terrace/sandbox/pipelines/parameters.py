"""Parameters of a pipeline: their types, defaults and allowed values, and the values of one execution."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from terrace.errors import SandboxError

TYPES = ("String", "Integer", "Float", "Boolean")
_INTEGER = re.compile(r"[+-]?\d+")


class ParameterError(SandboxError):
    """A parameter that is missing, unknown, or of another type."""


def read(kind: str, said: str) -> Any:
    """Return the value that a text stands for.

    Raises:
        ParameterError: It is no value of that type.
    """
    try:
        match kind:
            case "Integer" if _INTEGER.fullmatch(said):
                return int(said)
            case "Float" if math.isfinite(number := float(said)):
                return number
            case "Boolean" if said.lower() in ("true", "false"):
                return said.lower() == "true"
            case "String":
                return said
    except ValueError:
        pass
    raise ParameterError(f"'{said}' is not a value of type {kind}.")


def fits(kind: str, value: Any) -> bool:
    """Tell whether a JSON value is of a type; an integer is a float too."""
    if isinstance(value, bool) or kind == "Boolean":
        return isinstance(value, bool) and kind == "Boolean"
    if kind == "String":
        return isinstance(value, str)
    return isinstance(value, int) or (kind == "Float" and isinstance(value, float) and math.isfinite(value))


def values(declared: Iterable[Mapping[str, Any]], given: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Return the values of an execution's parameters.

    Args:
        declared: Parameters of the definition.
        given: Name and value of each that the caller gives, as StartPipelineExecution takes them.

    Raises:
        ParameterError: One is unknown, given twice, of another type, not allowed, or missing without a default.
    """
    told: dict[str, str] = {}
    for one in given:
        if one["Name"] in told:
            raise ParameterError(f"Duplicate parameter: [{one['Name']}].")
        told[one["Name"]] = one["Value"]
    known = {str(one["Name"]): one for one in declared}
    if unknown := sorted(set(told) - set(known)):
        raise ParameterError(f"Unknown Parameters: [{', '.join(unknown)}].")
    if missing := [name for name, one in known.items() if name not in told and "DefaultValue" not in one]:
        raise ParameterError(f"Missing required parameters, which have no default value: [{', '.join(missing)}].")
    return {name: _value(one, told) for name, one in known.items()}


def _value(declared: Mapping[str, Any], told: Mapping[str, str]) -> Any:
    name = declared["Name"]
    if name not in told:
        default = declared["DefaultValue"]
        return float(default) if declared["Type"] == "Float" else default
    try:
        value = read(declared["Type"], told[name])
    except ParameterError as error:
        raise ParameterError(f"Parameter [{name}]: {error.message}") from None
    allowed = declared.get("EnumValues")
    if allowed and value not in allowed:
        raise ParameterError(f"Parameter [{name}]: '{told[name]}' is not one of {list(allowed)}.")
    return value
