"""Packages in CodeArtifact, as any client of AWS publishes and counts them."""

from __future__ import annotations

import hashlib

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.clients import SandboxClients

WHERE = {"domain": "acme", "repository": "python"}


def _publish(aws: SandboxClients, package: str, content: bytes, **more: object) -> None:
    said = {"format": "generic", "namespace": "ml", "packageVersion": "1.0", "assetName": "wheel", **more}
    digest = hashlib.sha256(content).hexdigest()
    aws("codeartifact").publish_package_version(
        **{"assetSHA256": digest, **WHERE, **said}, package=package, assetContent=content
    )


def test_published_packages_are_listed_and_go_with_their_repository(aws: SandboxClients) -> None:
    """Published packages count in their domain, are listed by prefix and version, and go with their repository."""
    client = aws("codeartifact")
    client.create_domain(domain="acme")
    client.create_repository(**WHERE)
    _publish(aws, "flights", b"one")
    _publish(aws, "flights", b"more", packageVersion="2.0", unfinished=True)
    _publish(aws, "weather", b"two")
    listed = client.list_packages(**WHERE, packagePrefix="fl")["packages"]
    assert listed == [{"format": "generic", "namespace": "ml", "package": "flights"}]
    versions = client.list_package_versions(**WHERE, format="generic", namespace="ml", package="flights")["versions"]
    assert [(one["version"], one["status"]) for one in versions] == [("1.0", "Published"), ("2.0", "Unfinished")]
    assert client.describe_domain(domain="acme")["domain"]["assetSizeBytes"] == 10
    client.delete_repository(**WHERE)
    client.create_repository(**WHERE)
    assert client.list_packages(**WHERE)["packages"] == []


def test_what_aws_refuses_is_refused(aws: SandboxClients) -> None:
    """A published version is final, a digest must fit, and only the generic format is published by this call."""
    aws("codeartifact").create_domain(domain="acme")
    aws("codeartifact").create_repository(**WHERE)
    _publish(aws, "flights", b"one")
    for code, more in (
        ("ConflictException", {}),
        ("ValidationException", {"assetSHA256": "0" * 64, "packageVersion": "2.0"}),
        ("ValidationException", {"format": "pypi", "packageVersion": "2.0"}),
    ):
        with pytest.raises(ClientError) as refused:
            _publish(aws, "flights", b"one", **more)
        assert refused.value.response["Error"]["Code"] == code
