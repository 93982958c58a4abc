"""Which error a service answers to a call that its description refuses, and in which words."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.model import OperationModel

from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.validation.shapes import Violation

QUERY = ("query", "ec2")
_DECLARED = ("ValidationException", "ValidationError")
# Seen in the answers of AWS: these services have an error of their own for what others call a validation.
_OF_SERVICE = {"logs": "InvalidParameterException", "ecr": "InvalidParameterException"}


def protocols(operation: OperationModel) -> tuple[str, ...]:
    """Return the protocols that the service of an operation speaks."""
    metadata = operation.service_model.metadata
    return tuple(metadata.get("protocols") or (metadata["protocol"],))


def refusal(operation: OperationModel, found: Sequence[Violation]) -> Refusal:
    """Return what a service answers to a call that breaks rules."""
    service = operation.service_model.service_name
    if service == "ec2":
        return _of_ec2(found[0])
    if service == "ecr":
        return Refusal(_OF_SERVICE[service], _of_ecr(found[0]))
    plural = "" if len(found) == 1 else "s"
    message = f"{len(found)} validation error{plural} detected: " + "; ".join(str(one) for one in found)
    return Refusal(_code(operation), message)


def _code(operation: OperationModel) -> str:
    """Return the code of the operation's own model if it has one, or the usual one of the protocol."""
    declared = {shape.name for shape in operation.error_shapes}
    for code in _DECLARED:
        if code in declared:
            return code
    usual = "ValidationError" if "query" in protocols(operation) else "ValidationException"
    return _OF_SERVICE.get(operation.service_model.service_name, usual)


def _of_ec2(violation: Violation) -> Refusal:
    name = violation.path.rsplit(".", 1)[-1]
    if violation.shown == "null":
        return Refusal("MissingParameter", f"The request must contain the parameter {name}")
    return Refusal(
        "InvalidParameterValue",
        f"Value ({violation.shown.strip(chr(39))}) for parameter {name} is invalid. {violation.constraint}",
    )


def _of_ecr(violation: Violation) -> str:
    rule = violation.constraint.removeprefix("Member ")
    prefix = "must satisfy regular expression pattern: "
    if rule.startswith(prefix):
        rule = f"must satisfy regular expression '{rule.removeprefix(prefix)}'"
    return f"Invalid parameter at '{violation.path}' failed to satisfy constraint: '{rule}'"
