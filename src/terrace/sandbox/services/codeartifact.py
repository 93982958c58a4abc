"""CodeArtifact: domains, repositories, policies, external connections."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from terrace.sandbox.services.codeartifact_packages import Packages
from terrace.sandbox.services.extend import Refusal, merge_tags, page
from terrace.sandbox.services.own import Operation, OwnService, Place

Said = Mapping[str, Any]
CONNECTIONS = {
    "public:pypi": "pypi",
    "public:npmjs": "npm",
    "public:maven-central": "maven",
    "public:nuget-org": "nuget",
    "public:ruby-gems-org": "ruby",
    "public:crates-io": "cargo",
}


class CodeArtifact:
    """The state of the service, for every account and region."""

    def __init__(self) -> None:
        self._domains: dict[Place, dict[str, dict[str, Any]]] = {}
        self._repositories: dict[Place, dict[tuple[str, str], dict[str, Any]]] = {}
        self._policies: dict[str, dict[str, str]] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._packages = Packages(self._repository)

    def service(self) -> OwnService:
        """Return what answers calls."""
        operations: dict[str, Operation] = {
            "CreateDomain": self.create_domain,
            "DescribeDomain": self.describe_domain,
            "DeleteDomain": self.delete_domain,
            "ListDomains": self.list_domains,
            "CreateRepository": self.create_repository,
            "DescribeRepository": lambda place, said: {"repository": self._repository(place, said)},
            "UpdateRepository": self.update_repository,
            "DeleteRepository": self.delete_repository,
            "ListRepositories": self.list_repositories,
            "ListRepositoriesInDomain": self.list_repositories,
            "AssociateExternalConnection": self.associate,
            "DisassociateExternalConnection": self.disassociate,
            "GetAuthorizationToken": self.token,
            "GetRepositoryEndpoint": self.endpoint,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.tags,
            **self._packages.operations(),
        }
        for noun, find in (("Domain", self._domain), ("Repository", self._repository)):
            operations |= self._policy_operations(noun, find)
        return OwnService("codeartifact", operations)

    def reset(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def create_domain(self, place: Place, said: Said) -> Said:
        """Make a domain; its packages are encrypted under the given key."""
        domains = self._domains.setdefault(place, {})
        name = said["domain"]
        if name in domains:
            raise Refusal("ConflictException", f"Domain already exists: {name}")
        account, region = place
        arn = f"arn:aws:codeartifact:{region}:{account}:domain/{name}"
        domains[name] = {
            "name": name,
            "owner": account,
            "arn": arn,
            "status": "Active",
            "createdTime": datetime.now(UTC),
            "encryptionKey": said.get("encryptionKey") or f"arn:aws:kms:{region}:{account}:alias/aws/codeartifact",
            "repositoryCount": 0,
            "assetSizeBytes": 0,
            "s3BucketArn": f"arn:aws:s3:::assets-{account}-{region}",
        }
        merge_tags(self._tags.setdefault(arn, {}), said.get("tags"))
        return {"domain": domains[name]}

    def describe_domain(self, place: Place, said: Said) -> Said:
        """Describe a domain, with how much its repositories hold."""
        domain = self._domain(place, said)
        held = self._repositories.get(place, {}).values()
        size = sum(self._packages.size(one["arn"]) for one in held if one["domainName"] == domain["name"])
        return {"domain": {**domain, "assetSizeBytes": size}}

    def delete_domain(self, place: Place, said: Said) -> Said:
        """Remove a domain that has no repositories."""
        domain = self._domain(place, said)
        if domain["repositoryCount"]:
            raise Refusal("ConflictException", f"Domain still has repositories: {domain['name']}")
        del self._domains[place][domain["name"]]
        self._forget(domain["arn"])
        return {"domain": {**domain, "status": "Deleted"}}

    def list_domains(self, place: Place, said: Said) -> Said:
        """List domains."""
        return _listing("domains", self._domains.get(place, {}).values(), said)

    def create_repository(self, place: Place, said: Said) -> Said:
        """Make a repository in a domain."""
        domain = self._domain(place, said)
        repositories = self._repositories.setdefault(place, {})
        key = (domain["name"], said["repository"])
        if key in repositories:
            raise Refusal("ConflictException", f"Repository already exists: {said['repository']}")
        account, region = place
        arn = f"arn:aws:codeartifact:{region}:{account}:repository/{domain['name']}/{said['repository']}"
        repositories[key] = {
            "name": said["repository"],
            "administratorAccount": account,
            "domainName": domain["name"],
            "domainOwner": domain["owner"],
            "arn": arn,
            "description": said.get("description", ""),
            "upstreams": said.get("upstreams", []),
            "externalConnections": [],
            "createdTime": datetime.now(UTC),
        }
        domain["repositoryCount"] += 1
        merge_tags(self._tags.setdefault(arn, {}), said.get("tags"))
        return {"repository": repositories[key]}

    def update_repository(self, place: Place, said: Said) -> Said:
        """Change description and upstreams."""
        repository = self._repository(place, said)
        for name in ("description", "upstreams"):
            if name in said:
                repository[name] = said[name]
        return {"repository": repository}

    def delete_repository(self, place: Place, said: Said) -> Said:
        """Remove a repository, with its packages."""
        repository = self._repository(place, said)
        del self._repositories[place][repository["domainName"], repository["name"]]
        self._domains[place][repository["domainName"]]["repositoryCount"] -= 1
        self._forget(repository["arn"])
        return {"repository": repository}

    def list_repositories(self, place: Place, said: Said) -> Said:
        """List repositories, of one domain or of all."""
        held = self._repositories.get(place, {}).values()
        prefix, domain = said.get("repositoryPrefix", ""), said.get("domain")
        found = [r for r in held if r["name"].startswith(prefix) and domain in (None, r["domainName"])]
        return _listing("repositories", found, said)

    def associate(self, place: Place, said: Said) -> Said:
        """Connect a repository to a public one. AWS allows one connection."""
        repository, name = self._repository(place, said), said["externalConnection"]
        if name not in CONNECTIONS:
            raise Refusal("ResourceNotFoundException", f"External connection not found: {name}")
        if any(one["externalConnectionName"] == name for one in repository["externalConnections"]):
            raise Refusal("ConflictException", f"External connection already exists: {name}")
        if repository["externalConnections"]:
            raise Refusal("ServiceQuotaExceededException", "A repository has at most one external connection.")
        connection = {"externalConnectionName": name, "packageFormat": CONNECTIONS[name], "status": "Available"}
        repository["externalConnections"].append(connection)
        return {"repository": repository}

    def disassociate(self, place: Place, said: Said) -> Said:
        """Disconnect a repository from a public one."""
        repository, name = self._repository(place, said), said["externalConnection"]
        kept = [one for one in repository["externalConnections"] if one["externalConnectionName"] != name]
        if len(kept) == len(repository["externalConnections"]):
            raise Refusal("ResourceNotFoundException", f"External connection not found: {name}")
        repository["externalConnections"] = kept
        return {"repository": repository}

    def token(self, place: Place, said: Said) -> Said:
        """Return a token; nothing here checks it."""
        self._domain(place, said)
        seconds = int(said.get("durationSeconds") or 43200)
        return {"authorizationToken": uuid.uuid4().hex, "expiration": datetime.now(UTC) + timedelta(seconds=seconds)}

    def endpoint(self, place: Place, said: Said) -> Said:
        """Return where a repository's packages would be on AWS."""
        repository = self._repository(place, said)
        account, region = place
        host = f"{repository['domainName']}-{account}.d.codeartifact.{region}.amazonaws.com"
        return {"repositoryEndpoint": f"https://{host}/{said['format']}/{repository['name']}/"}

    def tag(self, place: Place, said: Said) -> Said:
        """Add tags."""
        merge_tags(self._tagged(said), said["tags"])
        return {}

    def untag(self, place: Place, said: Said) -> Said:
        """Remove tags."""
        for key in said["tagKeys"]:
            self._tagged(said).pop(key, None)
        return {}

    def tags(self, place: Place, said: Said) -> Said:
        """List tags."""
        return {"tags": [{"key": key, "value": value} for key, value in self._tagged(said).items()]}

    def _policy_operations(self, noun: str, find: Any) -> dict[str, Operation]:
        def put(place: Place, said: Said) -> Said:
            arn = find(place, said)["arn"]
            before = self._policies.get(arn)
            if before and said.get("policyRevision") not in (None, before["revision"]):
                raise Refusal("ConflictException", "The policy was changed since the given revision.")
            revision = uuid.uuid4().hex
            self._policies[arn] = {"resourceArn": arn, "revision": revision, "document": said["policyDocument"]}
            return {"policy": self._policies[arn]}

        def get(place: Place, said: Said) -> Said:
            arn = find(place, said)["arn"]
            if arn not in self._policies:
                raise Refusal("ResourceNotFoundException", f"Policy not found for {arn}")
            return {"policy": self._policies[arn]}

        def delete(place: Place, said: Said) -> Said:
            found = get(place, said)
            del self._policies[found["policy"]["resourceArn"]]
            return found

        return {
            f"Put{noun}PermissionsPolicy": put,
            f"Get{noun}PermissionsPolicy": get,
            f"Delete{noun}PermissionsPolicy": delete,
        }

    def _domain(self, place: Place, said: Said) -> dict[str, Any]:
        found = self._domains.get(place, {}).get(said["domain"])
        if found is None or said.get("domainOwner") not in (None, place[0]):
            raise Refusal("ResourceNotFoundException", f"Domain not found: {said['domain']}")
        return found

    def _repository(self, place: Place, said: Said) -> dict[str, Any]:
        found = self._repositories.get(place, {}).get((said["domain"], said["repository"]))
        if found is None:
            raise Refusal("ResourceNotFoundException", f"Repository not found: {said['repository']}")
        return found

    def _tagged(self, said: Said) -> dict[str, str]:
        if said["resourceArn"] not in self._tags:
            raise Refusal("ResourceNotFoundException", f"Resource not found: {said['resourceArn']}")
        return self._tags[said["resourceArn"]]

    def _forget(self, arn: str) -> None:
        self._tags.pop(arn, None)
        self._policies.pop(arn, None)
        self._packages.forget(arn)


def _listing(name: str, items: Any, said: Said) -> Said:
    found, token = page(list(items), said.get("maxResults"), said.get("nextToken"))
    return {name: found, "nextToken": token} if token else {name: found}
