"""Makes build projects and images in one account of the sandbox, from sources that a test writes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from serving import fresh, until

from terrace.sandbox.provider.clients import SandboxClients

DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /opt/program
COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml ./
COPY src ./src
RUN pip install --no-deps .
ENV GREETING="from the image"
ENTRYPOINT ["python", "-m", "tiny"]
"""
BUILDSPEC = """\
version: 0.2
phases:
  pre_build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_URI%%/*}"
  build:
    commands:
      - docker build --tag "$REPOSITORY_URI:$IMAGE_TAG" .
  post_build:
    commands:
      - test "$CODEBUILD_BUILD_SUCCEEDING" = 1
      - docker push "$REPOSITORY_URI:$IMAGE_TAG"
"""
SOURCE = {
    "Dockerfile": DOCKERFILE,
    "pyproject.toml": "[project]\nname = 'tiny'\n",
    "requirements/runtime.txt": "",
    "src/tiny/__init__.py": "",
}


class Building:
    """Builds in one account."""

    def __init__(self, aws: SandboxClients) -> None:
        self.aws = aws
        self.codebuild = aws("codebuild")
        self.bucket = f"sources-{aws.account}"
        aws("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})

    def repository(self, mutability: str = "IMMUTABLE") -> str:
        """Make a repository; return its URI."""
        made = self.aws("ecr").create_repository(repositoryName=fresh("images/tiny"), imageTagMutability=mutability)
        return str(made["repository"]["repositoryUri"])

    def project(self, buildspec: str | None = BUILDSPEC, **more: Any) -> str:
        """Make a build project without a source of its own; return its name."""
        name = fresh("project")
        spec = {} if buildspec is None else {"buildspec": buildspec}
        self.codebuild.create_project(
            name=name,
            source=more.pop("source", {"type": "NO_SOURCE", **spec}),
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": more.pop("variables", []),
            },
            serviceRole=f"arn:aws:iam::{self.aws.account}:role/build",
            **more,
        )
        return name

    def put(self, files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> str:
        """Put a source into the bucket; return its location."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, text in files.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (modes or {}).get(name, 0o644) << 16
                archive.writestr(entry, text)
        key = f"{fresh('sources/source')}.zip"
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=packed.getvalue())
        return f"{self.bucket}/{key}"

    def start(self, project: str, location: str | None = None, **variables: str) -> str:
        """Start a build of a source; return its id."""
        source = {"sourceTypeOverride": "S3", "sourceLocationOverride": location} if location else {}
        return str(
            self.codebuild.start_build(
                projectName=project,
                environmentVariablesOverride=[{"name": name, "value": value} for name, value in variables.items()],
                **source,
            )["build"]["id"]
        )

    def ended(self, id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until a build has ended; return its description."""
        found: dict[str, Any] = until(
            lambda: self.codebuild.batch_get_builds(ids=[id])["builds"][0], lambda seen: seen["buildComplete"], seconds
        )
        return found

    def build(self, project: str, location: str | None = None, **variables: str) -> dict[str, Any]:
        """Run a build to its end."""
        return self.ended(self.start(project, location, **variables))

    def image(self, files: Mapping[str, str | bytes], repository: str, tag: str = "v1") -> dict[str, Any]:
        """Build and push an image of a source; return the description of the build."""
        return self.build(self.project(), self.put(files), REPOSITORY_URI=repository, IMAGE_TAG=tag)

    def log(self, build: Mapping[str, Any]) -> str:
        """Return what a build printed."""
        logs = build["logs"]
        events = self.aws("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
        )["events"]
        return "\n".join(event["message"] for event in events)

    def digest(self, repository: str, tag: str = "v1") -> str:
        """Return the digest of a pushed image."""
        found = self.aws("ecr").describe_images(
            repositoryName=repository.partition("/")[2], imageIds=[{"imageTag": tag}]
        )
        return str(found["imageDetails"][0]["imageDigest"])


def phases(build: Mapping[str, Any]) -> dict[str, str]:
    """Return the status of each phase of a build that has one."""
    return {phase["phaseType"]: phase["phaseStatus"] for phase in build["phases"] if "phaseStatus" in phase}


def shown(build: Mapping[str, Any]) -> str:
    """Return a build as text, for an assertion's message."""
    return json.dumps(build, default=str, indent=1)
