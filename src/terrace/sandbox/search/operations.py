"""SageMaker's operations that search, in the place of moto's, which knows none of what the sandbox adds to it."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.search.expressions import ordered, predicate, visibility
from terrace.sandbox.search.properties import STATISTICS, Kind, Property, property_of
from terrace.sandbox.search.records import RESOURCES, Record, Source, records_of, tags_of
from terrace.sandbox.services.extend import Refusal, add, page

_PAGE = 10
"""How many results there are on a page unless the call says; AWS's own default."""


def install() -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""
    add(SageMakerResponse, [search, get_search_suggestions])


def search(response: Any) -> ActionResult:
    """Answer with the resources of a kind that satisfy an expression, page by page."""
    resource, wanted = _resource(response), response._get_param
    if wanted("CrossAccountFilterOption") == "CrossAccount":
        raise Refusal("ValidationException", "The sandbox has no resources that other accounts made discoverable.")
    expression, conditions = wanted("SearchExpression"), wanted("VisibilityConditions")
    tests = [predicate(resource, expression)] if expression is not None else []
    tests += [visibility(conditions)] if conditions else []
    order = property_of(resource, wanted("SortBy")) if wanted("SortBy") else _CHANGED
    found = [record for record in records_of(Source(response), resource) if all(test(record) for test in tests)]
    found = ordered(found, order, descending=wanted("SortOrder") != "Ascending")
    shown, token = page(found, wanted("MaxResults"), wanted("NextToken"), _PAGE)
    return ActionResult(
        {
            "Results": [{RESOURCES[resource].member: record} for record in shown],
            "NextToken": token,
            "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
        }
    )


def get_search_suggestions(response: Any) -> ActionResult:
    """Answer with the names of hyperparameters, tags and metrics that there are and that begin as it is asked."""
    resource = _resource(response)
    hint = ((response._get_param("SuggestionQuery") or {}).get("PropertyNameQuery") or {}).get("PropertyNameHint", "")
    names = {name for record in records_of(Source(response), resource) for name in _names(record)}
    suggestions = [{"PropertyName": name} for name in sorted(names) if name.startswith(hint)]
    return ActionResult({"PropertyNameSuggestions": suggestions})


def _resource(response: Any) -> str:
    resource: str = response._get_param("Resource")
    if resource not in RESOURCES:
        known = ", ".join(sorted(RESOURCES))
        raise Refusal("ValidationException", f"The sandbox does not search {resource}: it searches {known}.")
    return resource


def _changed(record: Record) -> list[Any]:
    times = (record.get("LastModifiedTime"), record.get("CreationTime"), record.get("Model", {}).get("CreationTime"))
    return [time for time in times if time is not None][:1]


_CHANGED = Property("LastModifiedTime", Kind.TIME, _changed)
"""What results are sorted by unless the call says. What was never changed counts by its creation."""


def _names(record: Record) -> list[str]:
    tags = [f"Tags.{tag['Key']}" for tag in tags_of(record)]
    hyperparameters = [f"HyperParameters.{name}" for name in record.get("HyperParameters", {})]
    final = [f"Metrics.{one['MetricName']}" for one in record.get("FinalMetricDataList", ())]
    of_components = [f"Metrics.{one['MetricName']}.{end}" for one in record.get("Metrics", ()) for end in STATISTICS]
    return tags + hyperparameters + final + of_components
