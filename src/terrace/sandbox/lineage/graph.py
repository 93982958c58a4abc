"""The lineage of one account and region: entities, and associations between them. Kept on moto's backend."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.services.extend import state

LINEAGE_TYPES = {
    "artifact": "Artifact",
    "context": "Context",
    "action": "Action",
    "experiment-trial-component": "TrialComponent",
}
"""Kind in an ARN → kind in QueryLineage."""


@dataclass
class Entity:
    """An artifact, context or action.

    Attributes:
        kind: `artifact`, `context` or `action`.
        arn: Its ARN.
        record: What Describe answers, but the ARN.
        tags: Its tags.
    """

    kind: str
    arn: str
    record: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """Its type, such as `DataSet`, `Model`, `Endpoint`."""
        return str(self.record[f"{self.kind.capitalize()}Type"])

    @property
    def name(self) -> str | None:
        """Its name; an artifact may have none."""
        return self.record.get(f"{self.kind.capitalize()}Name")

    @property
    def source(self) -> str:
        """What it stands for: a URI, or an ARN."""
        return str(self.record["Source"]["SourceUri"])

    def touch(self) -> None:
        """Note that it was changed now."""
        self.record["LastModifiedTime"] = datetime.now(UTC)


@dataclass(frozen=True)
class Association:
    """That one entity contributed to another, produced it, or is associated with it."""

    source: str
    destination: str
    type: str
    created: datetime


class Graph:
    """Entities and associations of one account and region.

    Args:
        backend: moto's SageMaker backend, which holds them, so that a reset wipes them.
    """

    lock = threading.RLock()
    """Held while anything changes: calls and the recorder run in threads of their own."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.entities: dict[str, Entity] = state(backend, "lineage entities")
        self.associations: dict[tuple[str, str], Association] = state(backend, "lineage associations")  # type: ignore[assignment]

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of an entity that has a name."""
        return f"arn:aws:sagemaker:{self.backend.region_name}:{self.backend.account_id}:{kind}/{name.lower()}"

    def of_kind(self, kind: str) -> Iterator[Entity]:
        """Yield all artifacts, contexts or actions."""
        return (entity for entity in list(self.entities.values()) if entity.kind == kind)

    def artifact_arn(self, source: Mapping[str, Any]) -> str:
        """Return the ARN of the artifact of a source: there is one for each."""
        ids = sorted(f"{one['SourceIdType']}={one['Value']}" for one in source.get("SourceTypes") or ())
        text = "\n".join([source["SourceUri"], *ids])
        return self.arn("artifact", hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())

    def put(self, kind: str, arn: str, record: Mapping[str, Any]) -> Entity:
        """Add an entity that has no record of times yet."""
        now = datetime.now(UTC)
        kept = {name: value for name, value in record.items() if value is not None}
        entity = Entity(kind, arn, {**kept, "CreationTime": now, "LastModifiedTime": now})
        with self.lock:
            self.entities[arn] = entity
        return entity

    def associate(self, source: str, destination: str, kind: str) -> None:
        """Add an association; one that is there stays."""
        with self.lock:
            made = Association(source, destination, kind, datetime.now(UTC))
            self.associations.setdefault((source, destination), made)

    def component(self, arn: str) -> Any:
        """Return the trial component with an ARN, None if there is none."""
        components = self.backend.trial_components.values()
        return next((one for one in list(components) if one.arn == arn), None)

    def knows(self, arn: str) -> bool:
        """Tell whether there is an entity or a trial component with an ARN."""
        return arn in self.entities or self.component(arn) is not None

    def type_of(self, arn: str) -> str:
        """Return the type of an entity, or what a trial component was made for."""
        if arn in self.entities:
            return self.entities[arn].type
        source = getattr(self.component(arn), "source", None) or {}
        return str(source.get("SourceType", "TrialComponent"))

    def name_of(self, arn: str) -> str | None:
        """Return the name of an entity or trial component."""
        if arn in self.entities:
            return self.entities[arn].name
        component = self.component(arn)
        return str(component.trial_component_name) if component is not None else None


def kind_of(arn: str) -> str:
    """Return the kind that an ARN names, such as `artifact`."""
    return arn.split(":")[5].partition("/")[0]
