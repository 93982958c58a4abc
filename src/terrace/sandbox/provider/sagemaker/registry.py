"""The model registry: groups of model packages, and who may use them."""

from __future__ import annotations

from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import MISSING, retag, tags_of
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list
from terrace.sandbox.provider.waiters import wait


class ModelPackageGroup(Handler):
    """Holds the versions of a model. Its id is its name."""

    type = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
    inputs = {"modelPackageGroupDescription": str, "modelPackageGroupName": str, "tags": dict}
    required = frozenset({"modelPackageGroupName"})
    replace = frozenset({"modelPackageGroupDescription", "modelPackageGroupName"})
    store = True
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateModelPackageGroup", without(inputs, "tags"))
        client.create_model_package_group(**settings, Tags=tag_list(inputs))
        return self._settled(aws, inputs["modelPackageGroupName"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_model_package_group, *MISSING, ModelPackageGroupName=id)
        return seen and self._state(client, id, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        seen = client.describe_model_package_group(ModelPackageGroupName=id)
        retag(client, seen["ModelPackageGroupArn"], old, new)
        return self._settled(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client = aws("sagemaker")
        found(client.delete_model_package_group, *MISSING, ModelPackageGroupName=id)

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:
        """Delete all versions of the model that the group holds."""
        client = aws("sagemaker")
        for page in client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=id):
            for package in page["ModelPackageSummaryList"]:
                found(client.delete_model_package, *MISSING, ModelPackageName=package["ModelPackageArn"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = inputs["modelPackageGroupName"]
        return found(aws("sagemaker").describe_model_package_group, *MISSING, ModelPackageGroupName=name) and str(name)

    def _settled(self, aws: Clients, id: str, inputs: Props) -> State:
        client, seen = aws("sagemaker"), {}

        def status() -> str:
            seen.update(client.describe_model_package_group(ModelPackageGroupName=id))
            return str(seen["ModelPackageGroupStatus"])

        wait(f"Model package group {id}", status, until={"Completed"}, failed={"Failed"})
        return self._state(client, id, inputs, seen)

    def _state(self, client: Any, id: str, inputs: Props, seen: Props) -> State:
        arn = seen["ModelPackageGroupArn"]
        tags = tags_of(client, arn)
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags})
        return State(id, {**outputs, "arn": arn, "tagsAll": tags})


class ModelPackageGroupPolicy(Handler):
    """Which other accounts may use a model package group. Its id is the group's name."""

    type = "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy"
    inputs = {"modelPackageGroupName": str, "resourcePolicy": str}
    required = frozenset(inputs)
    replace = frozenset({"modelPackageGroupName"})
    policies = frozenset({"resourcePolicy"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        client.put_model_package_group_policy(**request(client, "PutModelPackageGroupPolicy", inputs))
        id = str(inputs["modelPackageGroupName"])
        state = self.read(aws, id, inputs)
        if state is None:
            raise SandboxError(f"Model package group {id} has no policy right after it was set.")
        return state

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.get_model_package_group_policy, *_NO_POLICY, ModelPackageGroupName=id)
        return seen and State(id, {"modelPackageGroupName": id, "resourcePolicy": seen["ResourcePolicy"]})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sagemaker").delete_model_package_group_policy, *_NO_POLICY, ModelPackageGroupName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        id = str(inputs["modelPackageGroupName"])
        return id if self.read(aws, id, inputs) else None


_NO_POLICY = (*MISSING, "ValidationException: Cannot find Model Package Group")
"""AWS speaks of the group alike when it has no policy and when it is gone."""
