"""Give a stack to Pulumi's engine: its records in the form of Pulumi's deployments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from terrace.engine.embedded.deletion import in_order
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.state import State
from terrace.engine.embedded.values import SECRET_SIGNATURE, SIGNATURE, Secret
from terrace.errors import EngineError


def handed_over(state: State) -> list[dict[str, Any]]:
    """Return a state's resources for `pulumi stack import`, each after what it needs.

    Raises:
        EngineError: A replacement is half done: its old resource waits to be deleted.
    """
    records = list(state)
    half = [record for record in records if record.replaced]
    if half:
        raise EngineError(
            f"{half[0].type} {half[0].name!r} was replaced and its old one is not deleted yet.",
            "Finish that first: terrace up ENV --engine embedded",
        )
    ids = {record.urn: record.id for record in records}
    ordered = [record for level in reversed(in_order(records)) for record in level]
    roots = sorted({record.parent for record in records} - set(ids) - {""})
    return [
        *({"urn": urn, "custom": False, "type": urn.split("::")[2]} for urn in roots),
        *(_resource(record, ids) for record in ordered),
    ]


def _resource(record: Record, ids: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "urn": record.urn,
        "custom": record.custom,
        "type": record.type,
        "inputs": _written(record.inputs),
        "outputs": _written(record.outputs),
        "parent": record.parent,
        "dependencies": list(record.dependencies),
        "propertyDependencies": {name: list(urns) for name, urns in record.property_dependencies.items()},
        "protect": record.protect,
        "retainOnDelete": record.retain,
        "deletedWith": record.deleted_with,
    }
    if record.custom:
        found["id"] = record.id
    if record.provider:
        found["provider"] = f"{record.provider}::{ids[record.provider]}"
    return {key: value for key, value in found.items() if value not in ("", [], {}, False) or key == "custom"}


def _written(value: Any) -> Any:
    """Return a value as a deployment has it; a secret is in plain text, which `pulumi stack import` encrypts."""
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(_written(value.value))}
    if isinstance(value, Mapping):
        return {str(key): _written(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_written(inner) for inner in value]
    return value
