"""Objects of S3 of any size, without ever holding one in memory.

moto reads a whole object for each answer, also for a range of it, and holds it five times over while it puts its parts
together: clients that download a gigabyte in parts, as boto3 does, took ten. Here content is read from its file a piece
at a time. One request still is in memory, so it has a limit, beyond which objects are uploaded in parts.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import importlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, S3ClientError
from moto.s3.models import FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

PIECE = 2**20
"""Bytes that are read at a time."""
LARGE = 8 * 2**20
"""Objects from this size on are read in pieces; smaller ones as moto does."""
MOST_AT_ONCE = 256 * 2**20
"""Largest body of one request; AWS takes 5 GB."""

_streams = threading.local()


class TooLargeError(S3ClientError):
    """A body that is too large for one request."""

    def __init__(self, size: int) -> None:
        super().__init__(
            "EntityTooLarge",
            f"Your proposed upload of {size} bytes exceeds the maximum allowed size: the sandbox takes "
            f"{MOST_AT_ONCE} bytes in one request. Upload it in parts, as upload_file and `aws s3 cp` do.",
        )


class Content:
    """A part of a file, which can be sliced and read in pieces whatever becomes of the object it is of."""

    def __init__(self, file: int, begin: int, end: int) -> None:
        self._file, self._begin, self._end = os.dup(file), begin, end

    def __len__(self) -> int:
        return self._end - self._begin

    def __getitem__(self, part: slice) -> Content:
        begin, end, _ = part.indices(len(self))
        return Content(self._file, self._begin + begin, self._begin + max(begin, end))

    def __iter__(self) -> Iterator[bytes]:
        at = self._begin
        while piece := os.pread(self._file, min(PIECE, self._end - at), at):
            yield piece
            at += len(piece)

    def __del__(self) -> None:
        os.close(self._file)


class Joined:
    """The parts of an upload in one file, which becomes the object's."""

    def __init__(self, parts: list[Any]) -> None:
        # moto throws the parts away before it asks for the whole.
        self.file: Any = tempfile.TemporaryFile()  # noqa: SIM115  (the object closes it)
        self.size = 0
        for piece in _all(parts):
            self.file.write(piece)
            self.size += len(piece)


def install() -> None:
    """Put these ways in the place of moto's. Once in a process, before the server starts."""
    whole: Any = FakeKey.value
    setattr(FakeKey, "value", property(_value(whole.fget), _set_value(whole.fset)))  # noqa: B010
    setattr(FakeMultipart, "complete", complete)  # noqa: B010
    setattr(S3Backend, "copy_object", _summed(S3Backend.copy_object))  # noqa: B010
    for owner, name in ((S3Response, "get_object"), (S3Backend, "copy_object"), (S3Backend, "upload_part_copy")):
        setattr(owner, name, _streaming(getattr(owner, name)))
    setattr(S3Response, "setup_class", _measured(S3Response.setup_class))  # noqa: B010
    setattr(S3Response, "_key_response", _refusing(S3Response._key_response))  # noqa: B010


def complete(self: Any, body: Iterable[tuple[int, str]]) -> tuple[Joined, str, tuple[str, str, int] | None]:
    """Put the parts of an upload together; returns content, ETag, and kind, value and parts of the checksum."""
    chosen: list[Any] = []
    for number, said in body:
        part = self.parts.get(number)
        if part is None or part.etag.strip('"') != said.replace('"', ""):
            raise InvalidPart
        if chosen and chosen[-1].contentsize < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        chosen.append(part)
    if not chosen:
        raise MalformedXML
    hashed = hashlib.md5(usedforsecurity=False)
    for part in chosen:
        hashed.update(bytes.fromhex(part.etag.strip('"')))
    algorithm = self.metadata.get("x-amz-checksum-algorithm") or "CRC64NVME"
    kind = self.metadata.get("x-amz-checksum-type") or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if kind == "COMPOSITE":
        sums = b"".join(compute_checksum(part.value, algorithm, encode_base64=False) for part in chosen)
        checksum = kind, compute_checksum(sums, algorithm).decode(), len(chosen)
    else:
        checksum = kind, _checksum(_all(chosen), algorithm), 1
    return Joined(chosen), f"{hashed.hexdigest()}-{len(chosen)}", checksum


def _value(whole: Callable[[Any], bytes]) -> Callable[[Any], Any]:
    def value(self: Any) -> Any:
        if getattr(_streams, "on", False) and self.contentsize >= LARGE:
            return _content(self)
        return whole(self)

    return value


def _set_value(whole: Callable[[Any, bytes], None]) -> Callable[[Any, Any], None]:
    def set_value(self: Any, new: Any) -> None:
        if isinstance(new, Joined):
            self._value_buffer.close()
            self._value_buffer, self.contentsize = new.file, new.size
        elif isinstance(new, Content):
            for piece in new:
                self._value_buffer.write(piece)
            self.contentsize = len(new)
        else:
            whole(self, new)

    return set_value


def _streaming(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def streaming(*args: Any, **more: Any) -> Any:
        _streams.on = True
        try:
            return original(*args, **more)
        finally:
            _streams.on = False

    return streaming


def _summed(original: Callable[..., None]) -> Callable[..., None]:
    """Let a copy have a checksum of its own: it has no parts, and moto gave it the sum of its source's."""

    @functools.wraps(original)
    def copy_object(
        self: Any, src_key: Any, dest_bucket_name: str, dest_key_name: str, *args: Any, **more: Any
    ) -> None:
        original(self, src_key, dest_bucket_name, dest_key_name, *args, **more)
        if src_key.checksum_type == "COMPOSITE":
            made = self.get_bucket(dest_bucket_name).keys[dest_key_name]
            made.checksum_type, made.checksum_value = "FULL_OBJECT", _checksum(_all([made]), made.checksum_algorithm)

    return copy_object


def _measured(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def setup_class(self: Any, request: Any, *args: Any, **more: Any) -> None:
        size = request.content_length or 0
        if size > MOST_AT_ONCE:
            # Whoever sends does not listen before the end.
            while request.stream.read(PIECE):
                pass
            self._terrace_size = size
        original(self, request, *args, **more)

    return setup_class


def _refusing(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def key_response(self: Any, *args: Any, **more: Any) -> Any:
        if size := self.__dict__.get("_terrace_size"):
            raise TooLargeError(size)
        return original(self, *args, **more)

    return key_response


def _content(key: Any) -> Content:
    with key.lock:
        key._value_buffer.flush()
        # A file from here on, if it was not yet.
        return Content(key._value_buffer.fileno(), 0, key.contentsize)


def _all(keys: Iterable[Any]) -> Iterator[bytes]:
    """Yield the content of several keys, one after the other."""
    for key in keys:
        yield from _content(key) if key.contentsize >= LARGE else (key.value,)


def _checksum(pieces: Iterable[bytes], algorithm: str) -> str:
    """Return the checksum of a whole object, as moto computes it: CRC32 where a library for another CRC is missing."""
    if algorithm in ("SHA1", "SHA256"):
        hashed = hashlib.new(algorithm, usedforsecurity=False)
        for piece in pieces:
            hashed.update(piece)
        return base64.b64encode(hashed.digest()).decode()
    found, (add, length) = 0, _crc(algorithm)
    for piece in pieces:
        found = add(piece, found)
    return base64.b64encode(found.to_bytes(length, "big")).decode()


def _crc(algorithm: str) -> tuple[Callable[[bytes, int], int], int]:
    """Return what adds a piece to a CRC, and how many bytes the CRC has."""
    for name, module, function, length in (
        ("CRC64NVME", "awscrt.checksums", "crc64nvme", 8),
        ("CRC32C", "crc32c", "crc32c", 4),
    ):
        if algorithm == name and find_spec(module.partition(".")[0]):
            return getattr(importlib.import_module(module), function), length
    return binascii.crc32, 4
