"""The arguments of a step against AWS's description of the call that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel

from terrace.sandbox.pipelines.expressions import is_expression, split, text
from terrace.sandbox.pipelines.kinds import CONDITION, JOBS, Kind

_WHOLE = re.compile(r"[+-]?\d+")
_BESIDES: Mapping[str, frozenset[str]] = {
    "HyperParameterTuningJob": frozenset({"TrainingJobSummaries"}),
}
"""What steps show beside their description: the jobs of a tuning job, best first."""


@cache
def operation(name: str) -> OperationModel:
    """Return AWS's description of a SageMaker operation."""
    return botocore.session.Session().get_service_model("sagemaker").operation_model(name)


def problems(kind: Kind, arguments: Any) -> Iterator[str]:
    """Yield what is wrong with arguments before anything is resolved, in the words that AWS has for it."""
    shape: Any = operation(kind.create).input_shape
    # The pipeline gives the name, and its own role to a step that says none.
    given = frozenset({kind.name, "RoleArn", "ExecutionRoleArn"})
    if kind.type == "RegisterModel" and isinstance(arguments, Mapping) and "ModelPackageName" in arguments:
        yield "Unknown Argument member 'ModelPackageName'."
        return
    yield from _judge(shape, arguments, given)


def _judge(shape: Any, value: Any, given: frozenset[str] = frozenset()) -> Iterator[str]:
    if is_expression(value):
        return
    match shape.type_name:
        case "structure":
            if not isinstance(value, Mapping):
                yield "Expecting start of Json Object."
                return
            for name, inner in value.items():
                if name not in shape.members:
                    yield f"Unknown Argument member '{name}'."
                elif inner is not None:
                    yield from _judge(shape.members[name], inner)
            missing = [name for name in shape.required_members if value.get(name) is None and name not in given]
            if missing:
                yield f"Model Validation failed: [object has missing required properties ({missing})]."
        case "list":
            if not isinstance(value, list):
                yield "Expecting start of Json Array."
                return
            for item in value:
                yield from _judge(shape.member, item)
        case "map":
            if not isinstance(value, Mapping):
                yield "Expecting start of Json Object."
                return
            for item in value.values():
                yield from _judge(shape.value, item)
        case _:
            if isinstance(value, (Mapping, list)):
                yield f"Expecting a value of type {shape.type_name}."


def fitted(kind: Kind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return resolved arguments with scalars in the types of the call: a pipeline's integer can be a hyperparameter."""
    result = _fit(operation(kind.create).input_shape, arguments)
    assert isinstance(result, dict)  # noqa: S101  (a structure stays one)
    return result


def _fit(shape: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        members = shape.members if shape.type_name == "structure" else None
        inner = getattr(shape, "value", shape)
        return {
            key: _fit(members[key] if members else inner, item)
            for key, item in value.items()
            if item is not None and (members is None or key in members)
        }
    if isinstance(value, list) and shape.type_name == "list":
        return [_fit(shape.member, item) for item in value]
    match shape.type_name:
        case "string" if not isinstance(value, str):
            return text(value)
        case "integer" | "long" if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        case "integer" | "long" if isinstance(value, float) and value.is_integer():
            return int(value)
        case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
    return value


def has_property(type: str, path: str) -> bool:
    """Tell whether a step of a type can have a property at a path, such as `ModelArtifacts.S3ModelArtifacts`."""
    if type == CONDITION:
        return path == "Outcome"
    if type not in JOBS:
        return False
    shape: Any = operation(JOBS[type].describe).output_shape
    parts = split(path)
    if parts and parts[0] in _BESIDES.get(JOBS[type].noun, ()):
        return True
    for part in parts:
        if shape.type_name == "structure":
            if part not in shape.members:
                return False
            shape = shape.members[part]
        elif shape.type_name in ("list", "map"):
            shape = shape.member if shape.type_name == "list" else shape.value
        else:
            return False
    return bool(parts)
