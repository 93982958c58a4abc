"""Properties as they travel between Pulumi's engine and a provider, and as handlers have them.

The form is that of Pulumi's SDKs (`pulumi.runtime.rpc`): a protobuf struct in which one text stands for what is not
known yet. The engine keeps secrets to itself, because the plugin says that it takes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]

from terrace.sandbox.provider.base import UNKNOWN

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for an unknown value on the wire: `pulumi.runtime.rpc.UNKNOWN`."""


def plain(struct: Any) -> dict[str, Any]:
    """Return a struct's values as handlers have them: whole numbers as `int`, nothing that is null."""
    found: dict[str, Any] = _from_wire(json_format.MessageToDict(struct))
    return found


def struct(values: Mapping[str, Any]) -> Any:
    """Return values of a handler as a struct."""
    made = struct_pb2.Struct()
    made.update(_to_wire(values))
    return made


def _from_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _from_wire(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_from_wire(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == UNKNOWN_TEXT else value


def _to_wire(value: Any) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {str(key): _to_wire(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [_to_wire(inner) for inner in value]
    return value
