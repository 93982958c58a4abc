"""SageMaker's operations on associations between lineage entities."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.lineage.entities import graph_of, moment
from terrace.sandbox.lineage.graph import Association, Graph
from terrace.sandbox.services.extend import add, page

_PAGE = 10


def install() -> None:
    """Add the operations to moto's SageMaker. Once in a process, before the server starts."""
    add(SageMakerResponse, [add_association, delete_association, list_associations])


def add_association(self: Any) -> ActionResult:
    """Associate two entities that there are."""
    graph, ends = graph_of(self), _ends(self)
    for arn in ends:
        if not graph.knows(arn):
            raise ResourceNotFound(message=f"Lineage entity {arn} does not exist.")
    graph.associate(*ends, self._get_param("AssociationType"))
    return ActionResult({"SourceArn": ends[0], "DestinationArn": ends[1]})


def delete_association(self: Any) -> ActionResult:
    """Remove an association."""
    graph, ends = graph_of(self), _ends(self)
    with graph.lock:
        if graph.associations.pop(ends, None) is None:
            raise ResourceNotFound(message=f"Association of {ends[0]} with {ends[1]} does not exist.")
    return ActionResult({"SourceArn": ends[0], "DestinationArn": ends[1]})


def list_associations(self: Any) -> ActionResult:
    """List associations, by their ends, the types of their ends, their own type and when they were made."""
    graph, wanted = graph_of(self), self._get_param
    after, before = moment(wanted("CreatedAfter")), moment(wanted("CreatedBefore"))
    shown = [
        _summary(graph, one)
        for one in list(graph.associations.values())
        if (after is None or one.created > after) and (before is None or one.created < before)
    ]
    exact = ("SourceArn", "DestinationArn", "SourceType", "DestinationType", "AssociationType")
    found = [one for one in shown if all(wanted(name) in (None, one.get(name)) for name in exact)]
    key = wanted("SortBy") or "CreationTime"
    found.sort(key=lambda one: one[key], reverse=wanted("SortOrder") != "Ascending")
    summaries, token = page(found, wanted("MaxResults"), wanted("NextToken"), _PAGE)
    return ActionResult({"AssociationSummaries": summaries, "NextToken": token})


def _ends(self: Any) -> tuple[str, str]:
    return self._get_param("SourceArn"), self._get_param("DestinationArn")


def _summary(graph: Graph, one: Association) -> dict[str, Any]:
    said = {
        "SourceArn": one.source,
        "DestinationArn": one.destination,
        "SourceType": graph.type_of(one.source),
        "DestinationType": graph.type_of(one.destination),
        "AssociationType": one.type,
        "SourceName": graph.name_of(one.source),
        "DestinationName": graph.name_of(one.destination),
        "CreationTime": one.created,
    }
    return {name: value for name, value in said.items() if value is not None}
