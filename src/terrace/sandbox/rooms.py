"""The rooms of the server, in the order they are installed in."""

from __future__ import annotations

from terrace.sandbox.room import Room
from terrace.sandbox.services import Services


def rooms() -> list[Room]:
    """Return a fresh set of rooms."""
    return [Services()]
