"""Roles, and the policies that each carries."""

from __future__ import annotations

import json
from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

MISSING = "NoSuchEntity"


class Role(Handler):
    """What a service or a person acts as. Its id is its name."""

    type = "aws:iam/role:Role"
    inputs = {
        "assumeRolePolicy": str,
        "description": str,
        "forceDetachPolicies": bool,
        "maxSessionDuration": int,
        "name": str,
        "path": str,
        "permissionsBoundary": str,
        "tags": dict,
    }
    required = frozenset({"assumeRolePolicy", "name"})
    replace = frozenset({"name", "path"})
    policies = frozenset({"assumeRolePolicy"})
    delete_before_replace = True
    names = {"assumeRolePolicy": "assumeRolePolicyDocument", "name": "roleName"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("iam")
        settings = request(client, "CreateRole", without(inputs, "forceDetachPolicies", "tags"), self.names)
        client.create_role(**settings, Tags=tag_list(inputs))
        return self._state(client, client.get_role(RoleName=inputs["name"])["Role"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("iam")
        seen = found(client.get_role, MISSING, RoleName=id)
        return seen and self._state(client, seen["Role"], inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("iam")
        if old.get("assumeRolePolicy") != new["assumeRolePolicy"]:
            client.update_assume_role_policy(RoleName=id, PolicyDocument=new["assumeRolePolicy"])
        hour = 3600  # the session that a role has unless said otherwise
        client.update_role(
            RoleName=id,
            Description=new.get("description", ""),
            MaxSessionDuration=new.get("maxSessionDuration", hour),
        )
        if new.get("permissionsBoundary"):
            client.put_role_permissions_boundary(RoleName=id, PermissionsBoundary=new["permissionsBoundary"])
        elif old.get("permissionsBoundary"):
            client.delete_role_permissions_boundary(RoleName=id)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_role(RoleName=id, TagKeys=gone)
        if put:
            client.tag_role(RoleName=id, Tags=tag_list({"tags": put}))
        return self._state(client, client.get_role(RoleName=id)["Role"], new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client = aws("iam")
        with absent_ok(MISSING):
            if inputs.get("forceDetachPolicies"):
                for page in client.get_paginator("list_attached_role_policies").paginate(RoleName=id):
                    for policy in page["AttachedPolicies"]:
                        client.detach_role_policy(RoleName=id, PolicyArn=policy["PolicyArn"])
                for page in client.get_paginator("list_role_policies").paginate(RoleName=id):
                    for name in page["PolicyNames"]:
                        client.delete_role_policy(RoleName=id, PolicyName=name)
            client.delete_role(RoleName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = str(inputs["name"])
        return found(aws("iam").get_role, MISSING, RoleName=name) and name

    def _state(self, client: Any, seen: Props, inputs: Props) -> State:
        tags = tag_map(client.list_role_tags(RoleName=seen["RoleName"])["Tags"])
        whole = {
            **seen,
            "assumeRolePolicyDocument": _text(seen["AssumeRolePolicyDocument"]),
            "permissionsBoundary": seen.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "tags": tags,
        }
        whole.pop("PermissionsBoundary", None)
        outputs = response(self.inputs, {"path": "/", "maxSessionDuration": 0, **inputs}, whole, self.names)
        if "forceDetachPolicies" in inputs:
            outputs["forceDetachPolicies"] = inputs["forceDetachPolicies"]  # IAM hears of it only at the deletion
        return State(
            seen["RoleName"],
            {
                **outputs,
                "name": seen["RoleName"],
                "arn": seen["Arn"],
                "createDate": seen["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                "uniqueId": seen["RoleId"],
                "tagsAll": tags,
            },
        )


class RolePolicy(Handler):
    """A policy that belongs to one role. Its id is `role:name`."""

    type = "aws:iam/rolePolicy:RolePolicy"
    inputs = {"name": str, "policy": str, "role": str}
    required = frozenset(inputs)
    replace = frozenset({"name", "role"})
    policies = frozenset({"policy"})

    def create(self, aws: Clients, inputs: Props) -> State:
        role, name = inputs["role"], inputs["name"]
        aws("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs["policy"])
        return State(f"{role}:{name}", dict(inputs))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        role, _, name = id.partition(":")
        seen = found(aws("iam").get_role_policy, MISSING, RoleName=role, PolicyName=name)
        return seen and State(id, {"name": name, "role": role, "policy": _text(seen["PolicyDocument"])})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        role, _, name = id.partition(":")
        with absent_ok(MISSING):
            aws("iam").delete_role_policy(RoleName=role, PolicyName=name)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, f"{inputs['role']}:{inputs['name']}", inputs)
        return state.id if state else None


class RolePolicyAttachment(Handler):
    """Gives a role a policy that stands by itself. Its id is `role/policy ARN`."""

    type = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    inputs = {"policyArn": str, "role": str}
    required = frozenset(inputs)
    replace = frozenset(inputs)

    def create(self, aws: Clients, inputs: Props) -> State:
        aws("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return State(f"{inputs['role']}/{inputs['policyArn']}", dict(inputs))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        role, _, arn = id.partition("/")
        seen = found(aws("iam").list_attached_role_policies, MISSING, RoleName=role)
        attached = {policy["PolicyArn"] for policy in seen["AttachedPolicies"]} if seen else set()
        return State(id, {"role": role, "policyArn": arn}) if arn in attached else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)  # nothing changes in place: this finishes an interrupted creation

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        role, _, arn = id.partition("/")
        with absent_ok(MISSING):
            aws("iam").detach_role_policy(RoleName=role, PolicyArn=arn)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, f"{inputs['role']}/{inputs['policyArn']}", inputs)
        return state.id if state else None


def _text(document: Any) -> str:
    # boto3 parses the policies that IAM returns.
    return document if isinstance(document, str) else json.dumps(document)
