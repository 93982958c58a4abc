"""The state of one stack: JSON on disk, with a journal beside it that survives the end of the process at any moment.

Each change is appended to the journal before anyone is told of it; at the end of a run the journal is folded into
`state.json`. Journal entries only put and drop whole records, so to read them twice does no harm: a process that ends
between the two writes of a fold leaves a state that reads the same.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from terrace.engine.embedded.records import Record
from terrace.engine.embedded.values import dump, load
from terrace.errors import EngineError

VERSION = 1


class State:
    """Records by key, the stack's outputs, and the sandbox's incarnation that they belong to. Safe between threads.

    Args:
        folder: Where `state.json` and `journal.jsonl` are; read when the state is made.
        read_only: Nothing is written, so a preview can play through its changes in memory.

    Raises:
        EngineError: The files are damaged, or of a newer version.
    """

    def __init__(self, folder: Path, read_only: bool = False) -> None:
        self.folder = folder
        self.outputs: dict[str, Any] = {}
        self.incarnation: str | None = None
        self._records: dict[str, Record] = {}
        self._lock = threading.RLock()
        self._journal: IO[str] | None = None
        # The journal first: a run that folds it in between then shows us its entries twice, rather than not at all.
        entries = list(self._read_journal())
        self._read_base()
        for entry in entries:
            self._apply(entry)
        if not read_only:
            self._open()

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

    def get(self, urn: str) -> Record | None:
        """Return the record of a resource, None if the state has none."""
        with self._lock:
            return self._records.get(urn)

    def put(self, *records: Record, drop: tuple[str, ...] = ()) -> None:
        """Set some records and remove others, all or nothing."""
        with self._lock:
            changed = [record for record in records if self._records.get(record.key) != record]
            gone = [key for key in drop if key in self._records]
            if changed or gone:
                self._write({"drop": gone, "put": [record.to_json() for record in changed]})
                for key in gone:
                    del self._records[key]
                self._records.update({record.key: record for record in changed})

    def drop(self, key: str) -> None:
        """Remove a record."""
        self.put(drop=(key,))

    def rename(self, record: Record, old: str) -> None:
        """Set a record in place of the one that an alias found, and turn every reference to it."""
        with self._lock:
            others = [other.renamed(old, record.urn) for other in self if other.key != old]
            self.put(*others, record, drop=(old,))

    def set_outputs(self, outputs: dict[str, Any]) -> None:
        """Set the stack's outputs."""
        with self._lock:
            if outputs != self.outputs:
                self._write({"outputs": dump(outputs)})
                self.outputs = outputs

    def settle(self, incarnation: str | None) -> bool:
        """Take on the sandbox's incarnation. Return whether the state was of another one, and is now empty."""
        with self._lock:
            emptied = bool(self._records) and incarnation is not None and self.incarnation != incarnation
            if incarnation is not None and self.incarnation != incarnation:
                self._write({"incarnation": incarnation, "empty": True})
                self._records.clear()
                self.outputs = {}
                self.incarnation = incarnation
            return emptied

    def close(self) -> None:
        """Fold the journal into `state.json` and write no more."""
        with self._lock:
            if self._journal is not None:
                self._fold()
                self._journal.close()
                self._journal = None

    def _open(self) -> None:
        # A process that was killed while it wrote leaves half a line, which must not meet our first one.
        self._fold()
        self._journal = open(self._file("journal.jsonl"), "a", encoding="utf-8", opener=_private)  # noqa: SIM115

    def _fold(self) -> None:
        base = self._file("state.json")
        fresh = self._file("state.json.new")
        content = {
            "version": VERSION,
            "incarnation": self.incarnation,
            "outputs": dump(self.outputs),
            "resources": [record.to_json() for record in self._records.values()],
        }
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(base)
        with suppress(FileNotFoundError):
            os.truncate(self._file("journal.jsonl"), 0)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(entry, separators=(",", ":")) + "\n")
            self._journal.flush()

    def _apply(self, entry: dict[str, Any]) -> None:
        if entry.get("empty"):
            self._records.clear()
            self.outputs = {}
            self.incarnation = entry["incarnation"]
        if "outputs" in entry:
            self.outputs = load(entry["outputs"])
        for key in entry.get("drop", ()):
            self._records.pop(key, None)
        for written in entry.get("put", ()):
            record = Record.from_json(written)
            self._records[record.key] = record

    def _read_base(self) -> None:
        try:
            content = json.loads(self._file("state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except ValueError as error:
            raise self._damaged("state.json", error) from error
        if content.get("version") != VERSION:
            raise EngineError(
                f"The state in {self.folder} is of version {content.get('version')!r}; this Terrace reads {VERSION}.",
                "Use the Terrace that wrote it.",
            )
        self.incarnation = content["incarnation"]
        self.outputs = load(content["outputs"])
        self._apply({"put": content["resources"]})

    def _read_journal(self) -> Iterator[dict[str, Any]]:
        try:
            lines = self._file("journal.jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        # What follows the last line end was cut off while it was written: it had not been told to anyone.
        for number, line in enumerate(lines[:-1], 1):
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise self._damaged(f"journal.jsonl, line {number}", error) from error
            yield entry

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _damaged(self, where: str, error: Exception) -> EngineError:
        return EngineError(
            f"The state in {self.folder} is damaged ({where}): {error}.",
            "Restore it from a copy, or remove the folder and run `terrace sandbox reset`.",
        )


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner can read: a state holds secrets."""
    return os.open(path, flags, 0o600)
