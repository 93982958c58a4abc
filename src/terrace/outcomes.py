"""How an execution came out, and what started it: pure functions of its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from terrace.executions import BY_HAND, Execution, Step
from terrace.maturity.steps import UNPUBLISHED

TRIGGER = re.compile(r":assumed-role/[\w+=,.@-]*-trigger(-[0-9a-f]{8})?/")
"""An identity of the role that a model's rule and schedule start its pipeline with."""


@dataclass(frozen=True)
class Outcome:
    """How an execution came out.

    Attributes:
        kind: `running`, `registered` (a version was), `succeeded` (without one), `refused` (by a step that is there
            to fail, which is what a gate does), `unpublished` (no project has published its pipeline yet, so there was
            nothing to run), `failed` or `stopped`.
        text: The sentence for people.
        step: The step that decided it: the one that registered, refused or failed.
        version: Number of the registered version.
        package: ARN of the registered version.
    """

    kind: str
    text: str
    step: Step | None = None
    version: int | None = None
    package: str | None = None

    @property
    def good(self) -> bool:
        """Whether the execution did what it is for."""
        return self.kind in ("registered", "succeeded")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "text": self.text,
            "step": self.step.name if self.step else None,
            "version": self.version,
            "package": self.package,
        }


@dataclass(frozen=True)
class Starter:
    """What started an execution.

    Attributes:
        kind: `person`, `new data`, `schedule`, or `client`: somebody who calls SageMaker's API without saying why.
        text: The same for people: who, or which object.
    """

    kind: str
    text: str

    def to_json(self) -> dict[str, str]:
        """Return it as plain data, the same wherever a run is told of."""
        return {"kind": self.kind, "who": self.text}


def outcome(execution: Execution) -> Outcome:
    """Return how an execution came out."""
    if not execution.over:
        return Outcome("running", f"{execution.status.lower()}: {', '.join(_running(execution)) or 'no step'}")
    if execution.status == "Succeeded":
        if [step.name for step in execution.steps] == [UNPUBLISHED]:
            return Outcome("unpublished", "did nothing: no pipeline is published yet", execution.steps[0])
        registered = [step for step in execution.steps if step.package and step.status == "Succeeded"]
        if not registered:
            return Outcome("succeeded", "succeeded, and registered no version")
        arn = registered[-1].package or ""
        number = arn.rpartition("/")[2]
        version = int(number) if number.isdigit() else None
        return Outcome("registered", f"registered version {number}", registered[-1], version, arn)
    failed = [step for step in execution.steps if step.status == "Failed"]
    refused = next((step for step in failed if step.refusal is not None), None)
    if refused is not None and len(failed) == 1:
        return Outcome("refused", refused.refusal or refused.reason, refused)
    if failed:
        first = min(failed, key=lambda step: step.ended or execution.modified)
        why = first.reason or execution.reason or "without a reason"
        return Outcome("failed", f"{first.name} failed: {why}", first)
    late = next((step for step in execution.steps if step.status == "Stopped" and step.reason), None)
    if late is not None:
        return Outcome("failed", f"{late.name} was stopped: {late.reason}", late)
    if execution.status == "Stopped":
        return Outcome("stopped", "stopped before its end")
    return Outcome("failed", execution.reason or "failed without a reason")


def starter(execution: Execution, watched_prefix: str | None = None) -> Starter:
    """Return what started an execution.

    A person is known by the description that `terrace pipeline run` gives; new data by the object that its event
    names; a schedule by the role of the model's triggers, which AWS tells and the sandbox does not.

    Args:
        execution: Which.
        watched_prefix: Prefix of the objects that start runs, None if it is not known.
    """
    key, by = execution.parameters.get("DataKey", ""), execution.started_by
    if execution.description.startswith(BY_HAND):
        return Starter("person", by or "a person")
    by_event = key and execution.parameters.keys() <= {"DataKey", "DataVersion"}
    if by_event and (watched_prefix is None or key.startswith(watched_prefix)):
        return Starter("new data", key)
    if not execution.parameters and TRIGGER.search(by):
        return Starter("schedule", by)
    if not execution.parameters and not execution.description:
        return Starter("client", f"{by or 'somebody'}, without parameters, as a schedule does")
    return Starter("client", by or "somebody")


def _running(execution: Execution) -> list[str]:
    return [step.name for step in execution.steps if not step.over]
