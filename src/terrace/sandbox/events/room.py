"""The room that makes rules, schedules, object events and alarms act."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.events import schedules_api
from terrace.sandbox.room import Server


class Events:
    """What happens by itself: as deployed rules, schedules and alarms say, and for no other reason."""

    name = "events"

    def install(self, server: Server) -> None:
        """Put our operations in the place of moto's. Before the server starts."""
        schedules_api.install(check=lambda response: None, changed=lambda schedule: None)

    def status(self) -> Any:
        """Return nothing yet."""
        return {}

    def reset(self) -> None:
        """Forget what is under way."""

    def stop(self) -> None:
        """Stop."""
