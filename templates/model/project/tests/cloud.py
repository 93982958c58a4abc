"""As much of AWS as the commands use, in memory: objects with versions, and parameters."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


class NotThereError(Exception):
    """What AWS says of things that do not exist."""


class Exceptions:
    """The errors of a client, by AWS's names."""

    ClientError = NoSuchKey = ParameterNotFound = NotThereError


class S3:
    """Buckets that keep every version."""

    exceptions = Exceptions

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], list[bytes]] = {}
        self.times: dict[tuple[str, str], datetime] = {}
        self._puts = 0

    def put(self, bucket: str, key: str, body: bytes) -> str:
        """Keep another version of an object and return its id."""
        self.objects.setdefault((bucket, key), []).append(body)
        self._puts += 1
        self.times[bucket, key] = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._puts)
        return self._id(body)

    def _id(self, body: bytes) -> str:
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    def _find(self, bucket: str, key: str, version: str | None) -> bytes:
        for body in reversed(self.objects.get((bucket, key), [])):
            if version in (None, self._id(body)):
                return body
        raise NotThereError(f"{bucket}/{key} {version}")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        return {"VersionId": self.put(Bucket, Key, Body)}

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        body = self._find(Bucket, Key, VersionId)
        return {"ContentLength": len(body), "VersionId": self._id(body)}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._find(Bucket, Key, None))}

    def download_file(self, bucket: str, key: str, file: str, ExtraArgs: dict[str, str] | None = None) -> None:
        Path(file).write_bytes(self._find(bucket, key, (ExtraArgs or {}).get("VersionId")))

    def get_paginator(self, _operation: str) -> S3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        for (bucket, key), versions in self.objects.items():
            if bucket == Bucket and key.startswith(Prefix):
                # A page each, so that nobody reads the first page alone.
                yield {"Contents": [{"Key": key, "LastModified": self.times[bucket, key], "Size": len(versions[-1])}]}


class Ssm:
    """Parameters."""

    exceptions = Exceptions

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        if Name not in self.parameters:
            raise NotThereError(Name)
        return {"Parameter": {"Value": self.parameters[Name]}}


class Cloud:
    """Both."""

    def __init__(self) -> None:
        self.s3, self.ssm = S3(), Ssm()

    def client(self, name: str) -> Any:
        """Return a client, as `boto3.client` does."""
        return getattr(self, name)
