"""Copies of an image between repositories, by ECR's API: no docker, the same digest."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from terrace.errors import ProjectError
from terrace.target import Say

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@dataclass(frozen=True)
class Repository:
    """A repository and the client of its account."""

    ecr: Any
    name: str
    account: str

    def has(self, digest: str) -> bool:
        """Whether it holds an image."""
        try:
            self.ecr.describe_images(
                registryId=self.account, repositoryName=self.name, imageIds=[{"imageDigest": digest}]
            )
        except self.ecr.exceptions.ImageNotFoundException:
            return False
        return True

    def image(self, digest: str) -> Mapping[str, Any]:
        """Return an image: manifest, its type, and its id with a tag where it has one.

        Raises:
            ProjectError: It is not there.
        """
        answer = self.ecr.batch_get_image(
            registryId=self.account,
            repositoryName=self.name,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=list(MANIFESTS),
        )
        if not answer["images"]:
            raise ProjectError(
                f"The repository {self.name} of account {self.account} has no image {digest}.",
                "Its lifecycle may have removed it; train a version with the code of today.",
            )
        found: Mapping[str, Any] = answer["images"][0]
        return found


def copy(source: Repository, to: Repository, digest: str, say: Say) -> None:
    """Bring an image to a repository, unless it holds it.

    Manifest first: a registry says what it lacks, and only that is carried over.

    Raises:
        ProjectError: The source does not hold it.
    """
    if to.has(digest):
        return
    image = source.image(digest)
    say(f"copying image {digest[:19]} to {to.name}")
    _put(source, to, image, digest, say)


def _put(source: Repository, to: Repository, image: Mapping[str, Any], digest: str, say: Say) -> None:
    ecr, text = to.ecr, image["imageManifest"]
    asked: dict[str, Any] = {"repositoryName": to.name, "registryId": to.account, "imageManifest": text}
    kind = image.get("imageManifestMediaType") or json.loads(text).get("mediaType")
    asked |= {"imageManifestMediaType": kind} if kind else {}
    tag = image.get("imageId", {}).get("imageTag")
    asked |= {"imageTag": tag} if tag else {"imageDigest": digest}
    said = json.loads(text)
    try:
        ecr.put_image(**asked)
        return
    except ecr.exceptions.ImageAlreadyExistsException:
        return
    except ecr.exceptions.LayersNotFoundException:
        for blob in [said["config"], *said["layers"]]:
            _copy_blob(source, to, blob["digest"], say)
    except ecr.exceptions.ReferencedImagesNotFoundException:
        for one in said["manifests"]:
            copy(source, to, one["digest"], say)
    ecr.put_image(**asked)


def _copy_blob(source: Repository, to: Repository, digest: str, say: Say) -> None:
    known = to.ecr.batch_check_layer_availability(
        registryId=to.account, repositoryName=to.name, layerDigests=[digest]
    ).get("layers", [])
    if any(one.get("layerAvailability") == "AVAILABLE" for one in known):
        return
    url = source.ecr.get_download_url_for_layer(
        registryId=source.account, repositoryName=source.name, layerDigest=digest
    )["downloadUrl"]
    begun = to.ecr.initiate_layer_upload(registryId=to.account, repositoryName=to.name)
    upload, size, at = begun["uploadId"], int(begun["partSize"]), 0
    say(f"  layer {digest[:19]}")
    if not url.startswith("https://"):
        raise ProjectError(f"ECR named {url} for the layer {digest}, which is no https address.")
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  (https, checked above)
        while part := answer.read(size):
            to.ecr.upload_layer_part(
                registryId=to.account,
                repositoryName=to.name,
                uploadId=upload,
                partFirstByte=at,
                partLastByte=at + len(part) - 1,
                layerPartBlob=part,
            )
            at += len(part)
    # The registry compares the digest with what arrived.
    to.ecr.complete_layer_upload(registryId=to.account, repositoryName=to.name, uploadId=upload, layerDigests=[digest])
