"""What goes when the program no longer names it, what stays, and in which order the rest is deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from terrace.engine.embedded.faults import Halt, attempt
from terrace.engine.embedded.pool import each
from terrace.engine.embedded.providers import Providers
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.report import Report
from terrace.engine.embedded.state import State
from terrace.engine.model import ResourceError


@dataclass
class Removal:
    """What becomes of the records that a program does not name.

    Attributes:
        delete: To be deleted: a provider is asked to, unless it is a component or a provider instance.
        forget: To be dropped from the state while the resource stays (`retain_on_delete`), or goes along with
            another (`deleted_with`).
        keep: Stores, and what they need.
        purge: URNs of stores to be emptied before they are deleted: a person asked to delete what they hold.
    """

    delete: list[Record] = field(default_factory=list)
    forget: list[Record] = field(default_factory=list)
    keep: list[Record] = field(default_factory=list)
    purge: Collection[str] = ()


def plan_removal(
    records: Iterable[Record], seen: Collection[str], is_store: Callable[[Record], bool], retire: Collection[str] = ()
) -> Removal:
    """Sort what is not named into what is deleted, forgotten and kept.

    Args:
        records: All that the state has.
        seen: URNs that the program named.
        is_store: Tells what holds data.
        retire: URNs of stores that are deleted like anything else, unless a store that stays needs them.

    Raises:
        ResourceError: A resource that is not a store is protected. The text is that of Pulumi's engine.
    """
    left = [record for record in records if record.replaced or record.urn not in seen]
    stores = [record for record in left if not record.replaced and record.made_by_provider and is_store(record)]
    kept = _with_needs([store for store in stores if store.urn not in retire], left)
    going = [record for record in left if record.key not in kept]
    retired = {store.urn for store in stores if store.urn in retire and store.key not in kept}
    for record in going:
        if record.protect and not record.replaced and record.urn not in retired:
            raise ResourceError(
                record.urn,
                f'resource "{record.urn}" cannot be deleted because it is protected.',
                "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi program and "
                "run `terrace up`; then remove the resource.",
            )
    return _split(going, [record for record in left if record.key in kept], retired)


def plan_destruction(records: Iterable[Record], delete_data: bool) -> Removal:
    """Sort everything for `destroy`; with `delete_data` nothing is retained."""
    everything = list(records)
    if not delete_data:
        return _split(everything, [], ())
    return Removal(delete=everything, purge={record.urn for record in everything})


def in_order(records: Iterable[Record]) -> list[list[Record]]:
    """Return levels to delete one after the other: nothing goes before what needs it has gone."""
    left = list(records)
    waiting = Counter(urn for record in left for urn in record.needs)
    levels = []
    while left:
        # Records of aliases long gone may need each other in a ring; then the rest goes at once.
        level = [record for record in left if not waiting[record.urn]] or left
        taken = {id(record) for record in level}
        left = [record for record in left if id(record) not in taken]
        for record in level:
            waiting.subtract(record.needs)
        levels.append(level)
    return levels


def erase(record: Record, providers: Providers, state: State, purge: bool = False) -> None:
    """Have the provider delete a resource, and drop its record.

    Args:
        purge: Empty a store first; only when a person asked to delete data.
    """
    if record.made_by_provider:
        provider = providers.of(record)
        with attempt(record.urn, f"{record.type} {record.name!r}", "delete"):
            inputs = record.plain_inputs
            if purge and provider.is_store(record.type):
                provider.purge(record.urn, record.type, record.id, inputs)
            provider.delete(record.urn, record.type, record.id, inputs)
    state.drop(record.key)


@dataclass
class Remover:
    """Carries out a removal; in a preview it only tells."""

    state: State
    providers: Providers
    report: Report
    halt: Halt
    workers: int
    preview: bool = False

    def __call__(self, removal: Removal) -> None:
        """Delete, forget and keep. The first failure ends it; what is left is in the state for the next run."""
        for record in removal.keep:
            if record.made_by_provider:
                with self.report.step(record, "keep"):
                    self.state.put(replace(record, kept=True))
        for record in removal.forget:
            self.state.drop(record.key)
            if record.made_by_provider and not record.replaced:
                self.report.message(f"{record.type} {record.name!r} is no longer in the stack; it was not deleted.")
        for level in in_order(removal.delete):
            each(level, lambda record: self._delete(record, record.urn in removal.purge), self.workers)

    def _delete(self, record: Record, purge: bool) -> None:
        with self.halt.guard():
            if self.preview or not record.made_by_provider:
                self.state.drop(record.key)
            if record.made_by_provider:
                # The old one of a replaced pair is counted with the pair.
                with self.report.step(record, "delete", counted=not record.replaced):
                    if not self.preview:
                        erase(record, self.providers, self.state, purge)


def _with_needs(stores: list[Record], records: list[Record]) -> set[str]:
    """Return the keys of the stores and of all they need, however far away."""
    by_urn = {record.urn: record for record in records if not record.replaced}
    kept: set[str] = set()
    waiting = list(stores)
    while waiting:
        record = waiting.pop()
        if record.key not in kept:
            kept.add(record.key)
            waiting += [by_urn[urn] for urn in record.needs if urn in by_urn]
    return kept


def _split(going: list[Record], keep: list[Record], retired: Collection[str]) -> Removal:
    """Tell what is deleted from what is only forgotten."""
    gone = {record.urn for record in going if not record.replaced and (not record.retain or record.urn in retired)}
    removal = Removal(keep=keep, purge=retired)
    for record in going:
        along = record.deleted_with in gone
        retained = record.retain and record.urn not in retired
        forget = record.made_by_provider and (retained or (along and not record.replaced))
        (removal.forget if forget else removal.delete).append(record)
    return removal
