"""Encryption keys and the names they go by."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "NotFoundException"
_ROTATION_DAYS = 365  # what KMS takes without a period
_WINDOW_DAYS = 30  # how long a key can be restored unless said otherwise


class Key(Handler):
    """A key that encrypts. Its id is its key id; deleted, it can be restored for `deletionWindowInDays`."""

    type = "aws:kms/key:Key"
    inputs = {
        "bypassPolicyLockoutSafetyCheck": bool,
        "customerMasterKeySpec": str,
        "deletionWindowInDays": int,
        "description": str,
        "enableKeyRotation": bool,
        "isEnabled": bool,
        "keyUsage": str,
        "multiRegion": bool,
        "policy": str,
        "rotationPeriodInDays": int,
        "tags": dict,
    }
    replace = frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"})
    policies = frozenset({"policy"})
    store = True
    names = {"customerMasterKeySpec": "keySpec"}
    _made_with = (
        "bypassPolicyLockoutSafetyCheck",
        "customerMasterKeySpec",
        "description",
        "keyUsage",
        "multiRegion",
        "policy",
    )
    _kept_here = ("bypassPolicyLockoutSafetyCheck", "deletionWindowInDays")

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("kms")
        # The real provider says what a key is for even where the program leaves it to AWS.
        given = {"keyUsage": "ENCRYPT_DECRYPT", **{k: inputs[k] for k in self._made_with if k in inputs}}
        settings = request(client, "CreateKey", given, self.names)
        tags = tag_list(inputs, "TagKey", "TagValue")
        id = client.create_key(**settings, **({"Tags": tags} if tags else {}))["KeyMetadata"]["KeyId"]
        self._switch(client, id, {}, inputs)
        return self._state(client, id, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("kms")
        seen = found(client.describe_key, _MISSING, KeyId=id)
        if seen is None or seen["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        return self._state(client, id, inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("kms")
        if new.get("isEnabled", True):
            client.enable_key(KeyId=id)  # KMS changes nothing else about a disabled key
        if old.get("description", "") != new.get("description", ""):
            client.update_key_description(KeyId=id, Description=new.get("description", ""))
        if "policy" in new and old.get("policy") != new["policy"]:
            bypass = bool(new.get("bypassPolicyLockoutSafetyCheck"))
            client.put_key_policy(
                KeyId=id, PolicyName="default", Policy=new["policy"], BypassPolicyLockoutSafetyCheck=bypass
            )
        self._switch(client, id, old, new)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(KeyId=id, TagKeys=gone)
        if put:
            client.tag_resource(KeyId=id, Tags=tag_list({"tags": put}, "TagKey", "TagValue"))
        return self._state(client, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        # An invalid state is one that has the deletion ahead of it already.
        with absent_ok(_MISSING, "KMSInvalidStateException"):
            days = inputs.get("deletionWindowInDays", _WINDOW_DAYS)
            aws("kms").schedule_key_deletion(KeyId=id, PendingWindowInDays=days)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return next(iter(self.candidates(aws, inputs)), None)

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        client = aws("kms")
        ids = [key["KeyId"] for page in client.get_paginator("list_keys").paginate() for key in page["Keys"]]
        return [id for id in ids if self._is_like(client, id, inputs)]

    def _is_like(self, client: Any, id: str, inputs: Props) -> bool:
        seen = client.describe_key(KeyId=id)["KeyMetadata"]
        wanted = (inputs.get("description", ""), inputs.get("keyUsage", "ENCRYPT_DECRYPT"))
        if seen["KeyState"] == "PendingDeletion" or seen["KeyManager"] != "CUSTOMER":
            return False
        return (seen["Description"], seen.get("KeyUsage")) == wanted and self._tags(client, id) == (
            inputs.get("tags") or {}
        )

    def _switch(self, client: Any, id: str, old: Props, new: Props) -> None:
        """Set what creation cannot: rotation, and whether the key is enabled."""
        rotation = (bool(new.get("enableKeyRotation")), new.get("rotationPeriodInDays", _ROTATION_DAYS))
        if rotation[0] and rotation != (
            bool(old.get("enableKeyRotation")),
            old.get("rotationPeriodInDays", _ROTATION_DAYS),
        ):
            client.enable_key_rotation(KeyId=id, RotationPeriodInDays=rotation[1])
        elif old.get("enableKeyRotation") and not rotation[0]:
            client.disable_key_rotation(KeyId=id)
        if not new.get("isEnabled", True):
            client.disable_key(KeyId=id)

    def _state(self, client: Any, id: str, inputs: Props) -> State:
        seen = client.describe_key(KeyId=id)["KeyMetadata"]
        rotation = client.get_key_rotation_status(KeyId=id)
        rotates = bool(rotation["KeyRotationEnabled"])
        whole = {
            **seen,
            "isEnabled": seen["Enabled"],
            "enableKeyRotation": rotates,
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays", _ROTATION_DAYS) if rotates else None,
            "policy": client.get_key_policy(KeyId=id, PolicyName="default")["Policy"],
            "tags": self._tags(client, id),
        }
        # The rest of the defaults that AWS fills in are outputs too: programs ask for the policy that a key got.
        like = {"policy": "", "isEnabled": True, "enableKeyRotation": False, **without(inputs, *self._kept_here)}
        kept = {name: inputs[name] for name in self._kept_here if name in inputs}
        outputs = {**kept, **response(self.inputs, like, whole, self.names)}
        return State(id, {**outputs, "arn": seen["Arn"], "keyId": id, "tagsAll": whole["tags"]})

    def _tags(self, client: Any, id: str) -> dict[str, str]:
        return tag_map(client.list_resource_tags(KeyId=id)["Tags"], "TagKey", "TagValue")


class Alias(Handler):
    """A name of a key. Its id is its name, which begins with `alias/`."""

    type = "aws:kms/alias:Alias"
    inputs = {"name": str, "targetKeyId": str}
    required = frozenset(inputs)
    replace = frozenset({"name"})
    delete_before_replace = True
    store = True  # what is encrypted is found by it

    def create(self, aws: Clients, inputs: Props) -> State:
        aws("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return self._known(aws, inputs["name"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        pages = aws("kms").get_paginator("list_aliases").paginate()
        seen = next((a for page in pages for a in page["Aliases"] if a["AliasName"] == id), None)
        if seen is None or "TargetKeyId" not in seen:
            return None
        key, wanted = seen["TargetKeyId"], inputs.get("targetKeyId", "")
        arn = f"{seen['AliasArn'].rpartition(':')[0]}:key/{key}"
        # The target may be given as an id or as an ARN: the same key is no change.
        outputs = {"name": id, "targetKeyId": wanted if wanted.endswith(key) else key, "arn": seen["AliasArn"]}
        return State(id, {**outputs, "targetKeyArn": arn})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        aws("kms").update_alias(AliasName=id, TargetKeyId=new["targetKeyId"])
        return self._known(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok(_MISSING):
            aws("kms").delete_alias(AliasName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["name"], inputs)
        return state.id if state else None

    def _known(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        return state or State(id, dict(inputs))


HANDLERS = (Alias, Key)
