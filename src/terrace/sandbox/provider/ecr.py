"""Container images: repositories, their lifecycle rules and who may pull."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_NO_REPOSITORY = "RepositoryNotFoundException"
_MUTABILITY = ("imageTagMutability", "imageTagMutabilityExclusionFilters")


class Repository(Handler):
    """Holds the images of one model or of the platform. Its id is its name."""

    type = "aws:ecr/repository:Repository"
    inputs = {
        "encryptionConfigurations": [{"encryptionType": str, "kmsKey": str}],
        "forceDelete": bool,
        "imageScanningConfiguration": {"scanOnPush": bool},
        "imageTagMutability": str,
        "imageTagMutabilityExclusionFilters": [{"filter": str, "filterType": str}],
        "name": str,
        "tags": dict,
    }
    required = frozenset(
        {
            "name",
            "imageScanningConfiguration.scanOnPush",
            "imageTagMutabilityExclusionFilters.filter",
            "imageTagMutabilityExclusionFilters.filterType",
        }
    )
    replace = frozenset({"encryptionConfigurations", "name"})
    store = True
    delete_before_replace = True
    names = {"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("ecr")
        settings = request(client, "CreateRepository", without(inputs, "forceDelete", "tags"), self.names)
        made = client.create_repository(**settings, tags=tag_list(inputs))
        return self._state(client, inputs, made["repository"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("ecr")
        seen = found(client.describe_repositories, _NO_REPOSITORY, repositoryNames=[id])
        return seen and self._state(client, inputs, seen["repositories"][0])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("ecr")
        mutability = {"imageTagMutability": "MUTABLE"} | {key: new[key] for key in _MUTABILITY if new.get(key)}
        client.put_image_tag_mutability(repositoryName=id, **mutability)
        scanning = new.get("imageScanningConfiguration") or {"scanOnPush": False}
        client.put_image_scanning_configuration(repositoryName=id, imageScanningConfiguration=scanning)
        seen = client.describe_repositories(repositoryNames=[id])["repositories"][0]
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(resourceArn=seen["repositoryArn"], tagKeys=gone)
        if put:
            client.tag_resource(resourceArn=seen["repositoryArn"], tags=tag_list({"tags": put}))
        return self._state(client, new, seen)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        force = bool(inputs.get("forceDelete"))
        found(aws("ecr").delete_repository, _NO_REPOSITORY, repositoryName=id, force=force)

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:
        """Delete all images of the repository."""
        client = aws("ecr")
        for page in client.get_paginator("list_images").paginate(repositoryName=id, PaginationConfig={"PageSize": 100}):
            if page["imageIds"]:
                client.batch_delete_image(repositoryName=id, imageIds=page["imageIds"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = str(inputs["name"])
        return found(aws("ecr").describe_repositories, _NO_REPOSITORY, repositoryNames=[name]) and name

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = tag_map(client.list_tags_for_resource(resourceArn=seen["repositoryArn"])["tags"])
        outputs = response(self.inputs, inputs, {**seen, "tags": tags}, self.names)
        if "forceDelete" in inputs:
            outputs["forceDelete"] = inputs["forceDelete"]  # AWS hears of it only at the deletion
        return State(
            seen["repositoryName"],
            {
                **outputs,
                "arn": seen["repositoryArn"],
                "registryId": seen["registryId"],
                "repositoryUrl": seen["repositoryUri"],
                "tagsAll": tags,
            },
        )


class LifecyclePolicy(Handler):
    """Which images expire. Its id is the repository's name."""

    type = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    inputs = {"policy": str, "repository": str}
    required = frozenset(inputs)
    replace = frozenset(inputs)
    documents = frozenset({"policy"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        name = inputs["repository"]
        put = aws("ecr").put_lifecycle_policy
        return self._state(put(repositoryName=name, lifecyclePolicyText=inputs["policy"]))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        codes = (_NO_REPOSITORY, "LifecyclePolicyNotFoundException")
        seen = found(aws("ecr").get_lifecycle_policy, *codes, repositoryName=id)
        return seen and self._state(seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        codes = (_NO_REPOSITORY, "LifecyclePolicyNotFoundException")
        found(aws("ecr").delete_lifecycle_policy, *codes, repositoryName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["repository"], inputs)
        return state.id if state else None

    def _state(self, seen: Props) -> State:
        name = seen["repositoryName"]
        outputs = {"policy": seen["lifecyclePolicyText"], "repository": name, "registryId": seen["registryId"]}
        return State(name, outputs)


class RepositoryPolicy(Handler):
    """Which accounts may use a repository. Its id is the repository's name."""

    type = "aws:ecr/repositoryPolicy:RepositoryPolicy"
    inputs = {"policy": str, "repository": str}
    required = frozenset(inputs)
    replace = frozenset({"repository"})
    policies = frozenset({"policy"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        put = aws("ecr").set_repository_policy
        return self._state(put(repositoryName=inputs["repository"], policyText=inputs["policy"]))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        codes = (_NO_REPOSITORY, "RepositoryPolicyNotFoundException")
        seen = found(aws("ecr").get_repository_policy, *codes, repositoryName=id)
        return seen and self._state(seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        codes = (_NO_REPOSITORY, "RepositoryPolicyNotFoundException")
        found(aws("ecr").delete_repository_policy, *codes, repositoryName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["repository"], inputs)
        return state.id if state else None

    def _state(self, seen: Props) -> State:
        name = seen["repositoryName"]
        return State(name, {"policy": seen["policyText"], "repository": name, "registryId": seen["registryId"]})


HANDLERS = (LifecyclePolicy, Repository, RepositoryPolicy)
