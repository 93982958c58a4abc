"""Objects of S3 put into files of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PIECE = 2**20
"""Bytes that are read at a time."""


def fetch(s3: Any, bucket: str, key: str, target: Path) -> None:
    """Put an object into a file, in one request.

    boto3's `download_file` asks for a large object in many parts, which between two processes of one machine costs more
    than it saves.
    """
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with target.open("wb") as file:
        for piece in body.iter_chunks(PIECE):
            file.write(piece)
