"""One build project that turns a source into an image and pushes it, so that nobody needs docker.

The commands are in the project, never in the source: a pull request cannot change what the build's role is used for.
"""

import json
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.documents import Document, document, policy, service_trust
from terrace_components.placement import Place, Placement
from terrace_components.statements import push_images, read_objects, use_keys, write_logs

BUILD_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
BUILD_MINUTES = 30
QUEUE_MINUTES = 60


class ImageBuildArgs(TypedDict):
    """Arguments of ImageBuild."""

    placement: Placement
    """Where the component stands."""
    capability: str
    """Id of the capability that the build is of."""
    repositories: list[str]
    """Names of the repositories that it may push to; a name may end in `*`."""
    source_prefix: str
    """Below which key of the artifact bucket the sources are; ends in `/`."""
    artifact_bucket: str
    """Name of the bucket that sources are read from."""
    models_key_arn: pulumi.Input[str]
    """Key of sources, images and the project itself."""
    logs_key_arn: pulumi.Input[str]
    """Key of the build's logs."""


class ImageBuild(pulumi.ComponentResource):
    """CodeBuild project that builds a Dockerfile and pushes the image, with its role and its logs."""

    project: pulumi.Output[str]
    """Name of the build project. A build is given its source, `REPOSITORY_URI` and `IMAGE_TAG`."""
    log_group: pulumi.Output[str]
    """Name of the log group of the builds."""

    def __init__(self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:ImageBuild", name, {}, opts)
        child = Children(self, name, place, args["capability"])

        physical = place.name("codebuild", "images")
        group_name = place.name("log-group", "build")
        group = child(
            aws.cloudwatch.LogGroup,
            "log-group",
            name=group_name,
            kms_key_id=args["logs_key_arn"],
            retention_in_days=place.retention_days,
        )
        role = child(
            aws.iam.Role,
            "role",
            name=place.role_name("build"),
            description="Builds images and pushes them",
            assume_role_policy=policy(service_trust(place.account, "codebuild.amazonaws.com")),
        )
        permission = child(
            aws.iam.RolePolicy,
            "role-policy",
            name="build",
            role=role.name,
            policy=policy(build_policy(place, args, group_name)),
        )
        project = child(
            aws.codebuild.Project,
            "project",
            name=physical,
            description="Builds the image of a source that is in the artifact bucket, and pushes it",
            service_role=role.arn,
            encryption_key=args["models_key_arn"],
            build_timeout=BUILD_MINUTES,
            queued_timeout=QUEUE_MINUTES,
            source={"type": "NO_SOURCE", "buildspec": json.dumps(buildspec(), indent=2)},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": BUILD_IMAGE,
                "compute_type": compute_type(place.size),
                # Docker inside the build needs it; nothing else is ever built here.
                "privileged_mode": True,
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": group.name}},
            opts=pulumi.ResourceOptions(depends_on=[permission]),
        )

        self.project = project.name
        self.log_group = group.name
        self.register_outputs({"project": self.project, "log_group": self.log_group})


def buildspec() -> dict[str, Any]:
    """Return the commands of the build, as CodeBuild reads them (JSON is YAML)."""
    registry = "${REPOSITORY_URI%%/*}"
    login = f'aws ecr get-login-password | docker login --username AWS --password-stdin "{registry}"'
    return {
        "version": 0.2,
        "phases": {
            "pre_build": {"commands": [login]},
            "build": {"commands": ['docker build --tag "$REPOSITORY_URI:$IMAGE_TAG" .']},
            "post_build": {
                "commands": [
                    # Post-build runs after a failed build too.
                    'test "$CODEBUILD_BUILD_SUCCEEDING" = 1',
                    'docker push "$REPOSITORY_URI:$IMAGE_TAG"',
                ]
            },
        },
    }


def compute_type(size: str) -> str:
    """Return CodeBuild's name for the machine of a size."""
    return "BUILD_GENERAL1_SMALL" if size == "small" else "BUILD_GENERAL1_MEDIUM"


def build_policy(place: Place, args: ImageBuildArgs, log_group: str) -> Document:
    """Return what a build may do: read sources, push images, write its logs."""
    return document(
        *read_objects(args["artifact_bucket"], [args["source_prefix"]]),
        *push_images([place.arn("ecr", f"repository/{name}") for name in args["repositories"]]),
        use_keys([args["models_key_arn"]]),
        write_logs([place.arn("logs", f"log-group:{log_group}")]),
    )
