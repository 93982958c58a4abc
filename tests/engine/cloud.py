"""A small cloud and its provider: things that are made, changed and deleted, in memory or in a file."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from terrace.sandbox.provider.base import UNKNOWN, Diff, Failure, InvokeError, Props, State

THING = "aws:fake/thing:Thing"
STORE = "aws:fake/store:Store"
SOLO = "aws:fake/solo:Solo"


class Cloud:
    """What exists, by id, and what was asked for. `before` is called before each change, and may raise or kill."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.things: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.connections: list[dict[str, Any]] = []
        self.before: Callable[[str, str], None] = lambda op, urn: None
        self.lock = threading.RLock()
        if file is not None:
            with suppress(FileNotFoundError):
                self.things = json.loads(file.read_text())

    def connect(self, inputs: Props) -> Provider:
        """Return a provider; what the engine calls for each provider instance."""
        self.connections.append(dict(inputs))
        return Provider(self)

    def change(self, op: str, urn: str, do: Callable[[], Any]) -> Any:
        """Note a call, and do it unless `before` objects."""
        with self.lock:
            self.calls.append((op, name(urn)))
        self.before(op, name(urn))
        with self.lock:
            result = do()
            if self.file is not None:
                # Whole or not at all: some tests kill the process at any moment.
                fresh = self.file.with_suffix(".new")
                fresh.write_text(json.dumps(self.things))
                fresh.replace(self.file)
            return result

    def count(self, op: str) -> int:
        """How often an operation was asked for."""
        return sum(1 for done, _ in self.calls if done == op)

    def named(self, op: str) -> list[str]:
        """The names of the resources that an operation was asked for, in order."""
        return [urn for done, urn in self.calls if done == op]

    def names(self) -> list[str]:
        """The names of what exists, sorted; a name twice if it exists twice."""
        return sorted(thing["urn"].rsplit("::", 1)[1] for thing in self.things.values())

    def twice(self) -> list[str]:
        """The names of what exists more than once."""
        return [urn for urn, count in Counter(self.names()).items() if count > 1]

    def remove(self, gone: str) -> None:
        """Remove a thing behind everybody's back."""
        self.things = {id: thing for id, thing in self.things.items() if name(thing["urn"]) != gone}


class Provider:
    """Drives the cloud. `kind` replaces a thing; `old` as a `Solo`'s kind must go before the new one comes."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def configure(self, inputs: Props) -> None:
        """Take nothing: `Cloud.connect` noted it."""

    def knows(self, type: str) -> bool:
        return type in (THING, STORE, SOLO)

    def is_store(self, type: str) -> bool:
        return type == STORE

    def check(self, urn: str, type: str, inputs: Props) -> list[Failure]:
        return [Failure("bad", "must not be given")] if "bad" in inputs else []

    def diff(
        self, urn: str, type: str, old: Props, new: Props, ignore: Iterable[str] = (), *, id: str | None = None
    ) -> Diff:
        changed = tuple(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
        replace = tuple(key for key in changed if key == "kind")
        return Diff(changed, replace, bool(replace) and type == SOLO)

    def create(self, urn: str, type: str, inputs: Props, *, preview: bool = False) -> State:
        assert not preview
        assert UNKNOWN not in inputs.values()

        def make() -> State:
            id = f"id-{len(self.cloud.calls)}-{time.monotonic_ns()}"
            self.cloud.things[id] = {"urn": urn, "type": type, "inputs": dict(inputs)}
            return self._state(id, inputs)

        return self.cloud.change("create", urn, make)  # type: ignore[no-any-return]

    def read(self, urn: str, type: str, id: str, inputs: Props) -> State | None:
        self.cloud.calls.append(("read", name(urn)))
        thing = self.cloud.things.get(id)
        return None if thing is None else self._state(id, thing["inputs"])

    def update(self, urn: str, type: str, id: str, old: Props, new: Props, *, preview: bool = False) -> State:
        assert not preview

        def change() -> State:
            self.cloud.things[id]["inputs"] = dict(new)
            return self._state(id, new)

        return self.cloud.change("update", urn, change)  # type: ignore[no-any-return]

    def delete(self, urn: str, type: str, id: str, inputs: Props) -> None:
        if type == STORE and self.cloud.things.get(id, {}).get("inputs", {}).get("full"):
            raise RuntimeError("the store is not empty")
        self.cloud.change("delete", urn, lambda: self.cloud.things.pop(id, None))

    def purge(self, urn: str, type: str, id: str, inputs: Props) -> None:
        self.cloud.calls.append(("purge", name(urn)))
        self.cloud.things[id]["inputs"].pop("full", None)

    def invoke(self, token: str, args: Props) -> Props:
        if token != "aws:fake/getThing:getThing":
            raise InvokeError(f"there is no {token}")
        return {"answer": args.get("question", 41) + 1, "secret": "s3cr3t"}

    def _state(self, id: str, inputs: Props) -> State:
        return State(id, {**inputs, "arn": f"arn:{id}", "count": 7.0})


def name(urn: str) -> str:
    """The logical name in a URN."""
    return urn.split("::", 3)[-1]
