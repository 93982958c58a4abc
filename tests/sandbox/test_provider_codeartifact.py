"""Package repositories, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.codeartifact import (
    Domain,
    DomainPermissions,
    Repository,
    RepositoryPermissionsPolicy,
)

DOMAIN, DOMAIN_POLICY, REPOSITORY, POLICY = Domain(), DomainPermissions(), Repository(), RepositoryPermissionsPolicy()
HANDLERS: list[Handler] = [DOMAIN, DOMAIN_POLICY, REPOSITORY, POLICY]
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-555555555555"
_TAGS = ({"owner": "ml@example.com", "level": "0"}, {"owner": "platform@example.com"})


def _tags(aws: Clients, state: State) -> dict[str, str]:
    return named(aws("codeartifact").list_tags_for_resource(resourceArn=state.id)["tags"])


def _domain(aws: Clients, state: State) -> Any:
    seen = aws("codeartifact").describe_domain(domain="acme")["domain"]
    return {**seen, "tags": _tags(aws, state)}


def _repository(aws: Clients, state: State) -> Any:
    seen = aws("codeartifact").describe_repository(domain="acme", repository="packages")["repository"]
    return {**seen, "tags": _tags(aws, state)}


def _read(action: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": f"codeartifact:{action}",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _given_domain(aws: Clients) -> dict[str, str]:
    DOMAIN.create(aws, {"domain": "acme"})
    return {}


def _given_repositories(aws: Clients) -> dict[str, str]:
    _given_domain(aws)
    for name in ("one", "other"):
        REPOSITORY.create(aws, {"domain": "acme", "repository": name})
    return {}


_PLACE = {"domain": "acme", "domainOwner": "<ACCOUNT>"}
CASES = [
    Case(
        "domain",
        DOMAIN,
        before={"domain": "acme", "encryptionKey": KEY, "tags": _TAGS[0]},
        after={"domain": "acme", "encryptionKey": KEY, "tags": _TAGS[1]},
        look=_domain,
        shows={"domain": "name", "encryptionKey": "encryptionKey", "tags": "tags"},
    ),
    Case(
        "domain permissions",
        DOMAIN_POLICY,
        before={**_PLACE, "policyDocument": _read("ReadFromRepository")},
        after={**_PLACE, "policyDocument": _read("GetAuthorizationToken")},
        look=lambda aws, state: {
            **aws("codeartifact").get_domain_permissions_policy(domain="acme")["policy"],
            "parts": state.id.replace("/", ":").split(":"),
        },
        shows={"domain": "parts[-1]", "domainOwner": "parts[4]", "policyDocument": "document"},
        given=_given_domain,
    ),
    Case(
        "repository",
        REPOSITORY,
        before={
            **_PLACE,
            "description": "Packages",
            "externalConnections": {"externalConnectionName": "public:pypi"},
            "repository": "packages",
            "tags": _TAGS[0],
            "upstreams": [{"repositoryName": "one"}],
        },
        after={
            **_PLACE,
            "description": "All packages",
            "externalConnections": {"externalConnectionName": "public:npmjs"},
            "repository": "packages",
            "tags": _TAGS[1],
            "upstreams": [{"repositoryName": "other"}, {"repositoryName": "one"}],
        },
        look=_repository,
        shows={
            "description": "description",
            "domain": "domainName",
            "domainOwner": "domainOwner",
            "externalConnections.externalConnectionName": "externalConnections[0].externalConnectionName",
            "repository": "name",
            "tags": "tags",
            "upstreams.repositoryName": "upstreams[].repositoryName",
        },
        given=_given_repositories,
    ),
    Case(
        "repository permissions",
        POLICY,
        before={**_PLACE, "repository": "one", "policyDocument": _read("ReadFromRepository")},
        after={**_PLACE, "repository": "one", "policyDocument": _read("DescribeRepository")},
        look=lambda aws, state: {
            **aws("codeartifact").get_repository_permissions_policy(domain="acme", repository="one")["policy"],
            "parts": state.id.replace("/", ":").split(":"),
        },
        shows={
            "domain": "parts[-2]",
            "domainOwner": "parts[4]",
            "policyDocument": "document",
            "repository": "parts[-1]",
        },
        given=_given_repositories,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_codeartifact_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a domain and of its repositories is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_ids_are_arns_and_owners_are_the_account(aws: Clients) -> None:
    """Ids and computed outputs are the real provider's."""
    _given_repositories(aws)
    place = f"arn:aws:codeartifact:{REGION}:{aws.account}"
    domain = DOMAIN.read(aws, f"{place}:domain/acme", {})
    assert domain is not None
    assert domain.outputs["owner"] == aws.account
    assert domain.outputs["repositoryCount"] == 2
    repository = REPOSITORY.read(aws, f"{place}:repository/acme/one", {})
    assert repository is not None
    assert repository.outputs["administratorAccount"] == aws.account


def test_a_domain_with_repositories_is_deleted_only_after_a_purge(aws: Clients) -> None:
    """Packages are not lost by a plain deletion."""
    _given_repositories(aws)
    id = f"arn:aws:codeartifact:{REGION}:{aws.account}:domain/acme"
    with pytest.raises(ClientError, match="ConflictException"):
        DOMAIN.delete(aws, id, {})
    DOMAIN.purge(aws, id, {})
    DOMAIN.delete(aws, id, {})
    assert DOMAIN.read(aws, id, {}) is None


def test_a_connection_that_is_no_longer_given_is_cut(aws: Clients) -> None:
    """Only the declared index is mirrored."""
    _given_domain(aws)
    plain = {"domain": "acme", "repository": "packages"}
    old = {**plain, "externalConnections": {"externalConnectionName": "public:pypi"}}
    state = REPOSITORY.create(aws, old)
    REPOSITORY.update(aws, state.id, old, plain)
    assert _repository(aws, state).get("externalConnections", []) == []
