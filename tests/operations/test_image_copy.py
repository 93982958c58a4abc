"""Copies of images, on registries that refuse what ECR refuses."""

# ruff: noqa: N803, N818 (names of AWS's own)

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest

from terrace import image_copy
from terrace.errors import ProjectError
from terrace.image_copy import Repository, copy


class ImageNotFoundException(Exception):
    """There is no such image."""


class LayersNotFoundException(Exception):
    """The manifest names blobs that are not there."""


class ReferencedImagesNotFoundException(Exception):
    """The index names manifests that are not there."""


class ImageAlreadyExistsException(Exception):
    """The image is there."""


def digest(content: bytes) -> str:
    """Return the digest of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """ECR as far as copies go: it keeps blobs and manifests, and refuses a manifest whose parts it lacks."""

    class exceptions:  # noqa: N801  (a client's attribute)
        """Its errors."""

        ImageNotFoundException = ImageNotFoundException
        LayersNotFoundException = LayersNotFoundException
        ReferencedImagesNotFoundException = ReferencedImagesNotFoundException
        ImageAlreadyExistsException = ImageAlreadyExistsException

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}

    def push(self, said: dict[str, Any]) -> str:
        """Put a manifest in, unchecked; return its digest."""
        text = json.dumps(said)
        self.manifests[digest(text.encode())] = text
        return digest(text.encode())

    def describe_images(self, imageIds: Any, **_: Any) -> None:
        if imageIds[0]["imageDigest"] not in self.manifests:
            raise ImageNotFoundException

    def batch_get_image(self, imageIds: Any, **_: Any) -> Any:
        named = imageIds[0]["imageDigest"]
        if named not in self.manifests:
            return {"images": []}
        return {
            "images": [{"imageManifest": self.manifests[named], "imageId": {"imageDigest": named, **self.tag(named)}}]
        }

    def tag(self, named: str) -> dict[str, str]:
        return {"imageTag": self.tags[named]} if named in self.tags else {}

    def put_image(self, imageManifest: str, imageTag: str = "", **_: Any) -> None:
        said = json.loads(imageManifest)
        if any(one["digest"] not in self.manifests for one in said.get("manifests", ())):
            raise ReferencedImagesNotFoundException
        if "config" in said and any(one["digest"] not in self.blobs for one in [said["config"], *said["layers"]]):
            raise LayersNotFoundException
        named = digest(imageManifest.encode())
        self.manifests[named] = imageManifest
        if imageTag:
            self.tags[named] = imageTag

    def batch_check_layer_availability(self, layerDigests: Any, **_: Any) -> Any:
        known = layerDigests[0] in self.blobs
        return {"layers": [{"layerAvailability": "AVAILABLE" if known else "UNAVAILABLE"}]}

    def get_download_url_for_layer(self, layerDigest: str, **_: Any) -> Any:
        return {"downloadUrl": f"https://layers.example/{layerDigest}"}

    def initiate_layer_upload(self, **_: Any) -> Any:
        self.uploads["u"] = b""
        return {"uploadId": "u", "partSize": 4}

    def upload_layer_part(
        self, uploadId: str, partFirstByte: int, partLastByte: int, layerPartBlob: bytes, **_: Any
    ) -> None:
        assert partFirstByte == len(self.uploads[uploadId])
        assert partLastByte == partFirstByte + len(layerPartBlob) - 1
        self.uploads[uploadId] += layerPartBlob

    def complete_layer_upload(self, uploadId: str, layerDigests: Any, **_: Any) -> None:
        content = self.uploads.pop(uploadId)
        assert digest(content) == layerDigests[0]
        self.blobs[digest(content)] = content


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> tuple[Registry, Registry]:
    """Two registries, and a way for the blobs of the first."""
    source, to = Registry(), Registry()

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        return io.BytesIO(source.blobs[url.rpartition("/")[2]])

    monkeypatch.setattr(image_copy.urllib.request, "urlopen", urlopen)
    return source, to


def image(registry: Registry, *layers: bytes) -> str:
    """Push an image; return its digest."""
    blobs = [{"digest": digest(content)} for content in layers]
    registry.blobs |= {digest(content): content for content in layers}
    return registry.push({"config": blobs[0], "layers": blobs[1:]})


def silent(_text: str) -> None:
    """Say nothing."""


def test_only_the_blobs_that_are_missing_are_carried_over(sides: tuple[Registry, Registry]) -> None:
    """In parts as large as the registry takes; manifest, digest and tag stay, and a second copy does nothing."""
    source, to = sides
    named = image(source, b"{}", b"a layer that is there", b"a new layer")
    source.tags[named] = "commit"
    to.blobs[digest(b"a layer that is there")] = b"a layer that is there"
    said: list[str] = []
    for _ in range(2):
        copy(Repository(source, "a", "1"), Repository(to, "b", "2"), named, said.append)
    assert to.manifests == source.manifests
    assert to.blobs == source.blobs
    assert to.tags == {named: "commit"}
    assert len(said) == 3


def test_an_index_brings_its_images(sides: tuple[Registry, Registry]) -> None:
    """An image for several architectures is an index; what it names goes first."""
    source, to = sides
    parts = [{"digest": image(source, b"{}", content)} for content in (b"arm", b"intel")]
    named = source.push({"manifests": parts})
    copy(Repository(source, "a", "1"), Repository(to, "b", "2"), named, silent)
    assert to.manifests == source.manifests


def test_an_image_that_is_gone_is_a_sentence(sides: tuple[Registry, Registry]) -> None:
    """The registry's lifecycle may have removed it."""
    with pytest.raises(ProjectError, match="has no image sha256:0"):
        copy(Repository(sides[0], "a", "1"), Repository(sides[1], "b", "2"), f"sha256:{'0' * 64}", silent)
