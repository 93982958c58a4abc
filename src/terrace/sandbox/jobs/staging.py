"""Data from S3 into a container's folders, as SageMaker's File mode lays it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terrace.sandbox.fetch import fetch
from terrace.sandbox.jobs.job import JobFailedError


@dataclass(frozen=True)
class Source:
    """Objects of S3 that a job reads.

    Attributes:
        uri: Prefix, object or manifest.
        kind: `S3Prefix` or `ManifestFile`.
        role: Who reads, for the words of a failure.
        region: Where, for the same.
    """

    uri: str
    kind: str
    role: str
    region: str


def objects(s3: Any, source: Source) -> Iterator[tuple[str, str, str, int]]:
    """Return bucket, key, place below the channel's folder, and bytes of every object.

    Raises:
        JobFailedError: There are none.
    """
    found = False
    try:
        for one in _manifest(s3, source) if source.kind == "ManifestFile" else _prefix(s3, source.uri):
            found = True
            yield one
    except ClientError as error:
        raise JobFailedError(f"ClientError: Data download failed:{_said(error)} {_about(source)}") from error
    except BotoCoreError as error:
        raise JobFailedError(f"ClientError: Data download failed:{error} {_about(source)}") from error
    if not found:
        raise JobFailedError(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{source.uri}" given in input data '
            f"source. {_about(source)}"
        )


def download(s3: Any, source: Source, folder: Path, ended: Callable[[], bool]) -> None:
    """Put the objects of a source into a folder, which is made.

    Args:
        s3: boto3 client.
        source: What is read.
        folder: Where it goes.
        ended: Tells whether to stop in between.

    Raises:
        JobFailedError: They cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for bucket, key, place, _ in objects(s3, source):
        if ended():
            return
        target = (folder / place).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise JobFailedError(f"ClientError: Data download failed:The key {key} leads out of the channel's folder.")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fetch(s3, bucket, key, target)
        except (ClientError, BotoCoreError) as error:
            raise JobFailedError(f"ClientError: Data download failed:{error}") from error
        except OSError as error:
            # Such as two keys of which one is the other's folder: S3 has both, a file system does not.
            raise JobFailedError(f"ClientError: Data download failed:{key}: {error.strerror}") from error


def _prefix(s3: Any, uri: str) -> Iterator[tuple[str, str, str, int]]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            key = str(item["Key"])
            if not key.endswith("/"):  # consoles make such objects to show a folder
                yield bucket, key, _place(key, prefix), int(item["Size"])


def _place(key: str, prefix: str) -> str:
    """Return where an object goes: below its prefix, or as it is named where the prefix ends within its name."""
    rest = key.removeprefix(prefix)
    if rest and (prefix.endswith("/") or rest.startswith("/") or not prefix):
        return rest.lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def _manifest(s3: Any, source: Source) -> Iterator[tuple[str, str, str, int]]:
    """Read a manifest: a list whose first item has the prefix of the names that follow.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    bucket, _, key = source.uri.removeprefix("s3://").partition("/")
    said = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        first, *names = json.loads(said)
        prefix = str(first["prefix"])
        names = [str(name) for name in names]
    except (ValueError, KeyError, TypeError) as error:
        raise JobFailedError(
            f"ClientError: Data download failed:Unable to parse the manifest file {source.uri}: {error}"
        ) from error
    bucket, _, below = prefix.removeprefix("s3://").partition("/")
    for name in names:
        about = s3.head_object(Bucket=bucket, Key=f"{below}{name}")
        yield bucket, f"{below}{name}", name.lstrip("/"), int(about["ContentLength"])


def _said(error: ClientError) -> str:
    said: Mapping[str, Any] = error.response.get("Error", {})
    return f"{said.get('Code')}: {said.get('Message')}."


def _about(source: Source) -> str:
    bucket = source.uri.removeprefix("s3://").partition("/")[0]
    return (
        f"Please ensure that the bucket exists in the selected region ({source.region}), that objects exist under "
        f'that S3 prefix, and that the role "{source.role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )
