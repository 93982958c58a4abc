"""What a target is told of an event: all of it, a part, a constant, or a text made of parts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]
"""An event as EventBridge passes it on: `version`, `id`, `detail-type`, `source`, `account`, `time`, …"""

MISSING: Any = object()
"""What a path leads to when it leads nowhere."""

_STEP = re.compile(r"\.([\w/-]+|\*)|\[(\d+|\*)\]|\['([^']+)'\]")
_PLACE = re.compile(r"<([^<>]+)>")


def at_path(value: Any, path: str) -> Any:
    """Return what a path such as `$.detail.object.version-id` leads to, `MISSING` where it leads nowhere.

    EventBridge knows names, indices and `*`; a `*` makes a list of all that is found.

    Raises:
        ValueError: The path is none that EventBridge knows.
    """
    steps, end = [], 1
    if not path.startswith("$"):
        raise ValueError(f"the path {path!r} does not begin with $")
    while end < len(path):
        match = _STEP.match(path, end)
        if match is None:
            raise ValueError(f"the path {path!r} cannot be read at {path[end:]!r}")
        steps.append(match[1] or match[2] or match[3])
        end = match.end()
    return _walk(value, steps)


def _walk(value: Any, steps: list[str]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step == "*" and isinstance(value, Mapping | list):
        inner = value.values() if isinstance(value, Mapping) else value
        return [found for item in inner if (found := _walk(item, rest)) is not MISSING]
    if isinstance(value, Mapping) and step in value:
        return _walk(value[step], rest)
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return _walk(value[int(step)], rest)
    return MISSING


def target_input(target: Mapping[str, Any], event: Event, rule_arn: str, received: str) -> str:
    """Return the text that a target of a rule gets.

    Args:
        target: A target as PutTargets takes it.
        event: What happened.
        rule_arn: The rule that matched.
        received: When the event came in, ISO 8601.
    """
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath"):
        found = at_path(event, target["InputPath"])
        return json.dumps(None if found is MISSING else found)
    if transformer := target.get("InputTransformer"):
        return _transformed(transformer, event, rule_arn, received)
    return json.dumps(event)


def _transformed(transformer: Mapping[str, Any], event: Event, rule_arn: str, received: str) -> str:
    values: dict[str, Any] = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": received,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        found = at_path(event, path)
        values[name] = None if found is MISSING else found
    template: str = transformer["InputTemplate"]

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        if _quoted(template, match.start()):
            # Within quotes a text stands as it is, and anything else as JSON whose quotes are escaped.
            text = value if isinstance(value, str) else json.dumps(value)
            return json.dumps(text)[1:-1]
        return json.dumps(value)

    return _PLACE.sub(fill, template)


def _quoted(template: str, position: int) -> bool:
    """Tell whether a position in a template is within a JSON string."""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', template[:position])) % 2 == 1
