"""Model data: fetched from S3 and unpacked into a container's /opt/ml/model."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terrace.errors import SandboxError
from terrace.sandbox.fetch import fetch

UNPACKED_BYTES = 8 * 2**30
"""Largest model, unpacked; an archive can be made to unpack to any size."""


class ModelDataError(SandboxError):
    """Model data that cannot be had. Says why in SageMaker's words."""


def place_model(s3: Any, container: dict[str, Any], folder: Path) -> None:
    """Put the model data of a container definition into a folder; without any it stays empty.

    Args:
        s3: boto3 client of the model's account.
        container: Container definition of a model, as CreateModel takes it.
        folder: The folder that becomes /opt/ml/model. Made if missing.

    Raises:
        ModelDataError: There is no such object, or it cannot be unpacked safely.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    url = str(container.get("ModelDataUrl") or source.get("S3Uri") or "")
    if not url:
        return
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        if source.get("S3DataType") == "S3Prefix":
            _files(s3, url, bucket, key, folder)
            return
        archive = folder.with_name("model.download")
        fetch(s3, bucket, key, archive)
    except (ClientError, BotoCoreError) as error:
        raise _not_downloaded(url) from error
    try:
        if source.get("CompressionType") == "None":
            shutil.move(archive, folder / Path(key).name)
        else:
            unpack(archive, url, folder)
    finally:
        archive.unlink(missing_ok=True)


def unpack(archive: Path, url: str, folder: Path) -> None:
    """Unpack a tar archive, compressed or not. What leads out of the folder, or is no file or folder, is refused.

    Raises:
        ModelDataError: It is no such archive, has a member that is refused, or is too large.
    """
    try:
        with tarfile.open(archive) as opened:
            # Each member is looked at just before it is unpacked: a list of them would read the archive twice.
            opened.extractall(folder, _bounded(opened, url), filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _not_unpacked(url, str(error)) from error


def _bounded(archive: tarfile.TarFile, url: str) -> Iterator[tarfile.TarInfo]:
    size = 0
    for member in archive:
        size += member.size
        if size > UNPACKED_BYTES:
            raise _not_unpacked(url, f"it is larger than {UNPACKED_BYTES // 2**30} GB when unpacked")
        yield member


def _files(s3: Any, url: str, bucket: str, prefix: str, folder: Path) -> None:
    found = False
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            place = (folder / item["Key"].removeprefix(prefix).lstrip("/")).resolve()
            if item["Key"].endswith("/") or not place.is_relative_to(folder.resolve()):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            fetch(s3, bucket, item["Key"], place)
            found = True
    if not found:
        raise _not_downloaded(url)


def _not_downloaded(url: str) -> ModelDataError:
    return ModelDataError(
        f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure that there is an '
        "object located at the URL and that the role passed to CreateModel has permissions to download the object."
    )


def _not_unpacked(url: str, why: str) -> ModelDataError:
    return ModelDataError(
        f'Failed to extract model data archive from URL: "{url}" for container "container_1". Please ensure that the '
        f"object located at the URL is a valid tar.gz archive: {why}"
    )
