"""What a transform job does to records: splits objects into requests, filters, joins, assembles.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.sandbox.jobs.job import JobFailedError

JSON_TYPES = ("application/json", "application/jsonlines")
TYPES = ("text/csv", *JSON_TYPES)
"""Content types whose records can be filtered and joined."""
_STEP = re.compile(r"\.(?P<name>[\w-]+)|\[(?P<inner>[^\]]+)\]")
_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?")
_WORDS = re.compile(r"'[^']*'(\s*,\s*'[^']*')*")
_NUMBERS = re.compile(r"-?\d+(\s*,\s*-?\d+)*")


@dataclass(frozen=True)
class JsonPath:
    """A JSONPath of the kind that AWS takes: names, indices, ranges and lists of them."""

    text: str

    def __post_init__(self) -> None:
        self._steps()

    @property
    def all(self) -> bool:
        """Whether it takes the record as it is."""
        return self.text == "$"

    def of(self, record: Any) -> Any:
        """Return what it finds in a record.

        Raises:
            JobFailedError: There is no such place.
        """
        found = record
        for step in self._steps():
            try:
                found = _taken(found, step)
            except (KeyError, IndexError, TypeError) as error:
                raise JobFailedError(
                    f"ClientError: See job logs for more information. (The filter {self.text} finds nothing in a "
                    "record.)"
                ) from error
        return found

    def _steps(self) -> list[Any]:
        if not self.text.startswith("$"):
            raise ValueError(f"{self.text} does not begin with $")
        steps: list[Any] = []
        place = 1
        while place < len(self.text):
            found = _STEP.match(self.text, place)
            if found is None:
                raise ValueError(f"the sandbox does not understand {self.text[place:]} of {self.text}")
            steps.append(found["name"] if found["name"] else _inner(found["inner"].strip(), self.text))
            place = found.end()
        return steps


@dataclass(frozen=True)
class Processing:
    """How a transform job treats its records.

    Attributes:
        split: `None` or `Line`.
        single: Whether each request has one record.
        payload: Largest request, in bytes.
        content_type: Of the input.
        accept: Of the output.
        before: Filter of what is sent.
        after: Filter of what is kept.
        join: Whether what is kept has the input too.
        assemble: `None` or `Line`.
    """

    split: str
    single: bool
    payload: int
    content_type: str
    accept: str
    before: JsonPath
    after: JsonPath
    join: bool
    assemble: str

    def batches(self, file: Path, *, packed: bool) -> Iterator[list[bytes]]:
        """Return the records of an object, by the requests that they go in.

        Raises:
            JobFailedError: One is larger than a request may be, or the object is not compressed as it should be.
        """
        try:
            opened: Any
            with gzip.open(file) if packed else file.open("rb") as opened:
                if self.split == "None":
                    whole = opened.read()
                    if whole:
                        yield self._fitting([whole], len(whole))
                    return
                yield from self._packed(line.rstrip(b"\r\n") for line in opened)
        except (OSError, EOFError) as error:
            raise JobFailedError(f"ClientError: Data download failed:{file.name} cannot be read: {error}") from error

    def sent(self, batch: Sequence[bytes]) -> bytes:
        """Return the body of a request."""
        records = batch if self.before.all else [self._write(self.before.of(self._read(one))) for one in batch]
        return b"\n".join(records)

    def kept(self, batch: Sequence[bytes], answer: bytes) -> bytes:
        """Return what a request adds to the output.

        Raises:
            JobFailedError: Records cannot be joined or filtered.
        """
        if not self.join and self.after.all:
            return self._assembled([answer])
        answers = [answer] if self.split == "None" else [line for line in answer.splitlines() if line.strip()]
        if self.join and len(answers) != len(batch):
            raise JobFailedError(
                "ClientError: See job logs for more information. (Input and output cannot be joined: the model "
                f"answered {len(batch)} records with {len(answers)}.)"
            )
        records = []
        for number, one in enumerate(answers):
            said = self._read(one, self.accept or self.content_type)
            if self.join:
                said = _joined(self._read(batch[number]), said, rows=self.content_type.startswith("text/csv"))
            records.append(self._write(self.after.of(said)))
        return self._assembled(records)

    def _packed(self, lines: Iterator[bytes]) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        size = 0
        for line in lines:
            if not line:
                continue
            if batch and (self.single or size + len(line) + 1 > self.payload):
                yield self._fitting(batch, size)
                batch, size = [], 0
            batch.append(line)
            size += len(line) + 1
        if batch:
            yield self._fitting(batch, size - 1)

    def _fitting(self, batch: list[bytes], size: int) -> list[bytes]:
        if size > self.payload:
            raise JobFailedError(
                "ClientError: See job logs for more information. (Maximum payload size exceeded: a request of "
                f"{size} bytes, where MaxPayloadInMB allows {self.payload}.)"
            )
        return batch

    def _assembled(self, records: list[bytes]) -> bytes:
        if self.assemble != "Line":
            return b"".join(records)
        return b"".join(one if one.endswith(b"\n") else one + b"\n" for one in records)

    def _read(self, record: bytes, kind: str | None = None) -> Any:
        kind = (kind or self.content_type).partition(";")[0]
        try:
            if kind == "text/csv":
                return next(csv.reader([record.decode()]), [])
            return json.loads(record)
        except (ValueError, csv.Error) as error:
            raise JobFailedError(
                f"ClientError: See job logs for more information. (A record is not {kind}: {error})"
            ) from error

    def _write(self, record: Any) -> bytes:
        if self.content_type.startswith("text/csv"):
            row = record if isinstance(record, list) else [record]
            out = io.StringIO()
            csv.writer(out, lineterminator="").writerow(row)
            return out.getvalue().encode()
        return json.dumps(record).encode()


def _joined(sent: Any, said: Any, *, rows: bool) -> Any:
    """Join a record with its answer, as AWS does for each shape."""
    if rows:
        return [*sent, *said]
    if isinstance(sent, dict):
        return {**sent, "SageMakerOutput": said}
    return {"SageMakerInput": sent, "SageMakerOutput": said}


def _inner(inner: str, whole: str) -> Any:
    if _WORDS.fullmatch(inner):
        words = [word.strip()[1:-1] for word in inner.split(",")]
        return words[0] if len(words) == 1 else words
    if found := _SLICE.fullmatch(inner):
        return slice(*(int(bound) if bound else None for bound in found.groups()))
    if _NUMBERS.fullmatch(inner):
        numbers = [int(number) for number in inner.split(",")]
        return numbers[0] if len(numbers) == 1 else numbers
    raise ValueError(f"the sandbox does not understand [{inner}] of {whole}")


def _taken(value: Any, step: Any) -> Any:
    if isinstance(step, list):
        return {name: value[name] for name in step} if isinstance(value, dict) else [value[index] for index in step]
    return value[step]
