"""Packages: a private mirror of the public index, and who may read it."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "ResourceNotFoundException"


class Domain(Handler):
    """Holds the repositories of an organisation under one key. Its id is its ARN."""

    type = "aws:codeartifact/domain:Domain"
    inputs = {"domain": str, "encryptionKey": str, "tags": dict}
    required = frozenset({"domain"})
    replace = frozenset({"domain", "encryptionKey"})
    store = True
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("codeartifact")
        settings = request(client, "CreateDomain", without(inputs, "tags"))
        made = client.create_domain(**settings, tags=tag_list(inputs, "key", "value"))
        return self._state(client, inputs, made["domain"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("codeartifact")
        seen = found(client.describe_domain, _MISSING, **_place(id))
        return seen and self._state(client, inputs, seen["domain"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("codeartifact")
        _retag(client, id, old, new)
        return self._state(client, new, client.describe_domain(**_place(id))["domain"])

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("codeartifact").delete_domain, _MISSING, **_place(id))

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:
        """Delete all repositories of the domain with their packages."""
        client = aws("codeartifact")
        for page in client.get_paginator("list_repositories_in_domain").paginate(**_place(id)):
            for repository in page["repositories"]:
                found(client.delete_repository, _MISSING, **_place(id), repository=repository["name"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        seen = found(aws("codeartifact").describe_domain, _MISSING, domain=inputs["domain"])
        return str(seen["domain"]["arn"]) if seen else None

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = _tags(client, seen["arn"])
        outputs = response(self.inputs, inputs, {**seen, "domain": seen["name"], "tags": tags})
        return State(
            seen["arn"],
            {
                "encryptionKey": seen.get("encryptionKey", ""),
                **outputs,
                "arn": seen["arn"],
                "assetSizeBytes": str(seen.get("assetSizeBytes", 0)),
                "createdTime": seen["createdTime"].isoformat() if "createdTime" in seen else "",
                "owner": seen["owner"],
                "repositoryCount": seen.get("repositoryCount", 0),
                "s3BucketArn": seen.get("s3BucketArn", ""),
                "tagsAll": tags,
            },
        )


class DomainPermissions(Handler):
    """Who may use a domain. Its id is the domain's ARN."""

    type = "aws:codeartifact/domainPermissions:DomainPermissions"
    inputs = {"domain": str, "domainOwner": str, "policyDocument": str}
    required = frozenset({"domain", "policyDocument"})
    replace = frozenset({"domain", "domainOwner"})
    policies = frozenset({"policyDocument"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("codeartifact")
        put = client.put_domain_permissions_policy(**request(client, "PutDomainPermissionsPolicy", inputs))
        return self._state(put["policy"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("codeartifact").get_domain_permissions_policy, _MISSING, **_place(id))
        return seen and self._state(seen["policy"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("codeartifact").delete_domain_permissions_policy, _MISSING, **_place(id))

    def find(self, aws: Clients, inputs: Props) -> str | None:
        which = {"domain": inputs["domain"], "domainOwner": inputs.get("domainOwner", aws.account)}
        seen = found(aws("codeartifact").get_domain_permissions_policy, _MISSING, **which)
        return str(seen["policy"]["resourceArn"]) if seen else None

    def _state(self, seen: Props) -> State:
        place = _place(seen["resourceArn"])
        return State(seen["resourceArn"], {**place, **_policy(seen)})


class Repository(Handler):
    """Holds packages, and fetches what it lacks from where it is connected. Its id is its ARN."""

    type = "aws:codeartifact/repository:Repository"
    inputs = {
        "description": str,
        "domain": str,
        "domainOwner": str,
        "externalConnections": {"externalConnectionName": str},
        "repository": str,
        "tags": dict,
        "upstreams": [{"repositoryName": str}],
    }
    required = frozenset(
        {"domain", "externalConnections.externalConnectionName", "repository", "upstreams.repositoryName"}
    )
    replace = frozenset({"domain", "domainOwner", "repository"})
    store = True
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("codeartifact")
        settings = request(client, "CreateRepository", without(inputs, "externalConnections", "tags"))
        made = client.create_repository(**settings, tags=tag_list(inputs, "key", "value"))["repository"]
        self._connect(client, made, inputs)
        return self._described(client, made["arn"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("codeartifact")
        seen = found(client.describe_repository, _MISSING, **_place(id))
        return seen and self._state(client, inputs, seen["repository"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("codeartifact")
        changed = client.update_repository(
            **_place(id),
            description=new.get("description", ""),
            upstreams=new.get("upstreams") or [],
        )
        self._connect(client, changed["repository"], new)
        _retag(client, id, old, new)
        return self._described(client, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("codeartifact").delete_repository, _MISSING, **_place(id))

    def find(self, aws: Clients, inputs: Props) -> str | None:
        which = {"domain": inputs["domain"], "domainOwner": inputs.get("domainOwner", aws.account)}
        seen = found(aws("codeartifact").describe_repository, _MISSING, **which, repository=inputs["repository"])
        return str(seen["repository"]["arn"]) if seen else None

    def _connect(self, client: Any, seen: Props, inputs: Props) -> None:
        """Connect the repository to the public index that it should mirror, and to no other."""
        have = [connection["externalConnectionName"] for connection in seen.get("externalConnections") or []]
        want = (inputs.get("externalConnections") or {}).get("externalConnectionName")
        for name in have:
            if name != want:
                client.disassociate_external_connection(**_place(seen["arn"]), externalConnection=name)
        if want and want not in have:
            client.associate_external_connection(**_place(seen["arn"]), externalConnection=want)

    def _described(self, client: Any, id: str, inputs: Props) -> State:
        return self._state(client, inputs, client.describe_repository(**_place(id))["repository"])

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = _tags(client, seen["arn"])
        # AWS lists connections and allows one; the provider's property is that one.
        connection = next(iter(seen.get("externalConnections") or []), None)
        flat = {
            **seen,
            "domain": seen["domainName"],
            "repository": seen["name"],
            "externalConnections": connection,
            "tags": tags,
        }
        outputs = response(self.inputs, inputs, flat)
        return State(
            seen["arn"],
            {
                "domainOwner": seen["domainOwner"],
                **outputs,
                "administratorAccount": seen["administratorAccount"],
                "arn": seen["arn"],
                "tagsAll": tags,
            },
        )


class RepositoryPermissionsPolicy(Handler):
    """Who may use a repository. Its id is the repository's ARN."""

    type = "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy"
    inputs = {"domain": str, "domainOwner": str, "policyDocument": str, "repository": str}
    required = frozenset({"domain", "policyDocument", "repository"})
    replace = frozenset({"domain", "domainOwner", "repository"})
    policies = frozenset({"policyDocument"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("codeartifact")
        settings = request(client, "PutRepositoryPermissionsPolicy", inputs)
        return self._state(client.put_repository_permissions_policy(**settings)["policy"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("codeartifact").get_repository_permissions_policy, _MISSING, **_place(id))
        return seen and self._state(seen["policy"])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("codeartifact").delete_repository_permissions_policy, _MISSING, **_place(id))

    def find(self, aws: Clients, inputs: Props) -> str | None:
        which = {"domain": inputs["domain"], "domainOwner": inputs.get("domainOwner", aws.account)}
        get = aws("codeartifact").get_repository_permissions_policy
        seen = found(get, _MISSING, **which, repository=inputs["repository"])
        return str(seen["policy"]["resourceArn"]) if seen else None

    def _state(self, seen: Props) -> State:
        return State(seen["resourceArn"], {**_place(seen["resourceArn"]), **_policy(seen)})


def _place(arn: str) -> dict[str, str]:
    """Return where an ARN of a domain or a repository points, as the API's parameters."""
    parts = arn.split(":", 5)
    names = parts[5].split("/")[1:]
    return {"domainOwner": parts[4], **dict(zip(("domain", "repository"), names, strict=False))}


def _policy(seen: Props) -> dict[str, Any]:
    return {
        "policyDocument": seen["document"],
        "policyRevision": seen["revision"],
        "resourceArn": seen["resourceArn"],
    }


def _tags(client: Any, arn: str) -> dict[str, str]:
    return tag_map(client.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value")


def _retag(client: Any, arn: str, old: Props, new: Props) -> None:
    put, gone = tag_changes(old, new)
    if gone:
        client.untag_resource(resourceArn=arn, tagKeys=gone)
    if put:
        client.tag_resource(resourceArn=arn, tags=tag_list({"tags": put}, "key", "value"))


HANDLERS = (Domain, DomainPermissions, Repository, RepositoryPermissionsPolicy)
