"""QueryLineage: what is up or down the line from an entity."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.lineage.entities import graph_of, moment
from terrace.sandbox.lineage.graph import LINEAGE_TYPES, Association, Graph, kind_of
from terrace.sandbox.services.extend import add, page

MAX_DEPTH = 10
"""How far AWS follows associations."""
_PAGE = 50
_JOB = "SageMaker"
"""What the type of a job's trial component begins with everywhere but in this operation."""


def install() -> None:
    """Add the operation to moto's SageMaker. Once in a process, before the server starts."""
    add(SageMakerResponse, [query_lineage])


def query_lineage(self: Any) -> ActionResult:
    """Follow associations from the entities that are given, and return those that the filters let through.

    With edges, whatever lies on the way is returned too.
    """
    graph, wanted = graph_of(self), self._get_param
    starts = wanted("StartArns") or []
    for arn in starts:
        if not graph.knows(arn):
            raise ResourceNotFound(message=f"Lineage entity {arn} does not exist.")
    depth = min(int(wanted("MaxDepth") or MAX_DEPTH), MAX_DEPTH)
    reached, edges = follow(graph, starts or list(graph.entities), wanted("Direction") or "Both", depth)
    filters = wanted("Filters") or {}
    edged = bool(wanted("IncludeEdges"))
    kept = [arn for arn in reached if arn not in starts and (edged or _matches(graph, arn, filters))]
    if edged and filters:
        on_way = _on_way(edges, starts, [arn for arn in reached if _matches(graph, arn, filters)])
        kept = [arn for arn in kept if arn in on_way]
        edges = [edge for edge in edges if edge.source in on_way and edge.destination in on_way]
    vertices = [
        {"Arn": arn, "Type": _type(graph, arn), "LineageType": LINEAGE_TYPES.get(kind_of(arn), "TrialComponent")}
        for arn in kept
    ]
    shown, token = page(vertices, wanted("MaxResults"), wanted("NextToken"), _PAGE)
    told = [
        {"SourceArn": edge.source, "DestinationArn": edge.destination, "AssociationType": edge.type} for edge in edges
    ]
    return ActionResult({"Vertices": shown, "Edges": told if edged else [], "NextToken": token})


def follow(graph: Graph, starts: Iterable[str], direction: str, depth: int) -> tuple[list[str], list[Association]]:
    """Return what is reached from some entities, the nearest first, and the associations that were followed.

    Args:
        graph: The lineage.
        starts: ARNs.
        direction: `Ascendants` is against the associations' direction, `Descendants` with it, `Both` either way from
            each entity.
        depth: How many associations are followed one after the other.
    """
    with graph.lock:
        associations = list(graph.associations.values())
    into: dict[str, list[Association]] = {}
    out: dict[str, list[Association]] = {}
    for one in associations:
        into.setdefault(one.destination, []).append(one)
        out.setdefault(one.source, []).append(one)
    reached = dict.fromkeys(starts, 0)
    followed: dict[Association, None] = {}
    queue = deque(reached)
    while queue:
        arn = queue.popleft()
        if reached[arn] == depth:
            continue
        up = into.get(arn, []) if direction in ("Ascendants", "Both") else []
        down = out.get(arn, []) if direction in ("Descendants", "Both") else []
        for edge, end in [*((edge, edge.source) for edge in up), *((edge, edge.destination) for edge in down)]:
            followed[edge] = None
            if end not in reached:
                reached[end] = reached[arn] + 1
                queue.append(end)
    return list(reached), list(followed)


def _on_way(edges: Iterable[Association], starts: list[str], matched: list[str]) -> set[str]:
    """Return what lies between the starts and what matched, both included."""
    nearer: dict[str, set[str]] = {}
    for edge in edges:
        nearer.setdefault(edge.source, set()).add(edge.destination)
        nearer.setdefault(edge.destination, set()).add(edge.source)
    # The shortest way from a start to each; ways that are longer than that are not followed.
    before: dict[str, str | None] = dict.fromkeys(starts)
    queue = deque(starts)
    while queue:
        arn = queue.popleft()
        for other in nearer.get(arn, ()):
            if other not in before:
                before[other] = arn
                queue.append(other)
    kept = set(starts)
    for arn in matched:
        step: str | None = arn
        while step is not None and step not in kept:
            kept.add(step)
            step = before.get(step)
    return kept


def _type(graph: Graph, arn: str) -> str:
    return graph.type_of(arn).removeprefix(_JOB)


def _matches(graph: Graph, arn: str, filters: Mapping[str, Any]) -> bool:
    types, kinds = filters.get("Types"), filters.get("LineageTypes")
    if types and _type(graph, arn) not in types and graph.type_of(arn) not in types:
        return False
    if kinds and LINEAGE_TYPES.get(kind_of(arn)) not in kinds:
        return False
    record = _record(graph, arn)
    for name, of in (("Created", "CreationTime"), ("Modified", "LastModifiedTime")):
        when = record[of] if record[of].tzinfo else record[of].replace(tzinfo=UTC)
        after, before = moment(filters.get(f"{name}After")), moment(filters.get(f"{name}Before"))
        if (after is not None and when <= after) or (before is not None and when >= before):
            return False
    wanted = filters.get("Properties") or {}
    held = record.get("Properties") or {}
    # AWS: an entity is included if it has any of the pairs.
    return not wanted or any(held.get(key) == value for key, value in wanted.items())


def _record(graph: Graph, arn: str) -> Mapping[str, Any]:
    if arn in graph.entities:
        return graph.entities[arn].record
    component = graph.component(arn)
    return {"CreationTime": component.creation_time, "LastModifiedTime": component.last_modified_time}
