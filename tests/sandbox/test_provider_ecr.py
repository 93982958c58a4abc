"""Image repositories, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.ecr import LifecyclePolicy, Repository, RepositoryPolicy

REPOSITORY, LIFECYCLE, POLICY = Repository(), LifecyclePolicy(), RepositoryPolicy()
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-555555555555"


def _look(aws: Clients, state: State) -> Any:
    client = aws("ecr")
    seen = client.describe_repositories(repositoryNames=[state.id])["repositories"][0]
    return {**seen, "tags": named(client.list_tags_for_resource(resourceArn=seen["repositoryArn"])["tags"])}


def _rules(days: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def _pull(account: str) -> str:
    statement = {
        "Sid": "Pull",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _repository(aws: Clients) -> dict[str, str]:
    REPOSITORY.create(aws, {"name": "acme/churn"})
    return {}


_ENCRYPTION = {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": KEY}]}
CASES = [
    Case(
        "repository",
        REPOSITORY,
        before={
            **_ENCRYPTION,
            "forceDelete": False,
            "imageScanningConfiguration": {"scanOnPush": True},
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filter": "dev-*", "filterType": "WILDCARD"}],
            "name": "acme/churn",
            "tags": {"owner": "ml@example.com", "level": "0"},
        },
        after={
            **_ENCRYPTION,
            "forceDelete": True,
            "imageScanningConfiguration": {"scanOnPush": False},
            "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filter": "v*", "filterType": "WILDCARD"},
                {"filter": "release-*", "filterType": "WILDCARD"},
            ],
            "name": "acme/churn",
            "tags": {"owner": "platform@example.com"},
        },
        look=_look,
        shows={
            "encryptionConfigurations.encryptionType": "[encryptionConfiguration.encryptionType]",
            "encryptionConfigurations.kmsKey": "[encryptionConfiguration.kmsKey]",
            "imageScanningConfiguration.scanOnPush": "imageScanningConfiguration.scanOnPush",
            "imageTagMutability": "imageTagMutability",
            "imageTagMutabilityExclusionFilters.filter": "imageTagMutabilityExclusionFilters[].filter",
            "imageTagMutabilityExclusionFilters.filterType": "imageTagMutabilityExclusionFilters[].filterType",
            "name": "repositoryName",
            "tags": "tags",
        },
        unseen=frozenset({"forceDelete"}),
    ),
    Case(
        "repository policy",
        POLICY,
        before={"policy": _pull("111122223333"), "repository": "acme/churn"},
        after={"policy": _pull("444455556666"), "repository": "acme/churn"},
        look=lambda aws, state: aws("ecr").get_repository_policy(repositoryName=state.id),
        shows={"policy": "policyText", "repository": "repositoryName"},
        given=_repository,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_ecr_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a repository is what boto3 shows after `up`, and after another."""
    live(case, aws)


def test_lifecycle_rules_reach_ecr_and_are_replaced_when_they_change(aws: Clients) -> None:
    """The real provider makes a lifecycle policy anew for any change of it."""
    _repository(aws)
    inputs = {"policy": _rules(14), "repository": "acme/churn"}
    assert LIFECYCLE.find(aws, inputs) is None
    made = LIFECYCLE.create(aws, inputs)
    seen = aws("ecr").get_lifecycle_policy(repositoryName="acme/churn")
    assert json.loads(seen["lifecyclePolicyText"]) == json.loads(inputs["policy"])
    assert made.id == seen["repositoryName"] == LIFECYCLE.find(aws, inputs)
    assert made.outputs["registryId"] == aws.account
    assert LIFECYCLE.read(aws, made.id, inputs) == made
    assert LIFECYCLE.diff(inputs, {**inputs, "policy": _rules(30)}).replace == ("policy",)
    LIFECYCLE.delete(aws, made.id, inputs)
    LIFECYCLE.delete(aws, made.id, inputs)
    assert LIFECYCLE.read(aws, made.id, inputs) is None


@pytest.mark.parametrize("handler", [REPOSITORY, POLICY], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_repository_has_the_outputs_that_programs_use(aws: Clients) -> None:
    """The address to push to, the ARN and the registry come with the repository."""
    state = REPOSITORY.create(aws, {"name": "acme/churn"})
    assert state.outputs["repositoryUrl"] == f"{aws.account}.dkr.ecr.{REGION}.amazonaws.com/acme/churn"
    assert state.outputs["arn"] == f"arn:aws:ecr:{REGION}:{aws.account}:repository/acme/churn"
    assert state.outputs["registryId"] == aws.account


def _push(aws: Clients, tag: str) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 1, "digest": f"sha256:{tag * 64}"}
    text = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": layer, "layers": [layer]})
    aws("ecr").put_image(repositoryName="acme/churn", imageManifest=text, imageTag=tag)


@pytest.mark.parametrize("force", [False, True])
def test_a_repository_with_images_is_deleted_only_by_force(force: bool, aws: Clients) -> None:
    """`forceDelete` is what decides whether images may go with their repository."""
    inputs = {"name": "acme/churn", "forceDelete": force}
    REPOSITORY.create(aws, inputs)
    _push(aws, "1")
    if force:
        REPOSITORY.delete(aws, "acme/churn", inputs)
    else:
        with pytest.raises(ClientError, match="RepositoryNotEmpty"):
            REPOSITORY.delete(aws, "acme/churn", inputs)
    assert (REPOSITORY.read(aws, "acme/churn", inputs) is None) == force


def test_a_purge_empties_a_repository(aws: Clients) -> None:
    """After a purge the repository can be deleted without force."""
    REPOSITORY.create(aws, {"name": "acme/churn"})
    _push(aws, "1")
    _push(aws, "2")
    REPOSITORY.purge(aws, "acme/churn", {})
    REPOSITORY.delete(aws, "acme/churn", {})
    assert REPOSITORY.read(aws, "acme/churn", {}) is None


def test_settings_that_are_no_longer_given_go_back_to_the_default(aws: Clients) -> None:
    """Mutable tags and no scan are what a repository without settings has."""
    old = {"name": "acme/churn", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
    state = REPOSITORY.create(aws, old)
    REPOSITORY.update(aws, state.id, old, {"name": "acme/churn"})
    seen = _look(aws, state)
    assert seen["imageTagMutability"] == "MUTABLE"
    assert seen["imageScanningConfiguration"] == {"scanOnPush": False}
