"""Build projects, from the inputs of a program to what AWS shows."""

from __future__ import annotations

from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, State
from terrace.sandbox.provider.codebuild import Project
from terrace.sandbox.provider.schema import leaves

PROJECT = Project()
CONNECTION = f"arn:aws:codeconnections:{REGION}:<ACCOUNT>:connection"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"


def _look(aws: Clients, state: State) -> Any:
    seen = aws("codebuild").batch_get_projects(names=[state.id.rsplit("/", 1)[1]])["projects"][0]
    return {**seen, "tags": named(seen["tags"])}


def _inputs(n: int) -> dict[str, Any]:
    return {
        "artifacts": {
            "bucketOwnerAccess": ("FULL", "READ_ONLY")[n],
            "encryptionDisabled": bool(n),
            "location": f"artifacts-{n}",
            "name": f"image-{n}",
            "namespaceType": ("BUILD_ID", "NONE")[n],
            "overrideArtifactName": bool(n),
            "packaging": ("ZIP", "NONE")[n],
            "path": f"images/{n}",
            "type": "S3",
        },
        "autoRetryLimit": 1 + n,
        "buildTimeout": 20 + n,
        "cache": {"location": f"cache-{n}", "modes": ["LOCAL_SOURCE_CACHE"], "type": "LOCAL"},
        "concurrentBuildLimit": 2 + n,
        "description": f"Builds images {n}",
        "encryptionKey": f"{KEY}{n}",
        "environment": {
            "certificate": f"arn:aws:s3:::certificates/{n}.pem",
            "computeType": ("BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM")[n],
            "environmentVariables": [{"name": f"NAME_{n}", "type": "PLAINTEXT", "value": f"value-{n}"}],
            "image": f"aws/codebuild/amazonlinux2-x86_64-standard:{5 - n}.0",
            "imagePullCredentialsType": ("CODEBUILD", "SERVICE_ROLE")[n],
            "privilegedMode": not n,
            "registryCredential": {"credential": f"login-{n}", "credentialProvider": "SECRETS_MANAGER"},
            "type": ("LINUX_CONTAINER", "ARM_CONTAINER")[n],
        },
        "logsConfig": {
            "cloudwatchLogs": {"groupName": f"/builds/{n}", "status": "ENABLED", "streamName": f"stream-{n}"},
            "s3Logs": {
                "bucketOwnerAccess": ("FULL", "READ_ONLY")[n],
                "encryptionDisabled": bool(n),
                "location": f"logs/{n}",
                "status": ("ENABLED", "DISABLED")[n],
            },
        },
        "name": "churn",
        "queuedTimeout": 30 + n,
        "serviceRole": f"arn:aws:iam::<ACCOUNT>:role/build-{n}",
        "source": {
            "auth": {
                "resource": f"arn:aws:codeconnections:{REGION}:<ACCOUNT>:connection/{n}",
                "type": "CODECONNECTIONS",
            },
            "buildStatusConfig": {"context": f"build-{n}", "targetUrl": f"https://example.com/{n}"},
            "buildspec": f"version: 0.{n + 1}",
            "gitCloneDepth": 1 + n,
            "gitSubmodulesConfig": {"fetchSubmodules": not n},
            "insecureSsl": bool(n),
            "location": f"https://github.com/acme/churn-{n}",
            "reportBuildStatus": not n,
            "type": ("GITHUB", "GITLAB")[n],
        },
        "sourceVersion": f"refs/heads/{n}",
        "tags": ({"owner": "ml@example.com", "level": "0"}, {"owner": "platform@example.com"})[n],
        "vpcConfig": {"securityGroupIds": [f"sg-0{n}"], "subnets": [f"subnet-0{n}"], "vpcId": f"vpc-0{n}"},
    }


def _place(path: str) -> str:
    spelt = {"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"}
    place = spelt.get(path, path).replace("cloudwatchLogs", "cloudWatchLogs")
    return place.replace("environmentVariables.", "environmentVariables[].")


def _second() -> dict[str, Any]:
    inputs = _inputs(1)
    inputs["artifacts"]["type"] = "NO_ARTIFACTS"
    inputs["cache"] = {"location": "cache-1", "modes": ["LOCAL_DOCKER_LAYER_CACHE"], "type": "S3"}
    inputs["environment"]["environmentVariables"][0]["type"] = "PARAMETER_STORE"
    inputs["logsConfig"]["cloudwatchLogs"]["status"] = "DISABLED"
    inputs["source"]["auth"]["type"] = "OAUTH"
    return inputs


CASES = [
    Case(
        "project",
        PROJECT,
        before=_inputs(0),
        after=_second(),
        look=_look,
        shows={path: _place(path) for path in leaves(PROJECT.inputs)},
        # Secrets Manager is the only one that AWS has.
        fixed=frozenset({"environment.registryCredential.credentialProvider"}),
    )
]
_PLAIN = {
    "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {
        "computeType": "BUILD_GENERAL1_SMALL",
        "image": "aws/codebuild/standard:7.0",
        "type": "LINUX_CONTAINER",
    },
    "name": "churn",
    "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"},
}


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_codebuild_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a project is what boto3 shows after `up`, and after another."""
    live(case, aws)


def test_no_input_is_accepted_and_lost() -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(PROJECT, CASES) == {}


def test_the_id_of_a_project_is_its_arn(aws: Clients) -> None:
    """As in the real provider, the id is the ARN."""
    role = f"arn:aws:iam::{aws.account}:role/build"
    state = PROJECT.create(aws, {**_PLAIN, "serviceRole": role})
    assert state.id == state.outputs["arn"] == f"arn:aws:codebuild:{REGION}:{aws.account}:project/churn"


def test_what_is_no_longer_given_is_cleared(aws: Clients) -> None:
    """An update takes a project out of its network, and back to the times that AWS gives a new one."""
    role = f"arn:aws:iam::{aws.account}:role/build"
    new = {**_PLAIN, "serviceRole": role}
    old = {
        **new,
        "buildTimeout": 20,
        "concurrentBuildLimit": 2,
        "description": "Builds images",
        "encryptionKey": KEY.replace("<ACCOUNT>", aws.account) + "0",
        "queuedTimeout": 30,
        "sourceVersion": "refs/heads/main",
        "vpcConfig": {"securityGroupIds": ["sg-01"], "subnets": ["subnet-01"], "vpcId": "vpc-01"},
    }
    state = PROJECT.create(aws, old)
    PROJECT.update(aws, state.id, old, new)
    seen = _look(aws, state)
    assert not seen.get("vpcConfig")
    assert not seen.get("description")
    assert not seen.get("sourceVersion")
    assert "concurrentBuildLimit" not in seen
    assert seen["encryptionKey"].endswith(":alias/aws/s3")
    assert (seen["timeoutInMinutes"], seen["queuedTimeoutInMinutes"]) == (60, 480)


def test_another_name_replaces_a_project() -> None:
    """All but the name of a project can be changed."""
    assert PROJECT.diff(_PLAIN, {**_PLAIN, "name": "other"}).replace == ("name",)
    assert not PROJECT.diff(_PLAIN, {**_PLAIN, "description": "other"}).replace
