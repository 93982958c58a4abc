"""Parameters: small documents and secrets by path."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Failure, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.invokes import invoke
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "ParameterNotFound"


class Parameter(Handler):
    """A value by path. Its id is its name."""

    type = "aws:ssm/parameter:Parameter"
    inputs = {
        "allowedPattern": str,
        "dataType": str,
        "description": str,
        "insecureValue": str,
        "keyId": str,
        "name": str,
        "overwrite": bool,
        "tags": dict,
        "tier": str,
        "type": str,
        "value": str,
    }
    required = frozenset({"name", "type"})
    replace = frozenset({"dataType", "name"})
    delete_before_replace = True

    def secrets(self, inputs: Props) -> frozenset[str]:
        return frozenset({"value"}) if inputs.get("type") == "SecureString" else frozenset()

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if ("value" in inputs) == ("insecureValue" in inputs):
            failures.append(Failure("value", "is required, or insecureValue in its place, and not both"))
        return failures

    def diff(self, old: Props, new: Props) -> Diff:
        # SSM makes a parameter advanced at any time, but never standard again.
        diff = super().diff(old, new)
        if "tier" in diff.changed and old.get("tier") == "Advanced" and new.get("tier") == "Standard":
            return Diff(diff.changed, (*diff.replace, "tier"), True)
        return diff

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("ssm")
        overwrite = bool(inputs.get("overwrite"))
        # A call that may overwrite takes no tags.
        tags = {} if overwrite else {"Tags": tag_list(inputs)}
        client.put_parameter(**self._settings(client, inputs), Overwrite=overwrite, **tags)
        if overwrite:
            self._tag(client, inputs["name"], {}, inputs)
        return self._state(client, inputs["name"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("ssm")
        return found(client.get_parameter, _MISSING, Name=id) and self._state(client, id, inputs)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("ssm")
        if not old:
            # What an interrupted creation put is put no second time: that would count as a version.
            seen = self._state(client, id, new).outputs
            old = {name: seen[name] for name in new if name in seen}
        if without(old, "overwrite", "tags") != without(new, "overwrite", "tags"):
            # What is left out of the call would stay as it is.
            cleared = {name: "" for name in ("description", "allowedPattern") if name in old and name not in new}
            client.put_parameter(**self._settings(client, {**new, **cleared}), Overwrite=True)
        self._tag(client, id, old, new)
        return self._state(client, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok(_MISSING):
            aws("ssm").delete_parameter(Name=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = str(inputs["name"])
        return found(aws("ssm").get_parameter, _MISSING, Name=name) and name

    def _settings(self, client: Any, inputs: Props) -> dict[str, Any]:
        value = inputs["value"] if "value" in inputs else inputs["insecureValue"]
        return request(
            client, "PutParameter", {**without(inputs, "insecureValue", "overwrite", "tags"), "value": value}
        )

    def _tag(self, client: Any, name: str, old: Props, new: Props) -> None:
        put, gone = tag_changes(old, new)
        if gone:
            client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=gone)
        if put:
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=tag_list({"tags": put}))

    def _state(self, client: Any, name: str, inputs: Props) -> State:
        seen = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        only = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        described = client.describe_parameters(ParameterFilters=only)["Parameters"]
        tags = tag_map(client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"])
        whole = {**(described[0] if described else {}), **seen, "insecureValue": seen["Value"], "tags": tags}
        outputs = response(self.inputs, {"tier": "", "dataType": "", **inputs}, whole)
        if "overwrite" in inputs:
            outputs["overwrite"] = inputs["overwrite"]  # says how it was put, and is no part of it
        if seen["Type"] != "SecureString":
            outputs["insecureValue"] = seen["Value"]
        return State(
            name, {**outputs, "value": seen["Value"], "arn": seen["ARN"], "version": seen["Version"], "tagsAll": tags}
        )


@invoke({"name": str, "withDecryption": bool}, "name")
def get_parameter(aws: Clients, args: Props) -> Props:
    """Return a parameter, decrypted unless `withDecryption` is false."""
    decrypt = bool(args.get("withDecryption", True))
    seen = aws("ssm").get_parameter(Name=args["name"], WithDecryption=decrypt)["Parameter"]
    value = seen["Value"]
    return {
        "name": args["name"],
        "id": args["name"],
        "arn": seen["ARN"],
        "type": seen["Type"],
        "value": value,
        "insecureValue": "" if seen["Type"] == "SecureString" else value,
        "version": seen["Version"],
        "withDecryption": decrypt,
    }


HANDLERS = (Parameter,)
INVOKES = {"aws:ssm/getParameter:getParameter": get_parameter}
