"""Values as Pulumi's engine shows and keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which Pulumi tells a value that is more than JSON can say."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  (the mark of a secret, not one)
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MASK = "[secret]"
UNKNOWN_MASK = "[unknown]"


def masked(value: Any) -> Any:
    """Return a value with secrets and unknowns as words, and whole numbers as `int`."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return MASK
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN_MASK if value == UNKNOWN_TEXT else value
