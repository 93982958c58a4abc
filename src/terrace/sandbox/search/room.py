"""The room of the server that searches."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.room import Server
from terrace.sandbox.search import operations


class Search:
    """Answers Search and GetSearchSuggestions in moto's place. It keeps nothing: all is read when it is asked for."""

    name = "search"

    def install(self, server: Server) -> None:
        """Put the operations in moto's place. Before the server starts."""
        operations.install()

    def status(self) -> Any:
        """Return nothing: a search is answered and forgotten."""
        return {}

    def reset(self) -> None:
        """Do nothing: there is nothing to forget."""

    def stop(self) -> None:
        """Do nothing."""
