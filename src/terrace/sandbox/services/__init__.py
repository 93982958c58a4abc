"""What moto's services lack, added to moto's own backends. One file a service or a kind of gap."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.room import Server


class Services:
    """The room that mends and extends moto. It runs nothing: its state is moto's and goes with it."""

    name = "services"

    def install(self, server: Server) -> None:
        """Install every module of this package. Before the server starts."""
        from terrace.sandbox.services import kept, kept_alerts

        kept.install()
        kept_alerts.install()

    def status(self) -> Any:
        """Return nothing: services have no processes."""
        return {}

    def reset(self) -> None:
        """Do nothing: moto forgets by itself."""

    def stop(self) -> None:
        """Do nothing."""
