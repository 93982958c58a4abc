"""Listings of jobs: filtered, sorted and paged as every List operation of SageMaker does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.jobs.job import Job
from terrace.sandbox.services.extend import Refusal, page

_PAGE = 10
"""How many there are on a page unless the call says; AWS's own default."""


def listed(
    jobs: Iterable[Job], get: Callable[[str], Any], keys: Mapping[str, Callable[[Job], Any]] | None = None
) -> tuple[list[Job], str | None]:
    """Return one page of jobs and the token of the next one.

    Args:
        jobs: All there are.
        get: Returns a parameter of the call.
        keys: Ways to sort that are not every listing's.
    """
    found = [job for job in jobs if _asked_for(job, get)]
    ways: dict[str, Callable[[Job], Any]] = {
        "Name": lambda job: job.name,
        "Status": lambda job: (job.status, job.created),
        "CreationTime": lambda job: (job.created, job.name),
        **(keys or {}),
    }
    found.sort(key=ways[get("SortBy") or "CreationTime"], reverse=(get("SortOrder") or "Descending") == "Descending")
    return page(found, get("MaxResults"), get("NextToken"), _PAGE)


def _asked_for(job: Job, get: Callable[[str], Any]) -> bool:
    part, status = get("NameContains"), get("StatusEquals")
    if part and part.lower() not in job.name.lower():
        return False
    if status and job.status != status:
        return False
    if get("WarmPoolStatusEquals") or get("TrainingPlanArnEquals"):
        return False  # no job here has either
    for name, when in (("CreationTime", job.created), ("LastModifiedTime", job.modified)):
        after, before = _time(get(f"{name}After")), _time(get(f"{name}Before"))
        if (after is not None and when <= after) or (before is not None and when >= before):
            return False
    return True


def _time(said: Any) -> datetime | None:
    if said is None:
        return None
    if isinstance(said, (int, float)):
        return datetime.fromtimestamp(said, UTC)
    try:
        when = said if isinstance(said, datetime) else datetime.fromisoformat(str(said).replace("Z", "+00:00"))
    except ValueError:
        raise Refusal("ValidationException", f"{said} is no time.") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
