"""The operations of EventBridge Scheduler that moto lacks, forgets something of, or takes anything for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.scheduler.responses import EventBridgeSchedulerResponse as Response

from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.services.kept import wrap

Check = Callable[[Any], None]
"""Judges the parameters of a schedule, read by `response._get_param`. Raises `Refusal`."""
Changed = Callable[[Any], None]
"""Told which schedule of moto's was made or changed."""


def install(check: Check, changed: Changed) -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts.

    Args:
        check: Judges a schedule before it is made or changed.
        changed: Told of it afterwards.
    """

    def create_schedule(original: Callable[[], Any], response: Any) -> Any:
        group = _group(response, response._get_param("GroupName") or "default")
        check(response)
        result = original()
        schedule = group.schedules[_last(response)]
        _keep(response, schedule)
        changed(schedule)
        return result

    def update_schedule(original: Callable[[], Any], response: Any) -> Any:
        schedule = _schedule(response)
        check(response)
        result = original()
        _keep(response, schedule)
        schedule.state = response._get_param("State") or "ENABLED"
        changed(schedule)
        return result

    wrap(Response, "create_schedule", create_schedule)
    wrap(Response, "update_schedule", update_schedule)
    wrap(Response, "create_schedule_group", _create_schedule_group)
    wrap(Response, "delete_schedule_group", _delete_schedule_group)


def _create_schedule_group(original: Callable[[], Any], response: Any) -> Any:
    name = _last(response)
    if name in response.scheduler_backend.schedule_groups:
        raise Refusal("ConflictException", f"Schedule group {name} already exists.")
    return original()


def _delete_schedule_group(original: Callable[[], Any], response: Any) -> Any:
    name = _last(response)
    _group(response, name)
    if name == "default":
        raise Refusal("ValidationException", "The default schedule group cannot be deleted.")
    return original()


def _keep(response: Any, schedule: Any) -> None:
    """Keep what is done after the last invocation, which an update of moto's forgets."""
    schedule.action_after_completion = response._get_param("ActionAfterCompletion") or "NONE"


def _schedule(response: Any) -> Any:
    group, name = _group(response, response._get_param("GroupName") or "default"), _last(response)
    if name not in group.schedules:
        raise Refusal("ResourceNotFoundException", f"Schedule {name} does not exist.")
    return group.schedules[name]


def _group(response: Any, name: str) -> Any:
    groups = response.scheduler_backend.schedule_groups
    if name not in groups:
        raise Refusal("ResourceNotFoundException", f"Schedule group {name} does not exist.")
    return groups[name]


def _last(response: Any) -> str:
    """Return the name that a path ends with."""
    return str(response.uri.split("?")[0].split("/")[-1])
