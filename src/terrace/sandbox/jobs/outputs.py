"""What a job leaves, from its folders to S3."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terrace.sandbox.jobs.job import JobFailedError


class Uploader:
    """Puts files into S3.

    Args:
        s3: boto3 client.
        key: KMS key that encrypts what is put, None for the bucket's own encryption.
    """

    def __init__(self, s3: Any, key: str | None) -> None:
        self._s3 = s3
        self._more = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def file(self, path: Path, uri: str) -> None:
        """Put a file.

        Raises:
            JobFailedError: S3 does not take it.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3.upload_file(str(path), bucket, key, ExtraArgs=self._more)
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._refused(uri, error) from error
        except Exception as error:
            if type(error).__name__ == "S3UploadFailedError":
                raise self._refused(uri, error) from error
            raise

    def folder(self, folder: Path, uri: str) -> int:
        """Put all files of a folder below a prefix; return how many."""
        count = 0
        for path in files(folder):
            self.file(path, f"{uri.rstrip('/')}/{path.relative_to(folder).as_posix()}")
            count += 1
        return count

    def archive(self, folder: Path, uri: str, draft: Path) -> None:
        """Put a folder as one archive, compressed.

        The same files make the same bytes: neither times nor owners go in, and the order is that of names.
        """
        try:
            with (
                draft.open("wb") as raw,
                gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as opened,
            ):
                for path in sorted(folder.rglob("*")):
                    opened.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_anonymous)
        except OSError as error:
            raise JobFailedError(f"ClientError: Artifact upload failed:{error}") from error
        self.file(draft, uri)
        draft.unlink()

    def _refused(self, uri: str, error: Exception) -> JobFailedError:
        return JobFailedError(f"ClientError: Artifact upload failed:{error} Please ensure that {uri} can be written.")


class Mirror:
    """Keeps a prefix of S3 as a folder is, while a job runs: what is new or changed is put again."""

    def __init__(self, uploader: Uploader, folder: Path, uri: str) -> None:
        self._uploader = uploader
        self._folder = folder
        self._uri = uri
        self._seen: dict[Path, tuple[int, int]] = {}
        for path, state in self._states():
            self._seen[path] = state

    def sync(self) -> None:
        """Put what has changed since the last time."""
        for path, state in self._states():
            if self._seen.get(path) != state:
                self._uploader.file(path, f"{self._uri.rstrip('/')}/{path.relative_to(self._folder).as_posix()}")
                self._seen[path] = state

    def _states(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for path in files(self._folder):
            try:
                about = path.stat()
            except FileNotFoundError:
                continue  # the job has taken it away since
            yield path, (about.st_mtime_ns, about.st_size)


def files(folder: Path) -> Iterator[Path]:
    """Return the files of a folder, by name. What a link leads to outside of it is not the job's to give."""
    top = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and path.resolve().is_relative_to(top):
                yield path


def used(folder: Path) -> int:
    """Return how much disk a folder takes, in bytes."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH118  (it is a hot loop)
            except FileNotFoundError:
                continue
    return total


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (entry.isfile() or entry.isdir() or entry.issym()):
        return None
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
