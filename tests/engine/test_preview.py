"""A preview says what `up` would do, and does nothing."""

from __future__ import annotations

from engine.world import World, names

TEXT = """
a = Thing('a', {{'size': {0}, 'kind': '{1}'}}, w)
Thing('b', {{'of': a.arn}}, w)
export('arn', a.arn)
export('size', a.size)
"""


def test_a_first_preview_lists_what_would_be_made(world: World) -> None:
    """Before the first run everything would be created, and what the provider computes is unknown."""
    result = world.preview(TEXT.format(1, "x"))
    assert names(result.created) == ["a", "b"]
    assert result.outputs == {"arn": "[unknown]", "size": 1}
    assert world.cloud.calls == []
    assert not world.home.exists()


def test_a_preview_lists_updates_replacements_deletions_and_kept(world: World) -> None:
    """Every kind of change is listed, as `up` then does it."""
    before = TEXT.format(1, "x") + "Thing('gone', {}, w)\nStore('s', {}, w)\nThing('u', {'size': 1}, w)"
    after = TEXT.format(1, "y") + "Thing('new', {}, w)\nThing('u', {'size': 2}, w)"
    world.up(before)
    world.cloud.calls.clear()
    shown = world.preview(after)
    assert world.cloud.calls == []
    done = world.up(after)
    for field in ("created", "updated", "replaced", "deleted", "unchanged", "kept"):
        assert names(getattr(shown, field)) == names(getattr(done, field)), field
    assert names(done.kept) == ["s"]
    assert world.preview(after).counts["unchanged"] == 4


def test_an_update_keeps_what_was_computed(world: World) -> None:
    """A preview of an update does not claim that every dependent changes."""
    world.up(TEXT.format(1, "x"))
    result = world.preview(TEXT.format(2, "x"))
    assert (names(result.updated), names(result.unchanged)) == (["a"], ["b"])
    assert result.outputs["arn"].startswith("arn:")


def test_a_preview_calls_data_sources(world: World) -> None:
    """Data sources with known arguments are asked in a preview; others give unknown values."""
    text = """
    export('x', get_thing(O(provider=aws) and pulumi.InvokeOptions(provider=aws), question=1)['answer'])
    a = Thing('a', {}, w)
    export('y', pulumi.runtime.invoke_output('aws:fake/getThing:getThing', {'question': a.count},
           pulumi.InvokeOutputOptions(provider=aws))['answer'])
    """
    assert world.preview(text).outputs == {"x": 2, "y": "[unknown]"}
    assert world.up(text).outputs == {"x": 2, "y": 8}


def test_a_preview_leaves_the_state_alone(world: World) -> None:
    """A preview of an empty program forgets nothing."""
    world.up(TEXT.format(1, "x"))
    world.preview("")
    assert sorted(world.urns()) == ["a", "aws", "b"]
    assert world.engine().outputs(world.program())["size"] == 1
