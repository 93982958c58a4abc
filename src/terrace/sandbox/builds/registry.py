"""What moto's image registry does unlike ECR: digests of images, and the refusal to move a tag."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.models import ECRBackend, Image

from terrace.sandbox.services.extend import Refusal


def install() -> None:
    """Mend them. Once in a process, before the server starts."""
    setattr(Image, "_create_digest", _create_digest)  # noqa: B010
    original = ECRBackend.put_image

    def put_image(
        self: Any, repository_name: str, image_manifest: str, image_tag: str, *more: Any, **named: Any
    ) -> Any:
        try:
            return original(self, repository_name, image_manifest, image_tag, *more, **named)
        except ImageAlreadyExistsException as error:
            # moto has one refusal for the same image again and for another one under a tag that may not move.
            if image_digest(image_manifest) in str(error):
                raise
            raise Refusal(
                "ImageTagAlreadyExistsException",
                f"The image tag '{image_tag}' already exists in the '{repository_name}' repository and cannot be "
                "overwritten because the tag is immutable.",
            ) from error

    setattr(ECRBackend, "put_image", put_image)  # noqa: B010


def image_digest(manifest: str) -> str:
    """Return the digest that a registry gives an image: the hash of its manifest."""
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def _create_digest(self: Any) -> None:
    """Let the digest be that of the manifest; moto hashes the names of the layers."""
    self._image_digest = image_digest(self.image_manifest)
