"""What Pulumi's engine tells of a run, in the words that every engine of ours uses."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from pulumi.automation import events

from terrace.engine.model import Listener, MessageEvent, Op, ResourceChange, ResourceEvent, Result, Severity
from terrace.engine.pulumi.values import masked

STACK = "pulumi:pulumi:Stack"
_OPS: Mapping[str, Op] = {
    "same": "same",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "read": "read",
    "read-replacement": "read",
    "import": "read",
    "import-replacement": "read",
    "refresh": "same",
}
"""Steps that are counted. A replacement has two more, of making and of deleting, which are parts of it."""
_LISTS = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "same": "unchanged",
    "read": "unchanged",
}
_SEVERITIES: Mapping[str, Severity] = {"warning": "warning", "info": "info", "info#err": "info"}
_LOST = re.compile(
    r"(?:^|error: |desc = )(?:error reading from server: |connection error: desc = |transport is closing)"
)
"""How gRPC begins what it says of a call whose other side has gone; no provider begins so about a call of its own."""
# Sentences about the command line itself, of no use to who called Terrace.
_NOISE = ("A new version of Pulumi", "using pulumi-language-", "update failed", "preview failed")


class Collector:
    """Adds up the events of one run. Called from the thread that follows the engine's log.

    Args:
        listen: Told of every step.
        preview: The run does nothing: a step is done when it is planned.
    """

    def __init__(self, listen: Listener, preview: bool = False) -> None:
        self.result = Result()
        self.failures: list[tuple[str, str]] = []
        """URN and message of each error; the URN is empty for an error that is no resource's."""
        self._listen = listen
        self._preview = preview
        self._began = time.monotonic()
        self._started: dict[str, float] = {}
        self._ops: dict[str, Op] = {}
        self._counted: set[str] = set()
        self._declared: set[str] = set()

    def __call__(self, event: events.EngineEvent) -> None:
        """Take one event."""
        if event.resource_pre_event is not None:
            self._step(event.resource_pre_event.metadata, done=False)
        elif event.res_outputs_event is not None:
            self._step(event.res_outputs_event.metadata, done=True)
        elif event.diagnostic_event is not None:
            self._said(event.diagnostic_event)

    def message(self, text: str, severity: Severity = "info") -> None:
        """Say something to the person who watches."""
        self.result.messages.append(text)
        self._listen(MessageEvent(severity, text))

    def keep(self, needed: set[str], made: set[str]) -> list[str]:
        """Go on after a failure, with resources that the program no longer names and that stay as they are.

        Args:
            needed: Stores and all that they need; what the program still names is left out.
            made: What a provider made; nothing else is counted.

        Returns:
            The resources to leave alone.
        """
        kept = sorted(needed - self._declared)
        self._counted -= {change.urn for change in self.result.unchanged}
        self.result.unchanged.clear()
        self.failures.clear()
        for urn in kept:
            if urn in made:
                self.result.kept.append(ResourceChange(urn, urn.split("::")[2].rpartition("$")[2], _last(urn)))
        return kept

    def finish(self) -> Result:
        """Return the result, in an order that does not depend on which resource was first."""
        for name in set(_LISTS.values()):
            getattr(self.result, name).sort(key=lambda change: change.urn)
        self.result.seconds = round(time.monotonic() - self._began, 3)
        return self.result

    def _step(self, step: events.StepEventMetadata, done: bool) -> None:
        if step.type == STACK:
            self._outputs(step)
        op = _OPS.get(_name(step.op))
        if op not in ("delete", None):
            self._declared.add(step.urn)
        if op is None or not _is_made(step):
            return
        if not done:
            self._started[step.urn] = time.monotonic()
            self._ops[step.urn] = op
            self._emit(step, op, "started")
        # A refresh tells of a resource that has gone as of one that is deleted, and of no end of a preview's deletions.
        ended = done or (self._preview and op in ("delete", "replace"))
        if ended and step.urn not in self._counted:
            self._counted.add(step.urn)
            change = ResourceChange(step.urn, step.type, _last(step.urn), tuple(sorted(step.diffs or ())))
            getattr(self.result, _LISTS[op]).append(change)
            self._emit(step, op, "done")

    def _emit(self, step: events.StepEventMetadata, op: Op, status: Any) -> None:
        state = step.new or step.old
        seconds = time.monotonic() - self._started.get(step.urn, time.monotonic()) if status != "started" else 0.0
        parent = (state.parent if state else "") or ""
        self._listen(ResourceEvent(step.urn, step.type, _last(step.urn), parent, op, status, seconds))

    def _said(self, event: events.DiagnosticEvent) -> None:
        text = event.message.strip()
        if not text or event.ephemeral or event.severity == "debug" or text.startswith(_NOISE):
            return
        if event.severity == "error":
            urn = event.urn or ""
            self.failures.append((urn, text))
            if not is_stack(urn):
                # The event of the failed step itself has no reason.
                kind = urn.split("::")[2].rpartition("$")[2]
                seconds = time.monotonic() - self._started.get(urn, time.monotonic())
                op = self._ops.get(urn, "create")
                self._listen(ResourceEvent(urn, kind, _last(urn), "", op, "failed", seconds, sentence(text)))
        else:
            self.message(text, _SEVERITIES.get(event.severity, "info"))

    def _outputs(self, step: events.StepEventMetadata) -> None:
        if step.new is not None and step.new.outputs:
            self.result.outputs = {name: masked(value) for name, value in step.new.outputs.items()}


def is_stack(urn: str) -> bool:
    """Tell whether a URN, or the lack of one, means the stack as a whole."""
    return not urn or urn.split("::")[2] == STACK


def is_lost(text: str) -> bool:
    """Tell whether an error says no more than that the provider's process has gone."""
    return _LOST.search(text) is not None


def sentence(text: str) -> str:
    """Return an error of Pulumi's in one line, without what it puts around what a provider said."""
    if is_lost(text):
        return "the connection to the provider was lost"
    lines = [line.strip().removeprefix("* ") for line in text.splitlines() if line.strip()]
    found = " ".join(line for line in lines if not re.fullmatch(r"\d+ errors? occurred:", line))
    return re.sub(r"^(?:sdk-v\d\S+: )?rpc error: code = \w+ desc = ", "", found)


def _name(op: Any) -> str:
    return str(getattr(op, "value", op))


def _last(urn: str) -> str:
    return urn.split("::", 3)[-1]


def _is_made(step: events.StepEventMetadata) -> bool:
    """Tell whether a provider makes the resource: not the stack, a component or a provider."""
    state = step.new or step.old
    return bool(state and state.custom) and not step.type.startswith("pulumi:")
