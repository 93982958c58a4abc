"""Property values: from Pulumi's wire to Python and back, secrets and unknowns included.

Inside the engine a secret is a `Secret` around its value, at any depth; providers get `plain` values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]

from terrace.sandbox.provider.base import UNKNOWN

# Pulumi's marks on the wire (sdk/go/common/resource/properties.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Secret:
    """A value that is never shown."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def load(value: Any) -> Any:
    """Turn JSON as Pulumi writes it into Python: marks become `Secret` and `UNKNOWN`, whole floats become `int`."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET_SIGNATURE:
            return Secret(load(value.get("value")))
        return {key: load(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [load(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if isinstance(value, str) and value == UNKNOWN_TEXT else value


def dump(value: Any) -> Any:
    """Turn a value into JSON as Pulumi writes it, the reverse of `load`."""
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET_SIGNATURE, "value": dump(value.value)}
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dump(item) for item in value]
    return UNKNOWN_TEXT if value is UNKNOWN else value


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Read a message of Pulumi's."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write a message of Pulumi's."""
    return json_format.ParseDict(dump(values), struct_pb2.Struct())


def plain(value: Any) -> Any:
    """Return the value with every secret unwrapped, for a provider."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def mask(value: Any) -> Any:
    """Return the value as it may be shown: JSON, with `[secret]` and `[unknown]` in place of such values."""
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: mask(item) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item) for item in value]
    return "[unknown]" if value is UNKNOWN else value


def holds_secret(value: Any) -> bool:
    """Tell whether a secret is in the value, at any depth."""
    if isinstance(value, Mapping):
        return any(holds_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_secret(item) for item in value)
    return isinstance(value, Secret)


def holds_unknown(value: Any) -> bool:
    """Tell whether something in the value is not known yet."""
    if isinstance(value, Secret):
        return holds_unknown(value.value)
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return value is UNKNOWN


def seal(outputs: Mapping[str, Any], inputs: Mapping[str, Any], secret_names: tuple[str, ...]) -> dict[str, Any]:
    """Return a provider's outputs with those marked secret whose input was, or that the resource's options name."""
    sealed = {key: load(value) for key, value in outputs.items()}
    hidden = {*secret_names, *(key for key, value in inputs.items() if holds_secret(value))}
    return {
        key: Secret(value) if key in hidden and not isinstance(value, Secret) else value
        for key, value in sealed.items()
    }


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET_SIGNATURE:
            return Secret(_from_value(fields["value"]))
        return {key: _from_value(item) for key, item in fields.items()}
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    return value.bool_value if kind == "bool_value" else None
