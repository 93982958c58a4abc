"""Between Pulumi's wire names and the members of AWS's own API shapes.

Pulumi writes `idleTimeoutInMinutes`, AWS `IdleTimeoutInMinutes`: the same word but for its case, nearly always. So a
handler only says which names differ in more (`names`), and the API model that botocore ships does the rest. A name
that the operation does not have is an error here, never a value that gets lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from terrace.sandbox.provider.base import Props, Schema

Names = Mapping[str, str]
"""Wire name → AWS's name, where they differ in more than their case. It holds at any depth of one resource."""


def request(client: Any, operation: str, props: Props, names: Names | None = None) -> dict[str, Any]:
    """Return the parameters of an operation from wire properties. None is left out.

    Args:
        client: A boto3 client of the service.
        operation: The operation by AWS's name, like `CreateDomain`.
        props: Wire properties, every one of which the operation must have.
        names: Names that differ in more than their case.

    Raises:
        LookupError: The operation has no member for a property.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    built: dict[str, Any] = _build(shape, props, names or {})
    return built


def response(schema: Schema, like: Props, seen: Mapping[str, Any], names: Names | None = None) -> dict[str, Any]:
    """Return what AWS answered under the wire names, restricted to the properties that `like` has.

    What AWS fills in by itself is left out that way, so that only a real change shows as one. A property that AWS
    no longer has is left out too.
    """
    known = {key: value for key, value in like.items() if key in schema}
    return {key: value for key, value in _restrict(schema, known, seen, names or {}).items() if value is not None}


def without(props: Props, *names: str) -> dict[str, Any]:
    """Return properties without these, which do not go into the request under their own name."""
    return {key: value for key, value in props.items() if key not in names}


def found(call: Callable[..., Any], *codes: str, **params: Any) -> Any:
    """Return what the call returns, None where AWS answers with one of these error codes.

    A code may be followed by words of the message (`ValidationException: Could not find`), for services that have
    no code of their own for what is missing.
    """
    try:
        return call(**params)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        for expected in codes:
            name, _, words = expected.partition(": ")
            if code == name and words in message:
                return None
        raise


def _build(shape: Any, value: Any, names: Names) -> Any:
    if shape.type_name == "structure":
        # The wire has lists where AWS has one structure, because the schema it comes from has blocks.
        if isinstance(value, list):
            value = value[0] if value else {}
        members = {_folded(member): member for member in shape.members}
        built = {}
        for key, inner in value.items():
            member = members.get(_folded(names.get(key, key)))
            if member is None:
                raise LookupError(f"{shape.name} has no member for {key}")
            if inner is not None:
                built[member] = _build(shape.members[member], inner, names)
        return built
    if shape.type_name == "list":
        return [_build(shape.member, item, names) for item in (value if isinstance(value, list) else [value])]
    if shape.type_name == "map":
        return dict(value)
    if shape.type_name in ("float", "double"):
        return float(value)
    return value


def _restrict(schema: Any, like: Any, seen: Any, names: Names) -> Any:
    """Return what was seen in the wire's words; of maps only the keys that `like` has, where it is a map too."""
    if isinstance(schema, Mapping):
        if isinstance(seen, list):
            seen = seen[0] if seen else None  # one structure of the wire that is a list on AWS
        if not isinstance(seen, Mapping):
            return seen
        members = {_folded(member): inner for member, inner in seen.items()}
        places = {key: _folded(names.get(key, key)) for key in (like if isinstance(like, Mapping) else schema)}
        inputs = like if isinstance(like, Mapping) else {}
        return {
            key: _restrict(schema[key], inputs.get(key), members.get(place), names)
            for key, place in places.items()
            if key in inputs or place in members
        }
    if isinstance(schema, list):
        if isinstance(seen, Mapping):
            seen = [seen]  # a list of the wire that is one structure on AWS
        if not isinstance(seen, list):
            return seen
        alike = isinstance(like, list) and len(like) == len(seen)
        return [_restrict(schema[0], like[n] if alike else None, item, names) for n, item in enumerate(seen)]
    if isinstance(seen, float) and seen.is_integer():
        return int(seen)
    return seen


def _folded(name: str) -> str:
    return name.lower()
