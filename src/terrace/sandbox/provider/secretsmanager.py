"""Secrets, without their values: what is in one is put there by a person, and never passes through a program."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Failure, Handler, Props, State
from terrace.sandbox.provider.documents import same_policy
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "ResourceNotFoundException"
_GONE = (_MISSING, "InvalidRequestException: marked")
"""What is on its way out is not deleted twice, and has no policy; AWS has only words for that."""
_WINDOW = 30
"""Days in which a deleted secret can be restored, unless something else is said."""


class Secret(Handler):
    """A place for a secret value. Its id is its ARN."""

    type = "aws:secretsmanager/secret:Secret"
    inputs = {"description": str, "kmsKeyId": str, "name": str, "recoveryWindowInDays": int, "tags": dict}
    required = frozenset({"name"})
    replace = frozenset({"name"})
    store = True
    delete_before_replace = True

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        days = inputs.get("recoveryWindowInDays")
        if isinstance(days, int) and days != 0 and not 7 <= days <= _WINDOW:
            failures.append(Failure("recoveryWindowInDays", "must be 0, or 7 to 30"))
        return failures

    def diff(self, old: Props, new: Props) -> Diff:
        default = {"recoveryWindowInDays": _WINDOW}
        return super().diff({**default, **old}, {**default, **new})

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("secretsmanager")
        settings = request(client, "CreateSecret", without(inputs, "recoveryWindowInDays", "tags"))
        arn = client.create_secret(**settings, Tags=tag_list(inputs))["ARN"]
        return self._made(aws, arn, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("secretsmanager").describe_secret, _MISSING, SecretId=id)
        if seen is None or seen.get("DeletedDate"):
            return None
        tags = tag_map(seen.get("Tags", ()))
        outputs = response(self.inputs, without(inputs, "recoveryWindowInDays"), {**seen, "tags": tags})
        # AWS keeps no such number: it is said when the secret is deleted.
        days = {key: inputs[key] for key in ("recoveryWindowInDays",) if key in inputs}
        return State(seen["ARN"], {**outputs, **days, "arn": seen["ARN"], "tagsAll": tags})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("secretsmanager")
        if any(old.get(key) != new.get(key) for key in ("description", "kmsKeyId")):
            key = {"KmsKeyId": new["kmsKeyId"]} if new.get("kmsKeyId") else {}
            client.update_secret(SecretId=id, Description=new.get("description") or "", **key)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(SecretId=id, TagKeys=gone)
        if put:
            client.tag_resource(SecretId=id, Tags=tag_list({"tags": put}))
        return self._made(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        days = inputs.get("recoveryWindowInDays", _WINDOW)
        how: dict[str, Any] = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        found(aws("secretsmanager").delete_secret, *_GONE, SecretId=id, **how)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["name"], inputs)
        return state.id if state else None

    def _made(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        if state is None:
            raise LookupError(f"secret {inputs['name']} is gone right after it was set")
        return state


class SecretPolicy(Handler):
    """Who may read a secret besides those whose own policies allow it. Its id is the secret's ARN."""

    type = "aws:secretsmanager/secretPolicy:SecretPolicy"
    inputs = {"blockPublicPolicy": bool, "policy": str, "secretArn": str}
    required = frozenset({"policy", "secretArn"})
    replace = frozenset({"secretArn"})
    policies = frozenset({"policy"})

    def create(self, aws: Clients, inputs: Props) -> State:
        client, arn = aws("secretsmanager"), inputs["secretArn"]
        block = {} if inputs.get("blockPublicPolicy") is None else {"BlockPublicPolicy": inputs["blockPublicPolicy"]}
        client.put_resource_policy(SecretId=arn, ResourcePolicy=inputs["policy"], **block)
        state = self.read(aws, arn, inputs)
        if state is None:
            raise LookupError(f"secret {arn} has no policy right after it was set")
        return state

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("secretsmanager").get_resource_policy, *_GONE, SecretId=id)
        policy = seen and seen.get("ResourcePolicy")
        if not policy:
            return None
        # Whether public policies are refused is asked with each policy and told by no operation.
        block = {key: inputs[key] for key in ("blockPublicPolicy",) if key in inputs}
        return State(id, {**block, "policy": policy, "secretArn": id})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("secretsmanager").delete_resource_policy, *_GONE, SecretId=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["secretArn"], inputs)
        return state.id if state and same_policy(state.outputs["policy"], inputs["policy"]) else None


HANDLERS = (Secret, SecretPolicy)
