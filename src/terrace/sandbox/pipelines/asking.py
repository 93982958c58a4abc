"""What operations on pipelines share: who asks, for what, and how a listing is cut."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from terrace.sandbox.pipelines.execution import Execution
from terrace.sandbox.pipelines.pipeline import Pipeline, answered, executions, pipelines
from terrace.sandbox.services.extend import Refusal, page, when

Item = TypeVar("Item")
_ASKING = threading.RLock()
"""A request that is sent twice at once must be done once."""


def user(response: Any) -> dict[str, Any]:
    """Return who calls, as SageMaker notes it: in the sandbox each account is one person."""
    return {
        "IamIdentity": {
            "Arn": f"arn:aws:sts::{response.current_account}:user/moto",
            "PrincipalId": "AKIAIOSFODNN7EXAMPLE",
        }
    }


def pipeline_arn(response: Any, name: str) -> str:
    """Return the ARN of a pipeline."""
    return f"arn:aws:sagemaker:{response.region}:{response.current_account}:pipeline/{name}"


def pipeline(response: Any, said: str) -> Pipeline:
    """Return a pipeline by name or ARN. Raises ResourceNotFound."""
    name = said.rsplit("/", 1)[-1]
    found = pipelines(response.sagemaker_backend).get(name)
    if found is None or (said.startswith("arn:") and said != found.arn):
        arn = said if said.startswith("arn:") else pipeline_arn(response, name)
        raise Refusal("ResourceNotFound", f"Pipeline '{arn}' does not exist.")
    return found


def execution(response: Any) -> Execution:
    """Return the execution that is asked for. Raises ResourceNotFound."""
    arn = response._get_param("PipelineExecutionArn")
    found = executions(response.sagemaker_backend).get(arn)
    if found is None:
        raise Refusal("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
    return found


def once(response: Any, do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Answer a request; one that was made before with the same token is answered as it was then, and does nothing.

    AWS does not say what it answers to a token that comes with another request; doing nothing and calling it done
    would be a lie. Raises ConflictException.
    """
    token = response._get_param("ClientRequestToken")
    if not token:
        return do()
    seen, key, asked = answered(response.sagemaker_backend), f"{response._get_action()} {token}", response.body
    with _ASKING:
        if key not in seen:
            seen[key] = asked, do()
        before, answer = seen[key]
    if json.loads(before) != json.loads(asked):
        raise Refusal("ConflictException", f"The client request token {token} came with another request before.")
    found: dict[str, Any] = answer
    return found


def listing(
    response: Any,
    items: Iterable[Item],
    *,
    created: Callable[[Item], datetime],
    order: Callable[[Item], Any] | None = None,
) -> tuple[list[Item], str | None]:
    """Return the page that is asked for: what was created when, in which order.

    Args:
        response: Whose parameters say so.
        items: All there are, oldest first.
        created: When an item was created.
        order: What it is sorted by, the time of creation by default.
    """
    after, before = when(response._get_param("CreatedAfter")), when(response._get_param("CreatedBefore"))
    found = [
        item
        for item in items
        if (after is None or created(item) > after) and (before is None or created(item) < before)
    ]
    # The newest come first unless it is asked otherwise, and what is equally new keeps its place.
    found.sort(key=order or created)
    if response._get_param("SortOrder") != "Ascending":
        found.reverse()
    return page(found, response._get_param("MaxResults"), response._get_param("NextToken"))
