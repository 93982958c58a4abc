"""Packages: where `pip install` goes when there is no internet."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.choices import PackageSource
from terrace_components.placement import Place, Placement


class PackagesArgs(TypedDict):
    """Arguments of Packages."""

    placement: Placement
    """Where the component stands."""
    source: PackageSource
    """Where packages come from: codeartifact, an index of your own, or nat. Only the first builds anything."""
    data_key_arn: pulumi.Input[str]
    """Key that encrypts the packages. Never changed once built."""
    index: NotRequired[str]
    """URL of the index of your own."""


class Packages(pulumi.ComponentResource):
    """CodeArtifact repository that fetches what it lacks from the public Python index, and keeps it."""

    domain: pulumi.Output[str]
    """Name of the CodeArtifact domain; empty when packages come from elsewhere."""
    repository: pulumi.Output[str]
    """Name of the CodeArtifact repository; empty when packages come from elsewhere."""

    def __init__(self, name: str, args: PackagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Packages", name, {}, opts)
        child = Children(self, name, place, "packages")

        self.domain = self.repository = pulumi.Output.from_input("")
        if args["source"] == "codeartifact":
            domain = child(
                aws.codeartifact.Domain,
                "domain",
                domain=place.name("codeartifact-domain"),
                encryption_key=args["data_key_arn"],
            )
            repository = child(
                aws.codeartifact.Repository,
                "repository",
                domain=domain.domain,
                repository=place.name("codeartifact-repository", "python"),
                description="Python packages, fetched once from the public index and kept",
                external_connections={"external_connection_name": "public:pypi"},
            )
            self.domain, self.repository = domain.domain, repository.repository

        self.register_outputs({"domain": self.domain, "repository": self.repository})
