"""Pulumi's engine behind the calls that every engine of ours has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulumi import automation

from terrace.engine import lock
from terrace.engine.model import Listener, Program, ResourceChange, ResourceError, Result, StackResource, ignore_events
from terrace.engine.pulumi import deployment
from terrace.engine.pulumi.events import Collector, is_stack
from terrace.engine.pulumi.session import Session, open_session
from terrace.engine.pulumi.taking import take
from terrace.engine.pulumi.values import MASK, masked
from terrace.engine.pulumi.where import life_of, sign
from terrace.errors import EngineError

PARALLEL = 16
EMPTIED = "The sandbox was emptied since the last run; everything is built again."
PROTECTED = "because it is protected"
Purge = Callable[[StackResource], None]
"""Empties a store, so that it can be deleted."""


class PulumiEngine:
    """Runs programs with Pulumi's command line. Implements `terrace.engine.Engine`.

    Args:
        home: `TERRACE_HOME`; the lock between runs of this machine is in it, and the state where nothing else says.
        variables: What Pulumi gets besides the variables of this process.
        incarnation: Which life of the sandbox this is; a state of another one is emptied, and said to be. None on AWS.
        purge: Empties stores before `delete_data` deletes them; None where Terrace cannot.
        lock_timeout: How many seconds a run waits for another one of the same stack on this machine.
    """

    def __init__(
        self,
        home: Path,
        variables: Mapping[str, str],
        incarnation: str | None = None,
        purge: Purge | None = None,
        *,
        lock_timeout: float = 60.0,
    ) -> None:
        self._home = home
        self._variables = dict(variables)
        self._incarnation = incarnation
        self._purge = purge
        self._lock_timeout = lock_timeout

    def preview(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Say what `up` would do, and do nothing."""
        collector = Collector(listen, preview=True)
        with self._session(program) as session:
            if session.stack is not None and not self._was_emptied(program):
                self._preview(session, collector)
                return collector.finish()
        if session.stack is not None:
            collector.message(EMPTIED, "warning")
        # Nothing is there: what `up` would make is the same on a stack that is thrown away.
        with (
            tempfile.TemporaryDirectory(prefix="terrace-") as backend,
            self._session(program, make=True, backend=Path(backend).as_uri()) as session,
        ):
            self._preview(session, collector)
        return collector.finish()

    def up(self, program: Program, listen: Listener = ignore_events, retire: Collection[str] = ()) -> Result:
        """Make what the program declares, and delete what it no longer does, stores excepted."""
        collector = Collector(listen)
        with self._changing(program, collector, make=True) as session:
            if retire:
                self._release(session, set(retire), collector)
            self._up(session, collector)
            sign(self._home, program, self._incarnation)
        return collector.finish()

    def refresh(self, program: Program, listen: Listener = ignore_events) -> Result:
        """Bring the state up to date with what is there: drop what has gone, take over what was changed."""
        collector = Collector(listen)
        with self._changing(program, collector) as session:
            if session.stack is not None:
                session.run(
                    lambda stack: stack.refresh(parallel=PARALLEL, on_event=collector, color="never"), collector
                )
            sign(self._home, program, self._incarnation)
        return collector.finish()

    def destroy(self, program: Program, delete_data: bool = False, listen: Listener = ignore_events) -> Result:
        """Delete all that the stack has.

        Raises:
            EngineError: There are stores or protected resources, and `delete_data` was not given. Lists them.
        """
        collector = Collector(listen)
        with self._changing(program, collector) as session:
            state = session.export()
            if not delete_data:
                _refuse_data(state, f"{program.project}/{program.stack}")
            elif session.stack is not None:
                self._release(session, {resource["urn"] for resource in deployment.made(state)}, collector)
            if session.stack is not None:
                session.run(
                    lambda stack: stack.destroy(parallel=PARALLEL, on_event=collector, color="never"), collector
                )
            sign(self._home, program, None)
        collector.result.outputs = {}
        return collector.finish()

    def outputs(self, program: Program, show_secrets: bool = False) -> dict[str, Any]:
        """Return the outputs of the last run that ended well."""
        with self._session(program) as session:
            found = session.outputs()
        return {
            name: MASK if secret and not show_secrets else masked(value)
            for name, (value, secret) in sorted(found.items())
        }

    def resources(self, program: Program) -> list[StackResource]:
        """Return the resources that the state has, by URN."""
        with self._session(program) as session:
            return deployment.public(session.export())

    def adopt(self, program: Program, resources: list[dict[str, Any]], listen: Listener = ignore_events) -> Result:
        """Take over resources that another engine made, as they are. The caller holds the stack's lock.

        Args:
            program: Whose they are.
            resources: In the form of Pulumi's deployments, each after what it needs.
            listen: Told of each.

        Raises:
            EngineError: The stack has resources already.
        """
        collector = Collector(listen)
        with self._session(program, make=True) as session:
            state = session.export()
            if any(deployment.made(state)):
                raise EngineError(
                    f"{program.project}/{program.stack} has resources in Pulumi's state already.",
                    "Nothing was taken over; look at them with: terrace status ENV --engine pulumi",
                )
            assert session.stack is not None  # noqa: S101  (made above)
            with session.told():
                session.stack.import_stack(deployment.with_resources(state, resources))
            for resource in resources:
                if resource["custom"] and not resource["type"].startswith("pulumi:"):
                    name = resource["urn"].split("::", 3)[-1]
                    collector.result.unchanged.append(ResourceChange(resource["urn"], resource["type"], name))
            sign(self._home, program, self._incarnation)
        return collector.finish()

    def take(self, program: Program, name: str, id: str, listen: Listener = ignore_events) -> Result:
        """Take a resource that exists into the stack; the next `up` brings it to what the program says.

        Args:
            program: The program that names it.
            name: Its logical name, or its URN.
            id: What AWS knows it by.
            listen: Told of the steps.

        Raises:
            EngineError: The program names no such resource, or the stack has it already, or AWS does not.
        """
        collector = Collector(listen)
        with self._changing(program, collector, make=True) as session:
            take(session, name, id, collector)
            sign(self._home, program, self._incarnation)
        return collector.finish()

    def _up(self, session: Session, collector: Collector) -> None:
        def up(stack: automation.Stack, exclude: list[str] | None = None) -> None:
            stack.up(parallel=PARALLEL, on_event=collector, color="never", exclude=exclude)

        try:
            session.run(up, collector)
        except ResourceError as error:
            kept = self._kept(session, collector, error)
            session.run(lambda stack: up(stack, kept), collector)

    def _preview(self, session: Session, collector: Collector) -> None:
        def preview(stack: automation.Stack, exclude: list[str] | None = None) -> None:
            stack.preview(parallel=PARALLEL, on_event=collector, color="never", exclude=exclude)

        try:
            session.run(preview, collector)
        except ResourceError as error:
            kept = self._kept(session, collector, error)
            session.run(lambda stack: preview(stack, kept), collector)

    def _kept(self, session: Session, collector: Collector, error: ResourceError) -> list[str]:
        """Return what a run must leave alone: the stores that the program no longer names, and what they need.

        Raises:
            ResourceError: The run failed for another reason.
        """
        protected = [urn for urn, text in collector.failures if PROTECTED in text]
        if not protected or len(protected) != sum(1 for urn, _ in collector.failures if not is_stack(urn)):
            raise error
        state = session.export()
        return collector.keep(
            deployment.needs(state, protected), {resource["urn"] for resource in deployment.made(state)}
        )

    def _release(self, session: Session, urns: set[str], collector: Collector) -> None:
        """Take protection off resources and empty those that hold data: a person asked to delete them."""
        state = session.export()
        assert session.stack is not None  # noqa: S101  (it has state)
        with session.told():
            session.stack.import_stack(deployment.release(state, urns))
        if self._purge is not None:
            for resource in deployment.public(state):
                if resource.urn in urns and resource.protect:
                    self._purge(resource)

    @contextmanager
    def _session(self, program: Program, *, make: bool = False, backend: str | None = None) -> Iterator[Session]:
        variables = {**self._variables, "PULUMI_BACKEND_URL": backend} if backend else self._variables
        sandbox = self._incarnation is not None
        with open_session(
            self._home, program, variables, sandbox=sandbox, make=make, patience=self._lock_timeout
        ) as session:
            yield session

    @contextmanager
    def _changing(self, program: Program, collector: Collector, *, make: bool = False) -> Iterator[Session]:
        """Hold the stack inside the block; a state that may be of a sandbox since emptied is compared with it first."""
        folder = self._folder(program)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{program.project}/{program.stack}"
        with (
            lock.hold(folder, name, self._lock_timeout, collector.message),
            self._session(program, make=make) as session,
        ):
            if session.stack is not None and self._incarnation is not None:
                self._settle(session, collector)
            yield session

    def _folder(self, program: Program) -> Path:
        return self._home / "state" / program.project / program.stack

    def _settle(self, session: Session, collector: Collector) -> None:
        """Drop what went with an earlier life of the sandbox. `pulumi up` typed by hand may have built some anew."""
        if life_of(self._home, session.program) == self._incarnation:
            return
        if any(deployment.made(session.export())):
            unheard = Collector(ignore_events)
            session.run(lambda stack: stack.refresh(parallel=PARALLEL, on_event=unheard, color="never"), unheard)
            if unheard.result.deleted:
                collector.message(EMPTIED, "warning")
        sign(self._home, session.program, self._incarnation)

    def _was_emptied(self, program: Program) -> bool:
        """Tell whether the sandbox is another one than that of the last run."""
        if self._incarnation is None:
            return False
        signed = life_of(self._home, program)
        return signed is not None and signed != self._incarnation


def _refuse_data(state: automation.Deployment, stack: str) -> None:
    held = [resource["urn"] for resource in deployment.made(state) if resource.get("protect")]
    if held:
        named = sorted(f"{urn.split('::')[2].rpartition('$')[2]} {urn.split('::', 3)[-1]!r}" for urn in held)
        raise EngineError(
            f"{stack} is not destroyed: {len(held)} resources hold data or are protected: {', '.join(named)}.",
            "With --delete-data they are deleted with all they hold; that cannot be undone.",
        )
