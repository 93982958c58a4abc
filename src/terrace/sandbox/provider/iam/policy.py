"""Policies that stand by themselves: boundaries, and what several roles share."""

from __future__ import annotations

import json
from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.documents import same_policy
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.iam.role import MISSING
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MOST_VERSIONS = 5  # that IAM keeps of a policy


class Policy(Handler):
    """A managed policy. Its id is its ARN; a change makes a new version of it, the default one."""

    type = "aws:iam/policy:Policy"
    inputs = {"description": str, "name": str, "path": str, "policy": str, "tags": dict}
    required = frozenset({"name", "policy"})
    replace = frozenset({"description", "name", "path"})
    policies = frozenset({"policy"})
    delete_before_replace = True
    names = {"name": "policyName", "policy": "policyDocument"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("iam")
        settings = request(client, "CreatePolicy", without(inputs, "tags"), self.names)
        made = client.create_policy(**settings, Tags=tag_list(inputs))["Policy"]
        return self._state(client, made["Arn"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("iam")
        return found(client.get_policy, MISSING, PolicyArn=id) and self._state(client, id, inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("iam")
        if not same_policy(self._document(client, id), new["policy"]):
            versions = client.list_policy_versions(PolicyArn=id)["Versions"]
            if len(versions) >= _MOST_VERSIONS:
                oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
                client.delete_policy_version(PolicyArn=id, VersionId=oldest["VersionId"])
            client.create_policy_version(PolicyArn=id, PolicyDocument=new["policy"], SetAsDefault=True)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_policy(PolicyArn=id, TagKeys=gone)
        if put:
            client.tag_policy(PolicyArn=id, Tags=tag_list({"tags": put}))
        return self._state(client, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client = aws("iam")
        with absent_ok(MISSING):
            for version in client.list_policy_versions(PolicyArn=id)["Versions"]:
                if not version["IsDefaultVersion"]:
                    client.delete_policy_version(PolicyArn=id, VersionId=version["VersionId"])
            client.delete_policy(PolicyArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        arn = f"arn:aws:iam::{aws.account}:policy{inputs.get('path', '/')}{inputs['name']}"
        return found(aws("iam").get_policy, MISSING, PolicyArn=arn) and arn

    def _state(self, client: Any, arn: str, inputs: Props) -> State:
        seen = client.get_policy(PolicyArn=arn)["Policy"]
        tags = tag_map(client.list_policy_tags(PolicyArn=arn)["Tags"])
        whole = {**seen, "policyDocument": self._document(client, arn), "tags": tags}
        outputs = response(self.inputs, {"path": "/", **inputs}, whole, self.names)
        return State(
            arn,
            {
                **outputs,
                "name": seen["PolicyName"],
                "arn": arn,
                "policyId": seen["PolicyId"],
                "attachmentCount": seen["AttachmentCount"],
                "tagsAll": tags,
            },
        )

    def _document(self, client: Any, arn: str) -> str:
        default = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = client.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]
        return document if isinstance(document, str) else json.dumps(document)
