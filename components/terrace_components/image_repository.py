"""One image repository: scanned, immutable, encrypted, tidied up."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.placement import Place, Placement
from terrace_components.repository_rules import repository_lifecycle


class ImageRepositoryArgs(TypedDict):
    """Arguments of ImageRepository."""

    placement: Placement
    """Where the component stands."""
    capability: str
    """Id of the capability that the repository is of."""
    purpose: NotRequired[str]
    """A word that ends its name; a model's own repository has none."""
    models_key_arn: pulumi.Input[str]
    """Key that encrypts the images. Never changed once built."""


class ImageRepository(pulumi.ComponentResource):
    """ECR repository: tags never move, every push is scanned, untagged and very old images go."""

    repository_name: pulumi.Output[str]
    """Name of the repository."""
    repository_url: pulumi.Output[str]
    """Where images are pushed to and pulled from, without tag."""

    def __init__(self, name: str, args: ImageRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        purpose = [args["purpose"]] if "purpose" in args else []
        super().__init__("terrace:index:ImageRepository", name, {}, opts)
        child = Children(self, name, place, args["capability"])

        repository = child(
            aws.ecr.Repository,
            "repository",
            name=place.name("repository", *purpose),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args["models_key_arn"]}],
        )
        child(aws.ecr.LifecyclePolicy, "lifecycle", repository=repository.name, policy=repository_lifecycle())

        self.repository_name, self.repository_url = repository.name, repository.repository_url
        self.register_outputs({"repository_name": self.repository_name, "repository_url": self.repository_url})
