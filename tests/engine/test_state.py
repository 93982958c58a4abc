"""The state on disk survives whatever happens to the process, and knows which sandbox it belongs to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from engine.world import World, names
from hypothesis import given, settings
from hypothesis import strategies as st

from terrace.engine.embedded.records import Record
from terrace.engine.embedded.state import State
from terrace.engine.embedded.values import Secret
from terrace.errors import EngineError

URN = "urn:pulumi:dev::proj::aws:fake/thing:Thing::"
RECORDS = st.builds(
    Record,
    urn=st.sampled_from([URN + name for name in "abc"]),
    type=st.just("aws:fake/thing:Thing"),
    custom=st.booleans(),
    id=st.text(max_size=5),
    inputs=st.dictionaries(st.text(max_size=3), st.integers(0, 9) | st.text(max_size=3).map(Secret), max_size=3),
    outputs=st.dictionaries(st.text(max_size=3), st.lists(st.booleans(), max_size=2), max_size=2),
    parent=st.sampled_from(["", URN + "a"]),
    dependencies=st.lists(st.sampled_from([URN + name for name in "abc"]), max_size=2).map(tuple),
    property_dependencies=st.dictionaries(st.just("of"), st.just((URN + "a",)), max_size=1),
    protect=st.booleans(),
    kept=st.booleans(),
    replaced=st.sampled_from(["", "x"]),
)
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "drop", "outputs", "rename", "fold"]), RECORDS), max_size=12)


def content(state: State) -> tuple[object, ...]:
    """What a state holds."""
    return ({record.key: record for record in state}, state.outputs, state.incarnation)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.integers(0, 40))
def test_a_state_reads_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, changes: object, cut: int) -> None:
    """After any changes, with the end of the process at any moment, the state reads as it last was."""
    folder = tmp_path_factory.mktemp("state")
    state = State(folder)
    for op, record in changes:  # type: ignore[attr-defined]
        before = content(state)
        size = (folder / "journal.jsonl").stat().st_size
        if op == "put":
            state.put(record)
        elif op == "drop":
            state.drop(record.key)
        elif op == "outputs":
            state.set_outputs(record.inputs)
        elif op == "rename":
            state.rename(record, URN + "c")
        else:
            state._fold()
        assert content(State(folder, read_only=True)) == content(state)
        # The same process, killed while it wrote the last entry.
        written = (folder / "journal.jsonl").read_bytes()
        if op != "fold" and len(written) > size:
            (folder / "journal.jsonl").write_bytes(written[: size + min(cut, len(written) - size - 1)])
            assert content(State(folder, read_only=True)) == before
            (folder / "journal.jsonl").write_bytes(written)
    # Killed between the two writes of a fold: the journal's entries are read a second time.
    journal = (folder / "journal.jsonl").read_bytes()
    state._fold()
    (folder / "journal.jsonl").write_bytes(journal)
    assert content(State(folder, read_only=True)) == content(state)
    state.close()
    again = State(folder)
    again.close()
    assert content(again) == content(state)


def test_half_a_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    """A state whose process was killed while it wrote can be written on."""
    state = State(tmp_path)
    state.put(Record(URN + "a", "t"))
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write('{"put":[{"ur')
    again = State(tmp_path)
    again.put(Record(URN + "b", "t"))
    for opened in (state, again):
        assert opened._journal is not None
        opened._journal.close()
    assert {record.name for record in State(tmp_path, read_only=True)} == {"a", "b"}


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("state.json", "{", r"damaged \(state.json\)"),
        ("journal.jsonl", "{\n{}\n", r"damaged \(journal.jsonl, line 1\)"),
        ("state.json", '{"version": 99}', "of version 99"),
    ],
)
def test_a_damaged_state_is_refused(tmp_path: Path, file: str, text: str, expected: str) -> None:
    """A state that cannot be read is refused with its folder and what to do, and is not written over."""
    (tmp_path / file).write_text(text)
    with pytest.raises(EngineError, match=expected):
        State(tmp_path)
    assert (tmp_path / file).read_text() == text


def test_the_journal_is_folded_at_the_end(world: World) -> None:
    """After a run everything is in one readable file, and the journal is empty."""
    world.up("Thing('a', {'size': 1}, w)\nexport('x', 1)")
    folder = world.home / "state" / "proj" / "dev"
    state = json.loads((folder / "state.json").read_text())
    assert (state["version"], state["outputs"], state["incarnation"]) == (1, {"x": 1}, "first")
    assert [found["urn"].rsplit("::")[-1] for found in state["resources"]] == ["aws", "a"]
    assert (folder / "journal.jsonl").read_text() == ""


def test_an_emptied_sandbox_is_noticed(world: World) -> None:
    """When the sandbox was emptied the state is dropped, that is said, and everything is built again."""
    text = "Thing('a', {}, w)\nStore('s', {}, w)\nexport('x', 1)"
    world.up(text)
    world.cloud.things.clear()
    world.incarnation = "second"
    assert world.engine().resources(world.program()) == []
    assert world.engine().outputs(world.program()) == {}
    shown = world.preview(text)
    result = world.up(text)
    for found in (shown, result):
        assert sorted(names(found.created)) == ["a", "s"]
        assert found.messages == ["The sandbox was emptied since the last run; everything is built again."]
    assert world.up(text).messages == []


def test_a_first_run_does_not_speak_of_an_emptied_sandbox(world: World) -> None:
    """Where there was nothing, nothing is said to be lost."""
    assert world.up("Thing('a', {}, w)").messages == []


def test_refresh_takes_over_what_is_there(world: World) -> None:
    """`refresh` drops what has gone and reports what was changed; the next `up` brings both back."""
    text = "Thing('a', {'size': 1}, w)\nThing('b', {}, w)\nThing('c', {'size': 1, 'kind': 'x'}, w)"
    world.up(text)
    world.cloud.remove("b")
    for thing in world.cloud.things.values():
        if thing["urn"].endswith("::c"):
            thing["inputs"]["size"] = 5
    result = world.refresh()
    assert (names(result.deleted), names(result.updated), names(result.unchanged)) == (["b"], ["c"], ["a"])
    assert result.updated[0].properties == ("size",)
    assert len(result.messages) == 2
    result = world.up(text)
    assert (names(result.created), names(result.updated), names(result.unchanged)) == (["b"], ["c"], ["a"])
    assert world.refresh().counts["unchanged"] == 3


def test_what_the_state_has_can_be_listed(world: World) -> None:
    """Every resource is listed with its id, inputs, outputs, parent, provider and dependencies."""
    world.up("g = Group('g')\na = Thing('a', {'size': 1}, w)\nThing('b', {'of': a.arn}, o(parent=g, protect=True))")
    found = {resource.name: resource for resource in world.engine().resources(world.program())}
    b = found["b"]
    assert (b.parent, b.dependencies, b.provider) == (found["g"].urn, (found["a"].urn,), found["aws"].urn)
    assert (b.inputs["of"], b.outputs["count"], b.protect, b.custom) == (f"arn:{found['a'].id}", 7, True, True)
    assert (found["g"].custom, found["g"].id) == (False, "")
