"""A cloud, a home, and programs written on the spot."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import Any

from engine.cloud import Cloud

from terrace.engine import Event, MessageEvent, Program, ResourceEvent, Result
from terrace.engine.embedded import EmbeddedEngine

HEAD = """
import pulumi
from pulumi import ResourceOptions as O, export
from engine.things import Aws, Group, Solo, Store, Thing, get_thing
aws = Aws()
w = O(provider=aws)
def o(**more):
    return O(provider=aws, **more)
"""


class World:
    """One cloud, one home, one stack; `up("…")` runs a program text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.cloud = Cloud()
        self.incarnation: str | None = "first"
        self.events: list[Event] = []
        self.config: dict[str, str] = {}
        self.secret_keys: tuple[str, ...] = ()
        self.parallel = 16

    def program(self, text: str = "", head: str = HEAD, stack: str = "dev") -> Program:
        folder = self.folder / "program"
        folder.mkdir(exist_ok=True)
        (folder / "__main__.py").write_text(head + textwrap.dedent(text))
        return Program("proj", stack, folder, self.config, self.secret_keys)

    def engine(self, **options: Any) -> EmbeddedEngine:
        options = {"lock_timeout": 0, "parallel": self.parallel, **options}
        return EmbeddedEngine(self.home, self.cloud.connect, self.incarnation, **options)

    def up(self, text: str, retire: Collection[str] = (), **options: Any) -> Result:
        return self.engine().up(self.program(text, **options), self.events.append, retire)

    def preview(self, text: str, retire: Collection[str] = (), **options: Any) -> Result:
        return self.engine().preview(self.program(text, **options), self.events.append, retire)

    def destroy(self, delete_data: bool = False) -> Result:
        return self.engine().destroy(self.program(), delete_data, self.events.append)

    def refresh(self) -> Result:
        return self.engine().refresh(self.program(), self.events.append)

    def urns(self) -> dict[str, str]:
        """URN by logical name."""
        return {found.name: found.urn for found in self.engine().resources(self.program())}

    def messages(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, MessageEvent)]

    def ops(self, status: str = "done") -> list[tuple[str, str]]:
        found = [event for event in self.events if isinstance(event, ResourceEvent)]
        return [(event.op, event.name) for event in found if event.status == status]


def names(changes: Any) -> list[str]:
    """The logical names in a list of changes."""
    return [change.name for change in changes]
