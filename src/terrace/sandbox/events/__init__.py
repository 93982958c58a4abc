"""Rules of EventBridge, schedules, object events and alarms: what AWS does by itself."""

from terrace.sandbox.events.room import Events

__all__ = ["Events"]
