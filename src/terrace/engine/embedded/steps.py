"""Decides what becomes of one declared resource, and does it (in a preview, plays it through in memory)."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Any

from terrace.engine.embedded import property_paths
from terrace.engine.embedded.deletion import erase, in_order
from terrace.engine.embedded.faults import Halt, attempt
from terrace.engine.embedded.goals import Goal
from terrace.engine.embedded.names import Names
from terrace.engine.embedded.providers import Providers
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.report import Report
from terrace.engine.embedded.state import State
from terrace.engine.embedded.values import plain, seal
from terrace.engine.model import Op, ResourceError
from terrace.sandbox.provider.base import UNKNOWN, Diff, Provider


class Steps:
    """Brings declared resources about. Safe between threads, for different resources."""

    def __init__(
        self, state: State, providers: Providers, report: Report, halt: Halt, names: Names, preview: bool
    ) -> None:
        self._state = state
        self._providers = providers
        self._report = report
        self._halt = halt
        self._names = names
        self._preview = preview
        self._cleared: dict[str, Record] = {}
        self._clearing = threading.Lock()

    @property
    def cleared(self) -> list[Record]:
        """Resources that were deleted so that another could be replaced, and were not declared since."""
        return list(self._cleared.values())

    def component(self, goal: Goal) -> Record:
        """Record a component: it has nothing but its name and its place."""
        self._names.adopt(goal, self._state)
        record = goal.record("", {}, {})
        self._state.put(record)
        return record

    def provider(self, goal: Goal) -> Record:
        """Connect a provider instance."""
        old = self._names.adopt(goal, self._state)
        declared = self._providers.declare(goal.urn, goal.type, goal.inputs, old, goal.parent)
        record = goal.record(declared.id, declared.inputs, declared.outputs)
        self._state.put(record)
        return record

    def custom(self, goal: Goal) -> Record:
        """Bring a resource to what the program asks, and return its record.

        Raises:
            ResourceError: Its inputs are refused, the provider failed, or it may not be replaced.
        """
        provider = self._providers.of(goal.record("", {}, {}))
        if not provider.knows(goal.type):
            raise ResourceError(goal.urn, f"The sandbox does not have {goal.type} ({goal.urn}).")
        old = self._names.adopt(goal, self._state)
        if old is not None:
            goal = replace(goal, inputs=property_paths.restore(goal.inputs, old.inputs, goal.options.ignore_changes))
        self._check(goal, provider)
        if goal.options.import_id and (old is None or old.id != goal.options.import_id):
            return self._import(goal, provider)
        if old is None:
            before = self._cleared.pop(goal.urn, None)
            return self._create(goal, provider, "create" if before is None else "replace")
        with attempt(goal.urn, goal.label, "compare"):
            diff = provider.diff(
                goal.urn, goal.type, old.plain_inputs, plain(goal.inputs), goal.options.ignore_changes, id=old.id
            )
        if not self._preview and self._has_gone(goal, old, provider):
            self._report.message(f"{goal.label} had gone and is made again.", "warning")
            return self._create(goal, provider, "create")
        reasons = tuple(sorted({*diff.replace, *_forced(goal, old, diff)}))
        if reasons:
            return self._replace(goal, provider, old, diff, reasons)
        if diff:
            return self._update(goal, provider, old, diff.changed)
        record = goal.record(old.id, goal.inputs, self._seal(goal, old.outputs))
        with self._report.step(record, "same"):
            self._state.put(record)
        return record

    def _check(self, goal: Goal, provider: Provider) -> None:
        with attempt(goal.urn, goal.label, "check"):
            failures = provider.check(goal.urn, goal.type, plain(goal.inputs))
        if failures:
            reasons = "; ".join(f"{failure.property}: {failure.reason}" for failure in failures)
            raise ResourceError(goal.urn, f"{goal.label} ({goal.urn}) is refused: {reasons}")

    def _has_gone(self, goal: Goal, old: Record, provider: Provider) -> bool:
        with attempt(goal.urn, goal.label, "read"):
            return provider.read(goal.urn, goal.type, old.id, old.plain_inputs) is None

    def _create(
        self, goal: Goal, provider: Provider, op: Op, reasons: tuple[str, ...] = (), also: tuple[Record, ...] = ()
    ) -> Record:
        """Make a resource; `also` is recorded in the same moment."""
        self._halt.check()
        record = goal.record("", goal.inputs, goal.inputs)
        with self._report.step(record, op, reasons):
            if not self._preview:
                with attempt(goal.urn, goal.label, "create"):
                    made = provider.create(goal.urn, goal.type, plain(goal.inputs))
                record = goal.record(made.id, goal.inputs, self._seal(goal, made.outputs))
            self._state.put(record, *also)
        return record

    def _update(self, goal: Goal, provider: Provider, old: Record, changed: tuple[str, ...]) -> Record:
        self._halt.check()
        # A preview takes it that what the provider computed stays as it was.
        record = goal.record(old.id, goal.inputs, {**old.outputs, **goal.inputs})
        with self._report.step(record, "update", changed):
            if not self._preview:
                with attempt(goal.urn, goal.label, "update"):
                    made = provider.update(goal.urn, goal.type, old.id, old.plain_inputs, plain(goal.inputs))
                record = goal.record(made.id, goal.inputs, self._seal(goal, made.outputs))
            self._state.put(record)
        return record

    def _replace(self, goal: Goal, provider: Provider, old: Record, diff: Diff, reasons: tuple[str, ...]) -> Record:
        if provider.is_store(goal.type):
            raise ResourceError(
                goal.urn,
                f"{goal.label} ({goal.urn}) holds data and is never replaced; a change of {', '.join(reasons)} would.",
                "Put the old value back, or declare a new resource beside it.",
            )
        if old.protect and goal.options.protect:
            raise ResourceError(
                goal.urn,
                f'unable to replace resource "{goal.urn}" as it is currently marked for protection: a change of '
                f"{', '.join(reasons)} would replace it.",
                "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi program and "
                "run `terrace up`.",
            )
        first = goal.options.delete_before_replace
        if diff.delete_before_replace if first is None else first:
            if not self._preview:
                self._clear(goal, old)
            return self._create(goal, provider, "replace", reasons)
        retired = replace(old, replaced=uuid.uuid4().hex)
        return self._create(goal, provider, "replace", reasons, (retired,))

    def _clear(self, goal: Goal, old: Record) -> None:
        """Delete a resource before its replacement is made, and before it those that must be replaced with it."""
        with self._clearing:
            self._halt.check()
            doomed = self._dependents(old)
            for record in doomed:
                provider = self._providers.of(record)
                if record.protect or provider.is_store(record.type):
                    why = "holds data" if provider.is_store(record.type) else "is currently marked for protection"
                    raise ResourceError(
                        goal.urn,
                        f'unable to replace resource "{record.urn}" as part of replacing "{goal.urn}" as it {why}.',
                    )
            for record in (each for level in in_order([*doomed, old]) for each in level):
                if record.retain:
                    self._state.drop(record.key)
                else:
                    with self._report.step(record, "delete", counted=False):
                        erase(record, self._providers, self._state)
                if record.urn != old.urn:
                    self._cleared[record.urn] = record

    def _dependents(self, old: Record) -> list[Record]:
        """Return resources that a replacement of this one replaces: an input that comes from it would force it."""
        doomed = {old.urn: old}
        found = True
        while found:
            found = False
            for record in self._state:
                if record.urn in doomed or record.replaced or not record.made_by_provider:
                    continue
                touched = [name for name, needs in record.property_dependencies.items() if doomed.keys() & set(needs)]
                if touched and self._would_replace(record, touched):
                    doomed[record.urn] = record
                    found = True
        return list(doomed.values())[1:]

    def _would_replace(self, record: Record, touched: list[str]) -> bool:
        inputs = record.plain_inputs
        unknown = {**inputs, **dict.fromkeys(touched, UNKNOWN)}
        with attempt(record.urn, f"{record.type} {record.name!r}", "compare"):
            diff = self._providers.of(record).diff(record.urn, record.type, inputs, unknown, (), id=record.id)
        return bool(diff.replace)

    def _import(self, goal: Goal, provider: Provider) -> Record:
        """Take over a resource that exists, if it is as the program says."""
        id = goal.options.import_id
        with attempt(goal.urn, goal.label, "import"):
            found = provider.read(goal.urn, goal.type, id, plain(goal.inputs))
        if found is None:
            raise ResourceError(goal.urn, f"{goal.label} ({goal.urn}) cannot be imported: there is no {id!r}.")
        present = {name: found.outputs.get(name) for name in goal.inputs}
        with attempt(goal.urn, goal.label, "compare"):
            diff = provider.diff(goal.urn, goal.type, present, plain(goal.inputs), goal.options.ignore_changes)
        if diff:
            raise ResourceError(
                goal.urn,
                f"{goal.label} ({goal.urn}) cannot be imported: inputs to import do not match the existing resource: "
                f"{', '.join(diff.changed)}.",
            )
        record = goal.record(found.id, goal.inputs, self._seal(goal, found.outputs))
        with self._report.step(record, "read"):
            self._state.put(record)
        return record

    def _seal(self, goal: Goal, outputs: Any) -> dict[str, Any]:
        return seal(outputs, goal.inputs, goal.options.additional_secret_outputs)


def _forced(goal: Goal, old: Record, diff: Diff) -> set[str]:
    """Return the changed inputs that `replace_on_changes` names."""
    before, after = old.plain_inputs, plain(goal.inputs)
    forced: set[str] = set()
    for steps in filter(None, map(property_paths.parse, goal.options.replace_on_changes)):
        tops = diff.changed if steps[0] == "*" else [name for name in diff.changed if name == steps[0]]
        forced |= {top for top in tops if property_paths.differs(after, before, (top, *steps[1:]))}
    return forced
