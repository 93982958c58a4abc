"""The room that makes rules, schedules, object events and alarms act."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.events import objects, schedules_api, service_metrics
from terrace.sandbox.events.alarmclock import AlarmClock
from terrace.sandbox.events.alarms import Evaluator
from terrace.sandbox.events.alarms_api import Alarms
from terrace.sandbox.events.post import Post
from terrace.sandbox.events.rules import Rules
from terrace.sandbox.events.schedules import Schedules
from terrace.sandbox.events.targets import Clients
from terrace.sandbox.events.timed_rules import TimedRules
from terrace.sandbox.room import Server


class Events:
    """What happens by itself: as deployed rules, schedules and alarms say, and for no other reason."""

    name = "events"

    def __init__(self) -> None:
        self._post = Post()
        self._clock = AlarmClock()

    def install(self, server: Server) -> None:
        """Put our operations in the place of moto's. Before the server starts."""
        clients = Clients(server)
        rules = Rules(self._post, clients)
        rules.install(TimedRules(self._clock, rules.trigger).take_up)
        schedules = Schedules(self._clock, self._post, clients)
        schedules_api.install(schedules.check, schedules.changed)
        objects.install(server.bus)
        server.bus.subscribe(rules.happened)
        server.bus.subscribe(service_metrics.pipelines)
        alarms = Alarms(server.bus, self._post, clients)
        self._evaluator = Evaluator(alarms.change)
        alarms.install(self._evaluator.wake)

    def status(self) -> Any:
        """Return how much is under way, and how much waits for its time."""
        return {"deliveries": self._post.waiting(), "scheduled": len(self._clock)}

    def reset(self) -> None:
        """Forget what is under way and what waits for its time."""
        self._clock.clear()
        self._post.clear()
        self._evaluator.reset()

    def stop(self) -> None:
        """End the threads."""
        self._clock.stop()
        self._evaluator.stop()
        self._post.stop()
