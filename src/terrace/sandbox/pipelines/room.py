"""The room of the server in which pipelines run."""

from __future__ import annotations

import threading
from typing import Any

from terrace.sandbox.bus import Happening
from terrace.sandbox.client import Session, session
from terrace.sandbox.pipelines import execution_operations, operations
from terrace.sandbox.pipelines.execution import Execution, StepRun, now
from terrace.sandbox.pipelines.happenings import tell
from terrace.sandbox.pipelines.pipeline import executions
from terrace.sandbox.pipelines.runner import Runner
from terrace.sandbox.pipelines.work import Clients, Work
from terrace.sandbox.room import Server

Place = tuple[str, str]
"""Account and region."""
_RESET_SECONDS = 5.0


class Pipelines:
    """Runs pipelines from their definitions, where moto only says that they ran.

    Each step is a call of the sandbox's own API, so that a pipeline's jobs are jobs like any other.
    """

    name = "pipelines"

    def __init__(self) -> None:
        self._server: Server | None = None
        self._sessions: dict[Place, Session] = {}
        self._runners: dict[str, tuple[Place, Runner]] = {}
        self._lock = threading.Lock()

    def install(self, server: Server) -> None:
        """Put the operations of pipelines in moto's place, and listen to what happens to the jobs."""
        self._server = server
        operations.install(self)
        execution_operations.install(self)
        server.bus.subscribe(self._heard)

    def clients(self, account: str, region: str) -> Clients:
        """Return what makes clients of an account and region."""
        with self._lock:
            if (account, region) not in self._sessions:
                assert self._server is not None  # noqa: S101  (install comes first)
                self._sessions[account, region] = session(self._server.url, account, region)
            return self._sessions[account, region].client

    def run(self, response: Any, execution: Execution, before: str | None) -> None:
        """Run an execution, new or again."""
        assert self._server is not None  # noqa: S101  (install comes first)
        bus, backend = self._server.bus, response.sagemaker_backend
        place = (response.current_account, response.region)

        def told(execution: Execution, run: StepRun | None, before: str | None) -> None:
            tell(bus, place, execution, run, before)
            if run is None and execution.over:
                self._forget(runner)

        def cached(execution: Execution, run: StepRun) -> StepRun | None:
            return earlier(executions(backend), execution, run)

        runner = Runner(execution, Work(self.clients(*place)), told, cached)
        with self._lock:
            self._runners[execution.arn] = (place, runner)
        told(execution, None, before)
        runner.start()

    def stop_execution(self, execution: Execution) -> None:
        """Stop an execution that runs."""
        with self._lock:
            found = self._runners.get(execution.arn)
        if found is not None:
            found[1].stop()

    def status(self) -> Any:
        """Return each execution that runs, with its steps."""
        with self._lock:
            running = [runner.execution for _, runner in self._runners.values()]
        return [
            {
                "execution": execution.arn,
                "status": execution.status,
                "steps": {name: run.status for name, run in tuple(execution.runs.items())},
            }
            for execution in running
        ]

    def reset(self) -> None:
        """Forget all executions that run; what they made is ended by whoever runs it."""
        for runner in self._abandoned():
            runner.join(_RESET_SECONDS)

    def stop(self) -> None:
        """Forget all executions, because the server ends."""
        self._abandoned()

    def _abandoned(self) -> list[Runner]:
        with self._lock:
            runners = [runner for _, runner in self._runners.values()]
            self._runners.clear()
        for runner in runners:
            runner.abandon()
        return runners

    def _forget(self, runner: Runner) -> None:
        with self._lock:
            _, known = self._runners.get(runner.execution.arn, (None, None))
            if known is runner:
                del self._runners[runner.execution.arn]

    def _heard(self, happening: Happening) -> None:
        """Let executions look at once at a job that something happened to."""
        if happening.source != "aws.sagemaker" or "Pipeline" in happening.detail_type:
            return
        with self._lock:
            place = (happening.account, happening.region)
            near = [runner for where, runner in self._runners.values() if where == place]
        for runner in near:
            if any(runner.waits_for(arn) for arn in happening.resources):
                runner.wake()


def earlier(known: dict[str, Execution], execution: Execution, run: StepRun) -> StepRun | None:
    """Return the newest result that a step with a cache takes over instead of running, None for none.

    It is one of the same pipeline's, of a step of the same name and type, with the same arguments as far as they make
    a difference, and not older than the step lets it be.
    """
    if run.key is None or run.step.expires is None:
        return None
    age, mine = run.step.expires, [one for one in tuple(known.values()) if one.pipeline == execution.pipeline]
    for one in sorted(mine, key=lambda one: one.created, reverse=True):
        found = one.runs.get(run.step.name)
        if found is None or found is run or found.cached or found.reused:
            continue
        if found.status == "Succeeded" and found.key == run.key and found.ended and now() - found.ended < age:
            run.cached = one.arn
            return found
    return None
