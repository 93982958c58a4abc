"""What a part of the sandbox is, beside the AWS services that moto has: a room of the server.

A room adds to moto, may run processes, and may answer routes of its own under `/_terrace/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from terrace.sandbox.bus import Bus

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A route: what was sent → what is answered. Raises `SandboxError` for a refusal."""

Site = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application for all paths below one."""


class Service(Protocol):
    """An AWS service that moto doesn't have."""

    def answer(self, place: tuple[str, str], environ: Mapping[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers for a request from an account and region."""


@dataclass
class Server:
    """The server as a room sees it.

    Attributes:
        home: `TERRACE_HOME`.
        url: Address of the server; set before any room is started.
        routes: Path below `/_terrace/` → what answers a POST to it.
        sites: First part of the path below `/_terrace/` → the application that answers all there.
        services: AWS services that moto doesn't have, by their name in signatures.
        bus: Where rooms tell each other what happened.
    """

    home: Path
    url: str = ""
    routes: dict[str, Answer] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    bus: Bus = field(default_factory=Bus)


class Room(Protocol):
    """A part of the sandbox. One instance lives as long as the server."""

    name: str

    def install(self, server: Server) -> None:
        """Put the room's operations in the place of moto's, and its routes on the server. Before the server starts."""

    def status(self) -> Any:
        """Return what the room does, as plain data."""

    def reset(self) -> None:
        """End what runs and forget what there is; moto's own state is wiped after it."""

    def stop(self) -> None:
        """End what runs, because the server ends."""
