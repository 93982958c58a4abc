"""What a recorder writes with: entities that are found by what they stand for, and made when there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from terrace.sandbox.lineage.graph import Entity, Graph


@dataclass(frozen=True)
class Journal:
    """The lineage that is written, and a client that describes what is written of.

    Attributes:
        graph: The lineage of an account and region.
        client: A SageMaker client of that account and region.
    """

    graph: Graph
    client: Any

    def artifact(self, uri: str, kind: str, **properties: str) -> Entity:
        """Return the artifact of a URI. There is one for each: what made a model may be the data of an evaluation."""
        source = {"SourceUri": uri}
        arn = self.graph.artifact_arn(source)
        with self.graph.lock:
            found = self.graph.entities.get(arn)
            if found is None:
                record = {"Source": source, "ArtifactType": kind, "Properties": properties}
                found = self.graph.put("artifact", arn, record)
        return found

    def context(self, name: str, uri: str, kind: str, source_type: str, **properties: str) -> Entity:
        """Return the context of an ARN, with the properties that it has now."""
        source = {"SourceUri": uri, "SourceType": source_type}
        return self._named("context", name, source, kind, properties)

    def action(self, name: str, uri: str, kind: str, source_type: str, **properties: str) -> Entity:
        """Return the action of a name, with the properties that it has now."""
        source = {"SourceUri": uri, "SourceType": source_type}
        return self._named("action", name, source, kind, properties)

    def link(self, source: Entity | str, destination: Entity | str, kind: str) -> None:
        """Associate two entities, or trial components by their ARN."""
        ends = [end if isinstance(end, str) else end.arn for end in (source, destination)]
        self.graph.associate(ends[0], ends[1], kind)

    def _named(self, kind: str, name: str, source: dict[str, str], of: str, properties: dict[str, str]) -> Entity:
        arn, noun = self.graph.arn(kind, name), kind.capitalize()
        with self.graph.lock:
            found = self.graph.entities.get(arn)
            if found is None:
                record: dict[str, Any] = {"Source": source, f"{noun}Name": name, f"{noun}Type": of}
                found = self.graph.put(kind, arn, record)
            if found.record.get("Properties", {}) | properties != found.record.get("Properties", {}):
                found.record["Properties"] = found.record.get("Properties", {}) | properties
                found.touch()
        return found
