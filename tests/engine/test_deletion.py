"""The order of deletion, for any graph."""

from __future__ import annotations

from engine.cloud import STORE, THING
from hypothesis import given
from hypothesis import strategies as st

from terrace.engine.embedded.deletion import in_order, plan_destruction, plan_removal
from terrace.engine.embedded.records import Record


def urn(n: int) -> str:
    """URN of the n-th resource."""
    return f"urn:pulumi:dev::proj::t:t:T::r{n}"


@st.composite
def graphs(draw: st.DrawFn) -> list[Record]:
    """Resources, each of which may need any before it, in any order."""
    records = []
    for n in range(draw(st.integers(0, 12))):
        before = st.sampled_from([urn(m) for m in range(n)]) if n else st.just("")
        needs = draw(st.lists(before, max_size=3, unique=True)) if n else []
        records.append(
            Record(
                urn(n),
                draw(st.sampled_from([THING, STORE])),
                dependencies=tuple(needs),
                parent=draw(st.just("") | before),
                retain=draw(st.booleans()),
                deleted_with=draw(st.just("") | before),
                replaced=draw(st.sampled_from(["", "", "", "x"])),
            )
        )
    return draw(st.permutations(records))


@given(graphs())
def test_nothing_goes_before_what_needs_it(records: list[Record]) -> None:
    """Every record is in one level, and after all levels that hold something that needs it."""
    levels = in_order(records)
    assert sorted(record.key for level in levels for record in level) == sorted(record.key for record in records)
    level_of = {id(record): number for number, level in enumerate(levels) for record in level}
    for record in records:
        for other in records:
            if record.urn in other.needs:
                assert level_of[id(other)] < level_of[id(record)]


@given(graphs(), st.sets(st.integers(0, 12)))
def test_what_stays_is_whole(records: list[Record], named: set[int]) -> None:
    """No store is ever deleted, nor anything that one needs; everything else that is not named goes."""
    seen = {urn(n) for n in named}
    removal = plan_removal(records, seen, lambda record: record.type == STORE)
    kept = {record.urn for record in removal.keep}
    gone = [*removal.delete, *removal.forget]
    assert {record.urn for record in records if record.type == STORE and not record.replaced} - seen <= kept
    assert not any(record.type == STORE and not record.replaced for record in gone)
    there = {record.urn for record in records if not record.replaced}
    assert all(need in kept | seen for record in removal.keep for need in record.needs & there)
    assert len(gone) + len(removal.keep) == sum(record.replaced != "" or record.urn not in seen for record in records)


@given(graphs())
def test_destruction_with_data_leaves_nothing(records: list[Record]) -> None:
    """With the data everything is deleted, retained or not."""
    assert plan_destruction(records, delete_data=True).delete == records


def test_a_ring_does_not_hang() -> None:
    """Resources that need each other in a ring are deleted together."""
    ring = [Record(urn(0), "t", dependencies=(urn(1),)), Record(urn(1), "t", dependencies=(urn(0),))]
    assert in_order(ring) == [ring]
