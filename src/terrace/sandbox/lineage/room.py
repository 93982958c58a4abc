"""The room of the server in which lineage is recorded and asked for."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.lineage import associations, components, entities, query
from terrace.sandbox.lineage.recorder import Recorder
from terrace.sandbox.room import Server


class Lineage:
    """Adds SageMaker's lineage to moto. It runs nothing: its state is moto's and goes with it."""

    name = "lineage"

    def __init__(self) -> None:
        self._recorder: Recorder | None = None

    def install(self, server: Server) -> None:
        """Add the operations, and listen to what happens."""
        for module in (entities, associations, query, components):
            module.install()
        self._recorder = Recorder(server)
        server.bus.subscribe(self._recorder.hear)

    def status(self) -> Any:
        """Return what could not be recorded lately, and why."""
        return {"not recorded": list(self._recorder.missed)} if self._recorder and self._recorder.missed else {}

    def reset(self) -> None:
        """Forget what is not in moto's backends."""
        if self._recorder is not None:
            self._recorder.reset()

    def stop(self) -> None:
        """Do nothing."""
