"""Rules of EventBridge that are for times, not for events."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from terrace.sandbox.events import expressions
from terrace.sandbox.events.alarmclock import AlarmClock

Trigger = Callable[[Any, Mapping[str, Any]], None]
"""Sends an event to all targets of a rule."""


class TimedRules:
    """Triggers rules when their schedules say so.

    Args:
        clock: When.
        trigger: What then happens.
    """

    def __init__(self, clock: AlarmClock, trigger: Trigger) -> None:
        self._clock = clock
        self._trigger = trigger

    def take_up(self, rule: Any) -> None:
        """Take up a rule of moto's that was made or changed. A rate counts from then on."""
        now = self._clock.now()

        def due(time: datetime) -> bool:
            if not _is_there(rule):
                return False
            if rule.state != "DISABLED":
                self._trigger(rule, _event(rule, time))
            return True

        self._clock.set(rule.arn, expressions.parse(rule.scheduled_expression, start=now), due, since=now)


def _is_there(rule: Any) -> bool:
    from moto.events.models import events_backends

    bus = events_backends[rule.account_id][rule.region_name].event_buses.get(rule.event_bus_name)
    return bus is not None and bus.rules.get(rule.name) is rule


def _event(rule: Any, time: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
