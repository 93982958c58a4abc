"""Runs one execution: starts its steps when they can run, waits for what they made, and tells each change."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from terrace.sandbox.pipelines import graph
from terrace.sandbox.pipelines.conditions import holds
from terrace.sandbox.pipelines.execution import EXECUTING, FAILURE, STOPPING, Execution, StepRun, now
from terrace.sandbox.pipelines.expressions import UnresolvableError, resolve, text
from terrace.sandbox.pipelines.kinds import CONDITION, FAIL, JOBS
from terrace.sandbox.pipelines.retries import SERVICE_FAULT, THROTTLING, Policy, covering
from terrace.sandbox.pipelines.work import Outcome, Work

_LOG = logging.getLogger(__name__)
POLL_SECONDS = (0.05, 5.0)
"""First and longest pause between two looks at what runs; what is told on the bus is looked at without a pause."""
_POLL_GROWTH = 1.6
_BY_DEFAULT = (Policy((SERVICE_FAULT, THROTTLING), interval=1.0, backoff=2.0, attempts=3),)
"""AWS tries these failures again for every step."""


class Tell(Protocol):
    """Told each change of status: of an execution, or of one of its steps."""

    def __call__(self, execution: Execution, run: StepRun | None, before: str | None) -> None: ...


class Runner:
    """Runs an execution in a thread of its own.

    Args:
        execution: What to run. Only the runner changes it as long as it runs.
        work: What starts, describes and stops what steps make.
        tell: Told each change of status.
        cache: Finds an earlier result for a step, by its key.
    """

    def __init__(
        self, execution: Execution, work: Work, tell: Tell, cache: Callable[[Execution, StepRun], StepRun | None]
    ) -> None:
        self.execution = execution
        self._work = work
        self._tell = tell
        self._cache = cache
        self._wake = threading.Event()
        self._gone = False
        self._stop = False
        self._never: set[str] = set()
        self._again: dict[str, float] = {}
        self._tries: dict[tuple[str, Policy], int] = {}
        self._thread = threading.Thread(target=self._run, name=f"pipeline {execution.id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop what runs, and start nothing more."""
        self._stop = True
        self._wake.set()

    def wake(self) -> None:
        """Look at what runs at once: something happened."""
        self._wake.set()

    def abandon(self) -> None:
        """Forget the execution, because the sandbox is reset or ends."""
        self._gone = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait until it is over or abandoned."""
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def waits_for(self, arn: str) -> bool:
        """Tell whether a step waits for what has this ARN."""
        runs = tuple(self.execution.runs.values())
        return any(not run.over and any(said.get("Arn") == arn for said in run.metadata.values()) for run in runs)

    def _run(self) -> None:
        try:
            self._loop()
        except Exception:
            # Whoever waits for the execution must not wait for ever; the server's log has the mistake.
            _LOG.exception("The sandbox failed in execution %s", self.execution.arn)
            if not self._gone:
                self._finish("Failed", "InternalServerError: the sandbox failed; its log says how.")

    def _loop(self) -> None:
        pause = POLL_SECONDS[0]
        while not self._gone:
            self._wake.clear()
            changed = self._look()
            if self._stop:
                changed = self._stop_all() or changed
            else:
                while self._start_ready():
                    changed = True
            if self._gone:
                return
            if all(run.over for run in self.execution.runs.values()):
                self._finish(*self._verdict())
                return
            pause = POLL_SECONDS[0] if changed else min(pause * _POLL_GROWTH, POLL_SECONDS[1])
            self._wake.wait(min([pause, *(max(when - time.monotonic(), 0) for when in self._again.values())]))

    def _verdict(self) -> tuple[str, str]:
        """Return the status of the execution now that nothing runs any more, and why."""
        runs = self.execution.runs
        failed = {name for name, run in runs.items() if run.status == "Failed"}
        if self._stop:
            return "Stopped", ""
        if failed:
            steps = self.execution.definition.steps
            handled = {
                dependency.step
                for name in runs
                for dependency in steps[name].dependencies
                if dependency.trigger in ("Failed", "Any")
            }
            return ("CompletedWithFailures" if failed <= handled else "Failed"), FAILURE
        return ("Stopped" if any(run.status == "Stopped" for run in runs.values()) else "Succeeded"), ""

    def _finish(self, status: str, reason: str) -> None:
        before, self.execution.status = self.execution.status, status
        self.execution.reason = reason
        self.execution.modified = self.execution.ended = now()
        self._tell(self.execution, None, before)

    # What can run

    def _start_ready(self) -> bool:
        """Start what can run; tell whether anything changed."""
        runs, changed = self.execution.runs, False
        statuses = {name: run.status for name, run in runs.items()}
        for step in self.execution.definition.steps.values():
            if step.name in runs or step.name in self._never:
                continue
            ready = self._ready(step.name, statuses)
            if ready is False:
                self._never.add(step.name)
                changed = True
            busy = sum(not run.over for run in runs.values())
            if ready and busy < self.execution.parallel and not self._gone and not self._stop:
                self._begin(StepRun(step))
                changed = True
        return changed

    def _ready(self, name: str, statuses: dict[str, str]) -> bool | None:
        step, selected = self.execution.definition.steps[name], self.execution.selected
        dependencies, branch = step.dependencies, step.branch
        if selected is not None:
            if name not in selected:
                return False
            dependencies = tuple(one for one in dependencies if one.step in selected)
            branch = branch if branch and branch[0] in selected else None
        if branch:
            condition, outcome = branch
            if condition in self._never or statuses.get(condition) in ("Failed", "Stopped"):
                return False
            if statuses.get(condition) != "Succeeded":
                return None
            if self.execution.runs[condition].properties["Outcome"] != str(outcome):
                return False
        return graph.verdict(dependencies, statuses, self._never)

    # One step

    def _begin(self, run: StepRun) -> None:
        self.execution.runs[run.step.name] = run
        self._tell(self.execution, run, None)
        self._attempt(run)

    def _attempt(self, run: StepRun) -> None:
        self._again.pop(run.step.name, None)
        self._set(run, EXECUTING)
        scope = self._work.scope(self.execution, run)
        try:
            if run.step.type == CONDITION:
                outcome = all(holds(one, scope) for one in run.step.arguments["Conditions"])
                run.properties = run.metadata["Condition"] = {"Outcome": str(outcome)}
                self._set(run, "Succeeded")
            elif run.step.type == FAIL:
                message = text(resolve(run.step.arguments["ErrorMessage"], scope))
                run.metadata["Fail"] = {"ErrorMessage": message}
                self._set(run, "Failed", message)
            else:
                self._make(run)
        except UnresolvableError as error:
            self._set(run, "Failed", f"ClientError: {error.message}")

    def _make(self, run: StepRun) -> None:
        arguments = self._work.prepare(self.execution, run)
        found = self._cache(self.execution, run)
        if found is not None:
            run.name = found.name
            run.metadata, run.properties = dict(found.metadata), found.properties
            self._set(run, "Succeeded")
            return
        self._take(run, self._work.create(self.execution, run, arguments))

    def _look(self) -> bool:
        """Look at what runs; tell whether anything changed."""
        changed = False
        for run in [run for run in self.execution.runs.values() if not run.over]:
            when = self._again.get(run.step.name)
            if self._gone or (when is not None and (self._stop or when > time.monotonic())):
                continue
            before = run.status
            if when is not None:
                self._attempt(run)
                changed = True
            elif run.step.type in JOBS:
                self._take(run, self._work.look(run))
            changed = changed or run.status != before
        return changed

    def _take(self, run: StepRun, outcome: Outcome) -> None:
        """Take over what became of an attempt."""
        if self._gone or not outcome.status:
            return
        if outcome.status != "Failed" or not self._retry(run, outcome.exception):
            self._set(run, outcome.status, outcome.reason)

    def _retry(self, run: StepRun, exception: str) -> bool:
        policy = covering((*run.step.policies, *_BY_DEFAULT), exception)
        if policy is None or self._stop:
            return False
        key = (run.step.name, policy)
        wait = policy.wait(self._tries.get(key, 0), (now() - run.started).total_seconds())
        if wait is None:
            return False
        self._tries[key] = self._tries.get(key, 0) + 1
        run.attempts += 1
        run.metadata = {}
        self._again[run.step.name] = time.monotonic() + wait
        self._set(run, "Starting")
        return True

    def _stop_all(self) -> bool:
        changed = False
        if self.execution.status != STOPPING:
            before, self.execution.status = self.execution.status, STOPPING
            self.execution.modified = now()
            self._tell(self.execution, None, before)
            changed = True
        for run in [run for run in self.execution.runs.values() if not run.over and run.status != STOPPING]:
            changed = True
            if self._again.pop(run.step.name, None) is not None:
                self._set(run, "Stopped")
            else:
                self._set(run, STOPPING)
                self._work.stop(run)
        return changed

    def _set(self, run: StepRun, status: str, reason: str = "") -> None:
        if run.status == status:
            return
        before, run.status, run.reason = run.status, status, reason
        run.ended = now() if run.over else None
        self.execution.modified = now()
        self._tell(self.execution, run, before)
