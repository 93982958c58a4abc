"""Model data on its way into a container's folder."""

from __future__ import annotations

import _compression
import io
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest

from terrace.sandbox.endpoints import artifact
from terrace.sandbox.endpoints.artifact import ModelDataError, place_model

MB = 2**20
MODEL = {"ModelDataUrl": "s3://models/model.tar.gz"}


class Objects:
    """One object, as boto3's client gives it; it knows nothing but GetObject."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.asked = 0

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  (AWS's names)
        self.asked += 1
        return {"Body": self}

    def iter_chunks(self, size: int) -> Any:
        """Yield the content in pieces."""
        content = io.BytesIO(self._content)
        return iter(lambda: content.read(size), b"")


def archive(**sizes: int) -> bytes:
    """Pack members of these sizes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as opened:
        for name, size in sizes.items():
            entry = tarfile.TarInfo(name)
            entry.size = size
            opened.addfile(entry, io.BytesIO(random.Random(name).randbytes(size)))  # noqa: S311
    return packed.getvalue()


def test_a_model_is_asked_for_and_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request however large it is, and its archive is read from beginning to end and never again."""
    rewound: list[int] = []
    rewind = _compression.DecompressReader._rewind  # type: ignore[attr-defined]

    def noted(self: Any) -> None:
        rewound.append(self._pos)
        rewind(self)

    monkeypatch.setattr(_compression.DecompressReader, "_rewind", noted)
    s3 = Objects(archive(one=9 * MB, two=3 * MB))
    place_model(s3, MODEL, tmp_path / "model")
    assert s3.asked == 1
    assert {file.name: file.stat().st_size for file in (tmp_path / "model").iterdir()} == {"one": 9 * MB, "two": 3 * MB}
    # Looking at what kind of archive it is goes back once, at its first block.
    assert [at for at in rewound if at > tarfile.RECORDSIZE] == []


def test_a_member_that_is_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an archive says of a member's size is known before any of it is written."""
    monkeypatch.setattr(artifact, "UNPACKED_BYTES", 2 * MB)
    with pytest.raises(ModelDataError, match="larger than"):
        place_model(Objects(archive(one=MB, two=2 * MB)), MODEL, tmp_path / "model")
    assert [file.name for file in (tmp_path / "model").iterdir()] == ["one"]
