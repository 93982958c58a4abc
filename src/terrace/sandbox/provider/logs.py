"""Logs: groups, and which services may write to them. Their tokens are CloudWatch's."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, InvokeError, Props, State
from terrace.sandbox.provider.invokes import invoke
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes

_MISSING = "ResourceNotFoundException"


class LogGroup(Handler):
    """Keeps the logs of one source. Its id is its name."""

    type = "aws:cloudwatch/logGroup:LogGroup"
    inputs = {"kmsKeyId": str, "logGroupClass": str, "name": str, "retentionInDays": int, "tags": dict}
    required = frozenset({"name"})
    replace = frozenset({"logGroupClass", "name"})
    store = True
    delete_before_replace = True
    names = {"name": "logGroupName"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("logs")
        client.create_log_group(**request(client, "CreateLogGroup", without(inputs, "retentionInDays"), self.names))
        return self.update(aws, inputs["name"], {**inputs, "retentionInDays": 0}, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("logs")
        seen = _group(client, id)
        return self._state(client, inputs, seen) if seen else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("logs")
        if old.get("retentionInDays") != new.get("retentionInDays"):
            # 0 is how the real provider spells "for ever".
            if days := new.get("retentionInDays"):
                client.put_retention_policy(logGroupName=id, retentionInDays=days)
            elif old.get("retentionInDays"):
                client.delete_retention_policy(logGroupName=id)
        if old.get("kmsKeyId") != new.get("kmsKeyId"):
            if key := new.get("kmsKeyId"):
                client.associate_kms_key(logGroupName=id, kmsKeyId=key)
            else:
                client.disassociate_kms_key(logGroupName=id)
        seen = _group(client, id)
        if seen is None:
            raise LookupError(f"log group {id} is gone")
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(resourceArn=_arn(seen), tagKeys=gone)
        if put:
            client.tag_resource(resourceArn=_arn(seen), tags=put)
        return self._state(client, new, seen)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("logs").delete_log_group, _MISSING, logGroupName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["name"]) if _group(aws("logs"), inputs["name"]) else None

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = client.list_tags_for_resource(resourceArn=_arn(seen))["tags"]
        outputs = response(self.inputs, inputs, {**seen, "tags": tags}, self.names)
        if inputs.get("retentionInDays") == 0 and "retentionInDays" not in outputs:
            outputs["retentionInDays"] = 0
        return State(seen["logGroupName"], {**outputs, "arn": _arn(seen), "tagsAll": tags})


class LogResourcePolicy(Handler):
    """Lets services of AWS write to log groups. Its id is its name."""

    type = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
    inputs = {"policyDocument": str, "policyName": str}
    required = frozenset(inputs)
    replace = frozenset({"policyName"})
    policies = frozenset({"policyDocument"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("logs")
        made = client.put_resource_policy(**request(client, "PutResourcePolicy", inputs))
        return self._state(made["resourcePolicy"])

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        pages = aws("logs").get_paginator("describe_resource_policies").paginate()
        seen = next((p for page in pages for p in page["resourcePolicies"] if p["policyName"] == id), None)
        return seen and self._state(seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("logs").delete_resource_policy, _MISSING, policyName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["policyName"], inputs)
        return state.id if state else None

    def _state(self, seen: Props) -> State:
        outputs = {key: seen[key] for key in ("policyDocument", "policyName")}
        computed = {"policyScope": seen.get("policyScope", "ACCOUNT"), "revisionId": seen.get("revisionId", "")}
        return State(seen["policyName"], {**outputs, **computed})


@invoke({"name": str}, "name")
def get_log_group(aws: Clients, args: Props) -> Props:
    """Return a log group by its name.

    Raises:
        InvokeError: There is none; in the words of the real provider.
    """
    client = aws("logs")
    seen = _group(client, args["name"])
    if seen is None:
        raise InvokeError("reading CloudWatch Logs Log Group: couldn't find resource")
    tags = client.list_tags_for_resource(resourceArn=_arn(seen))["tags"]
    return {
        "arn": _arn(seen),
        "creationTime": seen["creationTime"],
        "id": seen["logGroupName"],
        "kmsKeyId": seen.get("kmsKeyId", ""),
        "logGroupClass": seen.get("logGroupClass", "STANDARD"),
        "name": seen["logGroupName"],
        "retentionInDays": seen.get("retentionInDays", 0),
        "tags": tags,
    }


def _group(client: Any, name: str) -> Any:
    for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
        for group in page["logGroups"]:
            if group["logGroupName"] == name:
                return group
    return None


def _arn(group: Props) -> str:
    return str(group["arn"]).removesuffix(":*")
