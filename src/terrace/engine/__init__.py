"""Engines run a Pulumi program. This door is light: it imports neither pulumi nor boto3."""

from terrace.engine.model import (
    Engine,
    Event,
    Listener,
    MessageEvent,
    Program,
    ResourceChange,
    ResourceError,
    ResourceEvent,
    Result,
    StackResource,
    ignore_events,
)

__all__ = [
    "Engine",
    "Event",
    "Listener",
    "MessageEvent",
    "Program",
    "ResourceChange",
    "ResourceError",
    "ResourceEvent",
    "Result",
    "StackResource",
    "ignore_events",
]
