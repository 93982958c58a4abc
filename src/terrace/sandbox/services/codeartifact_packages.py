"""CodeArtifact's packages: published through the API, counted and listed. What is in an asset is not stored."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from terrace.sandbox.services.extend import Refusal, page
from terrace.sandbox.services.own import Operation, Place

Said = Mapping[str, Any]
Name = tuple[str, str, str]
"""Format, namespace and name of a package."""


class Packages:
    """The packages of every repository.

    Args:
        repository: Finds the repository that a call names, and refuses one that is not there.
    """

    def __init__(self, repository: Callable[[Place, Said], dict[str, Any]]) -> None:
        self._repository = repository
        self._held: dict[str, dict[Name, dict[str, dict[str, Any]]]] = {}

    def operations(self) -> dict[str, Operation]:
        """Return the calls that are answered."""
        return {
            "PublishPackageVersion": self.publish,
            "ListPackages": self.packages,
            "ListPackageVersions": self.versions,
        }

    def publish(self, place: Place, said: Said) -> Said:
        """Add an asset to a version; by this call AWS takes the generic format alone."""
        if said["format"] != "generic":
            raise Refusal("ValidationException", f"PublishPackageVersion does not take the format {said['format']}.")
        content: bytes = said["assetContent"]
        digest = hashlib.sha256(content).hexdigest()
        if said["assetSHA256"] != digest:
            raise Refusal("ValidationException", f"The asset's SHA-256 is {digest}, not {said['assetSHA256']}.")
        versions = self._of(place, said).setdefault(_name(said), {})
        version = versions.setdefault(
            said["packageVersion"], {"revision": uuid.uuid4().hex, "status": "Unfinished", "assets": {}}
        )
        if version["status"] == "Published":
            raise Refusal("ConflictException", f"Package version already published: {said['packageVersion']}")
        asset = {"name": said["assetName"], "size": len(content), "hashes": {"SHA-256": digest}}
        version["assets"][said["assetName"]] = asset
        if said.get("unfinished") not in (True, "true"):
            version["status"] = "Published"
        return {
            **{key: said[key] for key in ("format", "namespace", "package") if said.get(key)},
            "version": said["packageVersion"],
            "versionRevision": version["revision"],
            "status": version["status"],
            "asset": asset,
        }

    def packages(self, place: Place, said: Said) -> Said:
        """List packages, by the prefix of their names or all."""
        wanted = {"format": said.get("format"), "namespace": said.get("namespace")}
        found = [
            {key: value for key, value in {"format": format, "namespace": namespace, "package": name}.items() if value}
            for format, namespace, name in sorted(self._of(place, said))
            if name.startswith(said.get("packagePrefix") or "")
            and wanted["format"] in (None, format)
            and wanted["namespace"] in (None, namespace)
        ]
        return _listing("packages", found, said)

    def versions(self, place: Place, said: Said) -> Said:
        """List the versions of a package, as they came."""
        held = self._of(place, said).get(_name(said))
        if held is None:
            raise Refusal("ResourceNotFoundException", f"Package not found: {said['package']}")
        found = [
            {"version": version, "revision": one["revision"], "status": one["status"]}
            for version, one in held.items()
            if said.get("status") in (None, one["status"])
        ]
        return {"format": said["format"], "package": said["package"], **_listing("versions", found, said)}

    def size(self, arn: str) -> int:
        """Return the bytes of all assets of a repository."""
        versions = (version for package in self._held.get(arn, {}).values() for version in package.values())
        return sum(asset["size"] for version in versions for asset in version["assets"].values())

    def forget(self, arn: str) -> None:
        """Forget what a repository held: it goes with it."""
        self._held.pop(arn, None)

    def _of(self, place: Place, said: Said) -> dict[Name, dict[str, dict[str, Any]]]:
        return self._held.setdefault(self._repository(place, said)["arn"], {})


def _name(said: Said) -> Name:
    return said["format"], said.get("namespace") or "", said["package"]


def _listing(name: str, items: list[dict[str, Any]], said: Said) -> Said:
    found, token = page(items, said.get("maxResults"), said.get("nextToken"))
    return {name: found, "nextToken": token} if token else {name: found}
