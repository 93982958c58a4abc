"""Secrets, unknown values, numbers and configuration on their way through the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine.world import World
from hypothesis import given
from hypothesis import strategies as st

from terrace.engine.embedded import property_paths, values
from terrace.engine.embedded.values import Secret
from terrace.sandbox.provider.base import UNKNOWN

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, width=32) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
VALUES = st.recursive(
    JSON | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner | inner.map(Secret)),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), VALUES | VALUES.map(Secret), max_size=4))
def test_values_survive_the_wire_and_the_disk(inputs: dict[str, Any]) -> None:
    """Whatever a program says, secrets and unknowns included, is read back as it was."""
    expected = values.load(inputs)
    assert values.from_struct(values.to_struct(inputs)) == expected
    assert values.load(json.loads(json.dumps(values.dump(inputs)))) == expected


@given(st.dictionaries(st.text(max_size=5), VALUES | VALUES.map(Secret), max_size=4))
def test_what_is_shown_is_json_without_secrets(inputs: dict[str, Any]) -> None:
    """What may be shown holds neither a secret nor a mark of Pulumi's."""
    shown = values.mask(inputs)
    assert values.SIGNATURE not in json.dumps(shown)
    assert not values.holds_secret(shown)
    assert not values.holds_unknown(shown)
    assert not values.holds_secret(values.plain(inputs))


@given(JSON, JSON)
def test_a_restored_path_is_as_before(old: Any, new: Any) -> None:
    """After `ignore_changes` of an input its value is the old one, and other inputs are the new ones."""
    result = property_paths.restore({"a": new, "b": new}, {"a": old, "b": old}, ["a"])
    assert result == {"a": old, "b": new}
    assert property_paths.restore({"a": new}, {"a": old}, ["*"]) == {"a": old}
    assert property_paths.restore({"a": new}, {}, ["a"]) == {}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("tags", ("tags",)),
        ("a.b.c", ("a", "b", "c")),
        ("a[0].b", ("a", 0, "b")),
        ("a[*].b", ("a", "*", "b")),
        ('tags["a.b\\"c"]', ("tags", 'a.b"c')),
        ('["x"].y', ("x", "y")),
        ("*", ("*",)),
    ],
)
def test_paths_are_read_as_pulumi_reads_them(path: str, steps: tuple[str | int, ...]) -> None:
    """Dots, quotes and indices of a property path mean what they mean to Pulumi."""
    assert property_paths.parse(path) == steps


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rules[0].id", {"rules": [{"id": 1, "x": 9}, {"id": 8}], "t": 1}),
        ("rules[*].id", {"rules": [{"id": 1, "x": 9}, {"id": 2}], "t": 1}),
        ("rules[5].id", {"rules": [{"id": 7, "x": 9}, {"id": 8}], "t": 1}),
        ("t.deep", {"rules": [{"id": 7, "x": 9}, {"id": 8}], "t": 1}),
        ("rules[0].x", {"rules": [{"id": 7}, {"id": 8}], "t": 1}),
    ],
)
def test_deep_paths_restore_only_what_they_name(path: str, expected: dict[str, Any]) -> None:
    """A path into a list restores that place alone; one that leads nowhere restores nothing."""
    new = {"rules": [{"id": 7, "x": 9}, {"id": 8}], "t": 1}
    old = {"rules": [{"id": 1}, {"id": 2}], "t": 1}
    assert property_paths.restore(new, old, [path]) == expected


def test_secrets_reach_the_provider_and_nobody_else(world: World) -> None:
    """A secret input arrives plain at the provider, stays secret in what is computed of it, and is never shown."""
    world.config, world.secret_keys = {"proj:key": "hunter2"}, ("proj:key",)
    text = """
    key = pulumi.Config().require_secret('key')
    a = Thing('a', {'key': key, 'deep': {'list': [key]}}, o(additional_secret_outputs=['count']))
    b = Thing('b', {'of': a.key, 'n': a.count}, w)
    export('key', pulumi.Output.concat('is ', b.of))
    export('n', b.n)
    export('arn', a.arn)
    """
    result = world.up(text)
    assert (result.outputs["key"], result.outputs["n"]) == ("[secret]", "[secret]")
    assert result.outputs["arn"].startswith("arn:")
    inputs = [thing["inputs"] for thing in world.cloud.things.values()]
    assert {"key": "hunter2", "deep": {"list": ["hunter2"]}} in inputs
    assert {"of": "hunter2", "n": 7} in inputs
    engine, program = world.engine(), world.program(text)
    assert "hunter2" not in repr(engine.resources(program)) + repr(engine.outputs(program)) + repr(world.events)
    assert engine.outputs(program, show_secrets=True)["key"] == "is hunter2"
    assert world.up(text).counts["unchanged"] == 2


def test_the_state_is_private(world: World) -> None:
    """The files of a state can be read by nobody else."""
    world.up("Thing('a', {}, w)")
    folder = world.home / "state" / "proj" / "dev"
    assert folder.stat().st_mode & 0o077 == 0
    assert [file.name for file in folder.iterdir() if file.is_file() and file.stat().st_mode & 0o077] == []


def test_whole_numbers_stay_whole(world: World) -> None:
    """Numbers, floats on the wire, come back as they were written."""
    world.up("a = Thing('a', {'i': 3, 'f': 2.5, 'deep': [{'x': 10}]}, w)\nexport('i', a.i)")
    (thing,) = world.cloud.things.values()
    assert json.dumps(thing["inputs"], sort_keys=True) == '{"deep": [{"x": 10}], "f": 2.5, "i": 3}'
    assert json.dumps(world.engine().outputs(world.program())) == '{"i": 3}'


def test_only_the_given_configuration_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Pulumi's environment variables nor an earlier program's settings reach a program."""
    monkeypatch.setenv("PULUMI_CONFIG", '{"proj:a": "env"}')
    monkeypatch.setenv("PULUMI_CONFIG_PROJ_B", "env")
    world.config = {"proj:c": "given"}
    text = "c = pulumi.Config()\nexport('found', [c.get('a'), c.get('b'), c.get('c')])"
    assert world.up(text).outputs == {"found": [None, None, "given"]}
    world.config = {}
    assert world.up(text).outputs == {"found": [None, None, None]}
