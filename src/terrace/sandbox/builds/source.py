"""The source of a build: fetched from S3 and unpacked."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import Any

from terrace.errors import SandboxError

UNPACKED_BYTES = 2 * 2**30
"""Largest source, unpacked; a zip can be made to unpack to any size."""


class SourceError(SandboxError):
    """A source that cannot be had. Says which and why."""


def fetch(s3: Any, kind: str, location: str, folder: Path) -> None:
    """Put the source of a build into a folder.

    Args:
        s3: boto3 client of the build's account.
        kind: `S3` or `NO_SOURCE`; the sandbox reaches no other.
        location: `bucket/key` of a zip, or `bucket/prefix/` of files.
        folder: An empty folder.

    Raises:
        SourceError: There is no such source, or it cannot be unpacked.
    """
    if kind == "NO_SOURCE":
        return
    if kind != "S3":
        raise SourceError(f"A build in the sandbox takes its source from S3, not from {kind}: {location}")
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    try:
        if key.endswith("/") or not key:
            _files(s3, bucket, key, folder)
        else:
            archive = folder.with_name("source.zip")
            s3.download_file(bucket, key, str(archive))
            unpack(archive, folder)
    except s3.exceptions.ClientError as error:
        raise SourceError(f"error while downloading key {key}, error: {error}") from error


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip; programs stay programs, and nothing lands outside of the folder.

    Raises:
        SourceError: It is no zip, has a name that leads outside, or is too large.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = zipped.infolist()
            if sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
                raise SourceError(f"The source is larger than {UNPACKED_BYTES // 2**30} GB when unpacked.")
            for entry in entries:
                place = (folder / entry.filename).resolve()
                if not place.is_relative_to(folder.resolve()) or entry.filename.startswith("/"):
                    raise SourceError(f"The source has a file that lies outside of it: {entry.filename!r}")
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise SourceError(f"The source has a symbolic link: {entry.filename!r}")
                zipped.extract(entry, folder)
                if entry.external_attr >> 16 & 0o100 and place.is_file():
                    place.chmod(0o755)
    except zipfile.BadZipFile as error:
        raise SourceError(f"The source is no zip: {error}") from error


def _files(s3: Any, bucket: str, prefix: str, folder: Path) -> None:
    found = False
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            place = (folder / item["Key"].removeprefix(prefix)).resolve()
            if item["Key"].endswith("/") or not place.is_relative_to(folder.resolve()):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, item["Key"], str(place))
            found = True
    if not found:
        raise SourceError(f"There is no source below {bucket}/{prefix}")
