"""Objects that are too large to be held in memory: whole, in ranges, in parts, copied, and what they take of it."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from provider_case import REGION

from terrace.sandbox import Sandbox, session
from terrace.sandbox.provider.clients import SandboxClients

MB = 2**20
SIZE = 21 * MB + 12345


@pytest.fixture(scope="module")
def content() -> bytes:
    """More than two parts of boto3's."""
    return random.Random(7).randbytes(SIZE)  # noqa: S311


@pytest.fixture
def s3(aws: SandboxClients, content: bytes, tmp_path: Path) -> Any:
    """A client, with a bucket that has the object."""
    client = aws("s3")
    bucket = f"large-{aws.account}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    (tmp_path / "up").write_bytes(content)
    client.upload_file(str(tmp_path / "up"), bucket, "data")
    client.bucket = bucket
    return client


def test_content_is_the_same_whole_and_in_ranges(s3: Any, content: bytes, tmp_path: Path) -> None:
    """As much as was asked for, from where it was asked for, with the lengths that S3 tells."""
    asked: dict[str, Any] = {"Bucket": s3.bucket, "Key": "data"}
    assert s3.head_object(**asked)["ContentLength"] == SIZE
    whole = s3.get_object(**asked)
    assert (whole["ContentLength"], whole["ETag"].strip('"').endswith("-3")) == (SIZE, True)
    assert whole["Body"].read() == content
    for said, begin, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-1048581", 5, MB + 6),
        (f"bytes={SIZE - 10}-", SIZE - 10, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        (f"bytes={20 * MB}-{99 * MB}", 20 * MB, SIZE),
    ):
        part = s3.get_object(**asked, Range=said)
        assert part["ContentRange"] == f"bytes {begin}-{end - 1}/{SIZE}"
        assert part["ContentLength"] == end - begin
        assert part["Body"].read() == content[begin:end]
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(**asked, Range=f"bytes={SIZE}-")
    s3.download_file(s3.bucket, "data", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == content


def test_copies_are_whole_and_by_ranges(s3: Any, content: bytes) -> None:
    """A copy, and an upload that is put together of ranges of another object."""
    source = {"Bucket": s3.bucket, "Key": "data"}
    s3.copy_object(Bucket=s3.bucket, Key="copy", CopySource=source)
    assert s3.get_object(Bucket=s3.bucket, Key="copy")["Body"].read() == content
    upload = s3.create_multipart_upload(Bucket=s3.bucket, Key="put-together")["UploadId"]
    parts = []
    for number, (begin, end) in enumerate(((10 * MB, 19 * MB), (0, 100)), 1):
        copied = s3.upload_part_copy(
            Bucket=s3.bucket, Key="put-together", UploadId=upload, PartNumber=number, CopySource=source,
            CopySourceRange=f"bytes={begin}-{end - 1}",
        )  # fmt: skip
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(
        Bucket=s3.bucket, Key="put-together", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    put_together = s3.get_object(Bucket=s3.bucket, Key="put-together")["Body"].read()
    assert put_together == content[10 * MB : 19 * MB] + content[:100]


def test_what_is_read_is_not_what_came_after(s3: Any, content: bytes) -> None:
    """Somebody who reads a version goes on reading it while it is overwritten and deleted."""
    asked = {"Bucket": s3.bucket, "Key": "data"}
    answer = s3.get_object(**asked)
    body = answer["Body"]
    begun = body.read(100)
    s3.put_object(**asked, Body=b"another")
    s3.delete_object(**asked, VersionId=answer["VersionId"])
    assert begun + body.read() == content
    assert s3.get_object(**asked)["Body"].read() == b"another"


def test_parts_that_are_wrong_are_refused(s3: Any) -> None:
    """As S3 refuses them: an ETag that is none, a part that is too small, a body that is too large for one request."""
    upload = s3.create_multipart_upload(Bucket=s3.bucket, Key="wrong")["UploadId"]
    asked: dict[str, Any] = {"Bucket": s3.bucket, "Key": "wrong", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**asked, PartNumber=number, Body=b"small")["ETag"]}
        for number in (1, 2)
    ]
    with pytest.raises(ClientError, match="EntityTooSmall"):
        s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts})
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": [{**parts[0], "ETag": '"no"'}]})


class Memory:
    """How much memory a process takes at most."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.before = self.most = self._process.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def grew(self) -> int:
        """Megabytes, at most, over what there was."""
        return (self.most - self.before) // MB

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)


def _sparse(path: Path, size: int) -> str:
    """Write a file whose pieces differ, and return its hash."""
    hashed, piece = hashlib.sha256(), bytearray(random.Random(1).randbytes(MB))  # noqa: S311
    with path.open("wb") as file:
        for number in range(size // MB):
            piece[:8] = number.to_bytes(8, "big")
            file.write(piece)
            hashed.update(piece)
    return hashed.hexdigest()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that nobody else uses."""
    made = Sandbox(tmp_path / "home")
    yield made
    made.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_data(alone: Sandbox, tmp_path: Path) -> None:
    """200 MB go up and come down again through a few pieces at a time; what is too large at once is refused."""
    running = alone.start()
    s3 = session(running.url, "123456789012", REGION).client("s3")
    s3.create_bucket(Bucket="large", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="large", Key="warm", Body=b"x")
    known = _sparse(tmp_path / "up", 200 * MB)
    # Parts of 8 MB, two of them on their way at a time: each is in memory, a few times over.
    few = TransferConfig(max_concurrency=2)
    with Memory(running.pid) as memory:
        s3.upload_file(str(tmp_path / "up"), "large", "data", Config=few)
        s3.download_file("large", "data", str(tmp_path / "down"), Config=few)
    with (tmp_path / "down").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == known
    assert memory.grew < 200
    _sparse(tmp_path / "up", 257 * MB)
    with (tmp_path / "up").open("rb") as file, Memory(running.pid) as memory, pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="large", Key="at-once", Body=file)
    assert refused.value.response["Error"]["Code"] == "EntityTooLarge"
    assert "in parts" in str(refused.value)
    assert memory.grew < 32
