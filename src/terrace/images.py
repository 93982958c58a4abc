"""From a project's source to an image in its repository: upload, build, digest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from terrace.errors import ProjectError
from terrace.source import Source
from terrace.target import Say, Target

if TYPE_CHECKING:
    from terrace.maturity import ModelContract

BUILD_MINUTES = 30
"""How long a build may take before we stop waiting for it; the build project's own limit is the same."""


def ensure_image(target: Target, contract: ModelContract, source: Source, say: Say) -> str:
    """Return the image of this source as `repository@sha256:…`; build it when its tag does not exist yet.

    Raises:
        ProjectError: The build failed. The message holds the end of its log.
    """
    digest = _digest(target, contract, source.version)
    if digest is None:
        say(f"building the image of {contract.model} at {source.version[:17]}")
        _build(target, contract, source)
        digest = _digest(target, contract, source.version)
        if digest is None:
            raise ProjectError(
                f"The build succeeded, but {contract.repository_uri} has no image tagged {source.version}.",
                f"Look at the buildspec of the build project {contract.build_project}.",
            )
    return f"{contract.repository_uri}@{digest}"


def _digest(target: Target, contract: ModelContract, tag: str) -> str | None:
    ecr = target.client("ecr")
    try:
        found = ecr.describe_images(repositoryName=contract.repository_name, imageIds=[{"imageTag": tag}])
    except ecr.exceptions.ImageNotFoundException:
        return None
    return str(found["imageDetails"][0]["imageDigest"])


def _build(target: Target, contract: ModelContract, source: Source) -> None:
    key = f"sources/{contract.model}/{source.version}.zip"
    target.client("s3").put_object(Bucket=contract.artifact_bucket, Key=key, Body=source.zip())
    codebuild = target.client("codebuild")
    build = codebuild.start_build(
        projectName=contract.build_project,
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{contract.artifact_bucket}/{key}",
        environmentVariablesOverride=[
            {"name": "REPOSITORY_URI", "value": contract.repository_uri, "type": "PLAINTEXT"},
            {"name": "IMAGE_TAG", "value": source.version, "type": "PLAINTEXT"},
        ],
    )["build"]
    ended = _wait(codebuild, build["id"])
    if ended["buildStatus"] != "SUCCEEDED":
        raise ProjectError(
            f"The build {build['id']} ended as {ended['buildStatus']}:\n{_log_tail(target, ended)}",
            "Mend what the log says and run the same command again.",
        )


def _wait(codebuild: Any, build_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + BUILD_MINUTES * 60
    pause = 0.1
    while time.monotonic() < deadline:
        build: dict[str, Any] = codebuild.batch_get_builds(ids=[build_id])["builds"][0]
        if build["buildStatus"] != "IN_PROGRESS":
            return build
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)
    raise ProjectError(f"The build {build_id} still runs after {BUILD_MINUTES} minutes.", "Look at it in CodeBuild.")


def _log_tail(target: Target, build: dict[str, Any], lines: int = 30) -> str:
    logs = build.get("logs", {})
    if not logs.get("groupName") or not logs.get("streamName"):
        return "(the build left no log)"
    events = target.client("logs").get_log_events(
        logGroupName=logs["groupName"], logStreamName=logs["streamName"], limit=lines, startFromHead=False
    )["events"]
    return "\n".join(f"  {event['message'].rstrip()}" for event in events)
