"""What differed between two runs of one story, ids and accounts aside. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from terrace.acceptance.steps import Step

_IDS = (
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\bsha256:[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b(vpc|subnet|sg|d|vpce|nat|eipalloc)-[0-9a-z]{8,}\b"), r"<\1>"),
)
_TIMES = ("milliseconds", "seconds")


@dataclass(frozen=True)
class Difference:
    """One thing that differed.

    Attributes:
        step: The step in which it did.
        what: `resources created`, `output vpc_id`, `answer`.
        here: What the environment had.
        there: What its twin in the sandbox had.
    """

    step: str
    what: str
    here: str
    there: str


def differences(here: list[Step], there: list[Step]) -> list[Difference]:
    """Return what differed, step by step.

    A step that one side alone has is a difference, but for the setup of the project, which is the sandbox's own.
    """
    ours = {step.name: step for step in here}
    twins = {step.name: step for step in there if step.name != "setup of the project"}
    found = []
    for name in [*twins, *(name for name in ours if name not in twins)]:
        one, other = ours.get(name), twins.get(name)
        if one is None or other is None:
            found.append(Difference(name, "step", *("ran" if step else "did not run" for step in (one, other))))
            continue
        if one.ok != other.ok:
            found.append(Difference(name, "end", *("well" if step.ok else "failed" for step in (one, other))))
        found += [
            Difference(name, what, _text(one_said), _text(other_said))
            for what, one_said, other_said in _sides(one, other)
            if one_said != other_said
        ]
    return found


def plain(value: Any) -> Any:
    """Return a value with ids and account numbers replaced by what they are."""
    if isinstance(value, str):
        for pattern, name in _IDS:
            value = pattern.sub(name, value)
        return value
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def _sides(one: Step, other: Step) -> list[tuple[str, Any, Any]]:
    ours, twins = _facts(one), _facts(other)
    return [(what, ours.get(what), twins.get(what)) for what in [*ours, *(w for w in twins if w not in ours)]]


def _facts(step: Step) -> dict[str, Any]:
    """Return what a step says that should be the same on both sides."""
    said = step.said
    if "answer" in said:
        return {"status": said.get("status"), "answer": said["answer"]}
    if "resources" not in said:
        # `outputs` and `new` print plain values; where something is, and how long it took, is each side's own.
        return {key: plain(one) for key, one in said.items() if key not in (*_TIMES, "path", "notes")}
    facts: dict[str, Any] = {f"resources {name}": count for name, count in step.resources.items()}
    facts |= {f"output {name}": plain(value) for name, value in said.get("outputs", {}).items()}
    facts["kept"] = said.get("kept", [])
    return facts


def _text(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
