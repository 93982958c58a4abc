"""The filters and the order that both listings of MLflow have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any


def chosen(records: Iterable[dict[str, Any]], response: Any, status: str, name: str) -> list[dict[str, Any]]:
    """Return the records that a listing asks for, in its order: by creation, the newest first, unless it says more.

    Args:
        records: Descriptions.
        response: moto's response object, which has what was asked for.
        status: The name of the status in a record, and of the filter.
        name: The name of the name in a record.
    """
    wanted = response._get_param
    after, before = _time(wanted("CreatedAfter")), _time(wanted("CreatedBefore"))
    found = [
        record
        for record in records
        if wanted(status) in (None, record[status])
        and wanted("MlflowVersion") in (None, record["MlflowVersion"])
        and (after is None or record["CreationTime"] > after)
        and (before is None or record["CreationTime"] < before)
    ]
    keys = {"Name": name, "Status": status, "CreationTime": "CreationTime"}
    key = keys[wanted("SortBy") or "CreationTime"]
    return sorted(found, key=lambda record: record[key], reverse=wanted("SortOrder") != "Ascending")


def _time(given: Any) -> datetime | None:
    """Return a time that a call names: moto gives some as times and some as seconds since 1970."""
    if given is None or isinstance(given, datetime):
        return given if given is None or given.tzinfo else given.replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(given), UTC)
