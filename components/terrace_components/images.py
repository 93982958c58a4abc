"""Images: the repository of base images, and the build that turns any model's source into an image."""

from typing import TypedDict

import pulumi

from terrace_components.image_build import ImageBuild
from terrace_components.image_repository import ImageRepository
from terrace_components.placement import Place, Placement


class ImagesArgs(TypedDict):
    """Arguments of Images."""

    placement: Placement
    """Where the component stands."""
    artifact_bucket: str
    """Name of the bucket that sources are read from."""
    models_key_arn: pulumi.Input[str]
    """Key of sources and images."""
    logs_key_arn: pulumi.Input[str]
    """Key of the build's logs."""
    stores_only: bool
    """Build the repository alone: for a platform that keeps what it had, and builds nothing."""


class Images(pulumi.ComponentResource):
    """Repository for base images, and the build project that pushes to the repositories of the environment."""

    base_repository_url: pulumi.Output[str]
    """Where base images are pushed to and pulled from, without tag."""
    build_project: pulumi.Output[str]
    """Name of the build project; empty when only stores are built."""

    def __init__(self, name: str, args: ImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Images", name, {}, opts)
        inside = pulumi.ResourceOptions(parent=self)

        base = ImageRepository(
            f"{name}-base",
            {
                "placement": args["placement"],
                "capability": "images",
                "purpose": "base",
                "models_key_arn": args["models_key_arn"],
            },
            inside,
        )
        self.build_project = pulumi.Output.from_input("")
        if not args["stores_only"]:
            self.build_project = ImageBuild(
                f"{name}-build",
                {
                    "placement": args["placement"],
                    "capability": "images",
                    "repositories": [f"{place.prefix}-*"],
                    "source_prefix": "sources/",
                    "artifact_bucket": args["artifact_bucket"],
                    "models_key_arn": args["models_key_arn"],
                    "logs_key_arn": args["logs_key_arn"],
                },
                inside,
            ).project

        self.base_repository_url = base.repository_url
        self.register_outputs({"base_repository_url": self.base_repository_url, "build_project": self.build_project})
