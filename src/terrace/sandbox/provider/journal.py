"""What creations have begun, so that one cut short at any moment is taken up instead of repeated.

An engine learns of a resource only when its creation returns; a process killed before that leaves a resource that
nobody knows. So an intent is written before each creation, its id after it, and the entry counts as known once the
engine asks about the resource again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from terrace.sandbox.provider.base import Props


@dataclass(frozen=True)
class Entry:
    """One creation of a resource: the inputs it began with, the id once it ended, whether the engine knows it."""

    inputs: dict[str, Any]
    id: str | None = None
    known: bool = False


class Journal:
    """Entries by resource, one small file each, written whole or not at all; readable by the user alone.

    Args:
        folder: Where the files of one account and region are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self, urn: str, type: str) -> list[Entry]:
        """Return the creations of a resource that were not deleted."""
        return self._load(self._file(urn, type))

    def intend(self, urn: str, type: str, inputs: Props) -> None:
        """Write that a creation begins."""
        kept = [e for e in self.entries(urn, type) if e.id is not None]
        self._save(self._file(urn, type), [*kept, Entry(dict(inputs))])

    def made(self, urn: str, type: str, inputs: Props, id: str) -> None:
        """Write that the creation which began last has ended with this id."""
        kept = [e for e in self.entries(urn, type) if e.id not in (None, id)]
        self._save(self._file(urn, type), [*kept, Entry(dict(inputs), id)])

    def know(self, urn: str, type: str, *, id: str | None, inputs: Props) -> None:
        """Write that the engine has this resource: by id, or without one by the inputs it was made with."""
        before = self.entries(urn, type)
        after = [
            replace(e, known=True) if e.id and (e.id == id if id else e.inputs == dict(inputs)) else e for e in before
        ]
        if after != before:
            self._save(self._file(urn, type), after)

    def forget(self, urn: str, type: str, entry: Entry) -> None:
        """Drop one entry."""
        self._save(self._file(urn, type), [e for e in self.entries(urn, type) if e != entry])

    def deleted(self, urn: str, type: str, id: str) -> None:
        """Drop the entries of a resource that was deleted."""
        before = self.entries(urn, type)
        if before:
            self._save(self._file(urn, type), [e for e in before if e.id != id])

    def claimed(self, type: str) -> set[str]:
        """Return the ids of all resources of a type that were made through this journal."""
        folder = self._file("", type).parent
        return {e.id for file in folder.glob("*.json") for e in self._load(file) if e.id is not None}

    def _file(self, urn: str, type: str) -> Path:
        return self._folder / re.sub(r"\W+", "-", type) / f"{hashlib.sha256(urn.encode()).hexdigest()[:32]}.json"

    def _load(self, file: Path) -> list[Entry]:
        try:
            text = file.read_text()
        except FileNotFoundError:
            return []
        return [Entry(**entry) for entry in json.loads(text)]

    def _save(self, file: Path, entries: list[Entry]) -> None:
        if not entries:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Inputs may hold secrets: mkstemp makes the file readable by its owner alone.
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        with os.fdopen(handle, "w") as out:
            json.dump([asdict(e) for e in entries], out)
        Path(name).replace(file)
