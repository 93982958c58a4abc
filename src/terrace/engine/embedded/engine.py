"""The embedded engine: state, lock, program and deletions put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from terrace.engine import lock
from terrace.engine.embedded.deletion import Remover, plan_destruction, plan_removal
from terrace.engine.embedded.faults import AGAIN, Halt, attempt
from terrace.engine.embedded.handover import handed_over
from terrace.engine.embedded.monitor import Log, Monitor
from terrace.engine.embedded.names import Names
from terrace.engine.embedded.pool import each
from terrace.engine.embedded.providers import Connect, Providers
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.report import Report
from terrace.engine.embedded.run import run_program
from terrace.engine.embedded.state import State
from terrace.engine.embedded.steps import Steps
from terrace.engine.embedded.values import mask, plain, seal
from terrace.engine.model import Listener, Program, ResourceChange, Result, StackResource, ignore_events
from terrace.errors import EngineError, TerraceError

PARALLEL = 16
EMPTIED = "The sandbox was emptied since the last run; everything is built again."


class EmbeddedEngine:
    """Runs programs in this process, for the sandbox alone. Implements `terrace.engine.Engine`.

    Args:
        home: `TERRACE_HOME`; states are in `state/<project>/<stack>/` below it.
        connect: Returns a configured provider for the inputs of a provider resource.
        incarnation: Which life of the sandbox this is. A state of another one is dropped, and said to be. None if
            what the provider reaches is never emptied.
        lock_timeout: How many seconds a run waits for another one of the same stack.
        parallel: How many resources are worked on at a time.
    """

    def __init__(
        self,
        home: Path,
        connect: Connect,
        incarnation: str | None = None,
        *,
        lock_timeout: float = 60.0,
        parallel: int = PARALLEL,
    ) -> None:
        self._home = home
        self._connect = connect
        self._incarnation = incarnation
        self._lock_timeout = lock_timeout
        self._parallel = parallel

    def preview(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Say what `up` would do. Nothing is made or written; the lock is not taken."""
        report = Report(listen)
        state = self._read(program, report)
        return self._run(program, state, report, retire, preview=True)

    def up(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Make what the program declares, and delete what it no longer does, stores excepted unless in `retire`."""
        report = Report(listen)
        with self._open(program, report) as state:
            return self._run(program, state, report, retire, preview=False)

    def refresh(self, program: Program, listen: Listener = ignore_events) -> Result:
        """Bring the state up to date with what is there: drop what has gone, take over what was changed.

        The next `up` makes again what has gone, and turns changed inputs back.
        """
        report = Report(listen)
        with self._open(program, report) as state, _interruptible():
            providers = Providers(self._connect, state)
            records = [record for record in state if record.made_by_provider and not record.replaced]
            each(records, lambda record: _refresh(record, providers, state, report), self._parallel)
            report.result.outputs = mask(state.outputs)
        return report.finish()

    def destroy(self, program: Program, delete_data: bool = False, listen: Listener = ignore_events) -> Result:
        """Delete all that the stack has.

        Raises:
            EngineError: There are stores or protected resources, and `delete_data` was not given. Lists them.
        """
        report = Report(listen)
        with self._open(program, report) as state, _interruptible():
            providers = Providers(self._connect, state)
            if not delete_data:
                _refuse_data(state, providers, program.stack)
            halt = Halt()
            with _first_failure(halt):
                remover = Remover(state, providers, report, halt, self._parallel)
                remover(plan_destruction(state, delete_data))
            state.set_outputs({})
        return report.finish()

    def outputs(self, program: Program, show_secrets: bool = False) -> dict[str, Any]:
        """Return the outputs of the last run that ended well."""
        found = self._read(program, Report(ignore_events)).outputs
        return dict(plain(found) if show_secrets else mask(found))

    def resources(self, program: Program) -> list[StackResource]:
        """Return the resources that the state has, by URN."""
        state = self._read(program, Report(ignore_events))
        return sorted((record.public() for record in state if not record.replaced), key=lambda found: found.urn)

    def hand_over(self, program: Program, take: Callable[[list[dict[str, Any]]], None]) -> None:
        """Give a stack's resources to another engine, in the form of Pulumi's deployments, and forget them.

        Args:
            program: Whose stack.
            take: Takes them. If it raises, nothing is forgotten.
        """
        with self._open(program, Report(ignore_events)) as state:
            take(handed_over(state))
            state.put(drop=tuple(record.key for record in state))
            state.set_outputs({})

    def _folder(self, program: Program) -> Path:
        return self._home / "state" / program.project / program.stack

    def _read(self, program: Program, report: Report) -> State:
        state = State(self._folder(program), read_only=True)
        if state.settle(self._incarnation):
            report.message(EMPTIED, "warning")
        return state

    @contextmanager
    def _open(self, program: Program, report: Report) -> Iterator[State]:
        """Hold the stack's lock and its state; what the state has is on disk however the block ends."""
        folder = self._folder(program)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stack = f"{program.project}/{program.stack}"
        with lock.hold(folder, stack, self._lock_timeout, report.message):
            state = State(folder)
            try:
                if state.settle(self._incarnation):
                    report.message(EMPTIED, "warning")
                yield state
            finally:
                state.close()

    def _run(self, program: Program, state: State, report: Report, retire: Collection[str], *, preview: bool) -> Result:
        halt, names = Halt(), Names()
        providers = Providers(self._connect, state, program.config)
        steps = Steps(state, providers, report, halt, names, preview)
        monitor = Monitor(program, state, providers, steps, names, halt)
        run_program(program, monitor, Log(report), halt, preview, self._parallel)
        with _interruptible(), _first_failure(halt):
            removal = plan_removal(state, names.seen, lambda record: providers.of(record).is_store(record.type), retire)
            Remover(state, providers, report, halt, self._parallel, preview)(removal)
        for record in steps.cleared:
            report.result.deleted.append(ResourceChange(record.urn, record.type, record.name))
        state.set_outputs(monitor.outputs)
        report.result.outputs = mask(monitor.outputs)
        return report.finish()


def _refresh(record: Record, providers: Providers, state: State, report: Report) -> None:
    label = f"{record.type} {record.name!r}"
    provider = providers.of(record)
    inputs = record.plain_inputs
    with attempt(record.urn, label, "read"):
        found = provider.read(record.urn, record.type, record.id, inputs)
    if found is None:
        with report.step(record, "delete"):
            state.drop(record.key)
        report.message(f"{label} has gone.", "warning")
        return
    present = {**inputs, **{name: found.outputs[name] for name in inputs if name in found.outputs}}
    with attempt(record.urn, label, "compare"):
        diff = provider.diff(record.urn, record.type, inputs, present, id=record.id)
    # What would force a replacement cannot have been changed: there the provider spells it in another way.
    drifted = tuple(name for name in diff.changed if name not in diff.replace)
    adopted = seal({name: present[name] for name in drifted}, record.inputs, ())
    outputs = seal(found.outputs, {**record.outputs, **record.inputs}, ())
    with report.step(record, "update" if drifted else "same", drifted):
        state.put(replace(record, id=found.id, inputs={**record.inputs, **adopted}, outputs=outputs))
    if drifted:
        report.message(f"{label} was changed: {', '.join(drifted)}.", "warning")


def _refuse_data(state: State, providers: Providers, stack: str) -> None:
    reasons = []
    for record in state:
        if record.made_by_provider and not record.replaced:
            if providers.of(record).is_store(record.type):
                reasons.append(f"{record.type} {record.name!r} holds data")
            elif record.protect:
                reasons.append(f"{record.type} {record.name!r} is protected")
    if reasons:
        raise EngineError(
            f"{stack} is not destroyed: {'; '.join(sorted(reasons))}.",
            "With --delete-data they are deleted with all they hold; that cannot be undone.",
        )


@contextmanager
def _first_failure(halt: Halt) -> Iterator[None]:
    """Raise the error that stopped the run rather than one that came of it."""
    consequence: TerraceError | None = None
    try:
        yield
    except TerraceError as error:
        consequence = error
    if isinstance(halt.failure, TerraceError):
        raise halt.failure
    if consequence is not None:
        raise consequence


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise EngineError("The run was interrupted.", AGAIN) from None
