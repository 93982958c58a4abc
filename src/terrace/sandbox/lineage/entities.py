"""SageMaker's operations on artifacts, contexts and actions: three nouns, one grammar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.lineage.graph import Entity, Graph
from terrace.sandbox.services.extend import merge_tags, page
from terrace.sandbox.services.sagemaker_tags import keep_tags

_GIVEN = ("Source", "Description", "Status", "Properties", "MetadataProperties")
_PAGE = 10
_PROPERTIES = 30
"""How many properties an entity may have."""


def install() -> None:
    """Add the operations to moto's SageMaker. Once in a process, before the server starts."""
    for kind in ("artifact", "context", "action"):
        for verb, make in (
            ("create", _create),
            ("describe", _describe),
            ("update", _update),
            ("delete", _delete),
        ):
            setattr(SageMakerResponse, f"{verb}_{kind}", make(kind))
        setattr(SageMakerResponse, f"list_{kind}s", _list(kind))
    keep_tags(_tags)


def graph_of(response: Any) -> Graph:
    """Return the lineage that a call is about."""
    return Graph(response.sagemaker_backend)


Operation = Callable[[Any], ActionResult]


def _create(kind: str) -> Operation:
    noun = kind.capitalize()

    def operation(self: Any) -> ActionResult:
        graph, wanted = graph_of(self), self._get_param
        named = wanted(f"{noun}Name")
        arn = graph.artifact_arn(wanted("Source")) if kind == "artifact" else graph.arn(kind, named)
        with graph.lock:
            if arn in graph.entities:
                raise ValidationError(message=f"{noun} already exists: {arn}")
            record = {name: wanted(name) for name in _GIVEN}
            record |= {f"{noun}Name": named, f"{noun}Type": wanted(f"{noun}Type")}
            entity = graph.put(kind, arn, record)
        merge_tags(entity.tags, wanted("Tags"))
        return ActionResult({f"{noun}Arn": arn})

    return operation


def _describe(kind: str) -> Operation:
    noun = kind.capitalize()

    def operation(self: Any) -> ActionResult:
        entity = _find(self, kind)
        return ActionResult({**entity.record, f"{noun}Arn": entity.arn})

    return operation


def _update(kind: str) -> Operation:
    noun = kind.capitalize()

    def operation(self: Any) -> ActionResult:
        entity, wanted = _find(self, kind), self._get_param
        properties = {**entity.record.get("Properties", {}), **(wanted("Properties") or {})}
        for name in wanted("PropertiesToRemove") or ():
            properties.pop(name, None)
        if len(properties) > _PROPERTIES:
            raise ValidationError(message=f"{noun} {entity.arn} would have more than {_PROPERTIES} properties.")
        changes = {name: wanted(name) for name in ("Description", "Status")}
        if kind == "artifact":
            changes["ArtifactName"] = wanted("ArtifactName")
        entity.record |= {name: value for name, value in changes.items() if value is not None}
        if properties or "Properties" in entity.record:
            entity.record["Properties"] = properties
        entity.touch()
        return ActionResult({f"{noun}Arn": entity.arn})

    return operation


def _delete(kind: str) -> Operation:
    noun = kind.capitalize()

    def operation(self: Any) -> ActionResult:
        entity, graph = _find(self, kind), graph_of(self)
        with graph.lock:
            if any(entity.arn in ends for ends in graph.associations):
                raise ValidationError(message=f"{noun} {entity.arn} cannot be deleted: it has associations.")
            del graph.entities[entity.arn]
        return ActionResult({f"{noun}Arn": entity.arn})

    return operation


def _list(kind: str) -> Operation:
    noun = kind.capitalize()

    def operation(self: Any) -> ActionResult:
        wanted = self._get_param
        after, before = moment(wanted("CreatedAfter")), moment(wanted("CreatedBefore"))
        found = [
            entity
            for entity in graph_of(self).of_kind(kind)
            if wanted("SourceUri") in (None, entity.source)
            and wanted(f"{noun}Type") in (None, entity.type)
            and (after is None or entity.record["CreationTime"] > after)
            and (before is None or entity.record["CreationTime"] < before)
        ]
        key = f"{noun}Name" if wanted("SortBy") == "Name" else "CreationTime"
        found.sort(key=lambda entity: entity.record[key], reverse=wanted("SortOrder") != "Ascending")
        shown = [{**entity.record, f"{noun}Arn": entity.arn} for entity in found]
        summaries, token = page(shown, wanted("MaxResults"), wanted("NextToken"), _PAGE)
        return ActionResult({f"{noun}Summaries": summaries, "NextToken": token})

    return operation


def moment(given: Any) -> datetime | None:
    """Return a time that a call names: moto gives some as times and some as seconds since 1970."""
    if given is None or isinstance(given, datetime):
        return given if given is None or given.tzinfo else given.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(given), UTC)


def _find(self: Any, kind: str) -> Entity:
    """Return the entity that a call names: an artifact by ARN or source, the others by name or ARN."""
    graph, noun = graph_of(self), kind.capitalize()
    arn = self._get_param(f"{noun}Arn")
    if arn is None and kind == "artifact":
        source = self._get_param("Source")
        if source is None:
            raise ValidationError(message="Either ArtifactArn or Source must be given.")
        arn = graph.artifact_arn(source)
    elif arn is None:
        name = self._get_param(f"{noun}Name")
        arn = name if name.startswith("arn:") else graph.arn(kind, name)
    found = graph.entities.get(arn)
    if found is None or found.kind != kind:
        raise ResourceNotFound(message=f"{noun} {arn} does not exist.")
    return found


def _tags(self: Any, arn: str) -> dict[str, str] | None:
    found = graph_of(self).entities.get(arn)
    return found.tags if found is not None else None
