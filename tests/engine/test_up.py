"""What `up` makes, changes and leaves alone."""

from __future__ import annotations

import pytest
from engine.world import HEAD, World, names

from terrace.engine import ResourceError
from terrace.errors import EngineError, SettingsError


def test_creates_what_is_declared_and_returns_the_outputs(world: World) -> None:
    """A first run makes every resource, and exports what the provider computed."""
    result = world.up("a = Thing('a', {'size': 1}, w)\nexport('arn', a.arn)\nexport('n', a.count)")
    assert names(result.created) == ["a"]
    assert result.outputs["arn"].startswith("arn:id-")
    assert result.outputs["n"] == 7
    assert isinstance(result.outputs["n"], int)
    assert world.ops("started") == world.ops("done") == [("create", "a")]


def test_a_second_run_changes_nothing(world: World) -> None:
    """The same program again creates, updates and deletes nothing."""
    text = "g = Group('g')\na = Thing('a', {'size': 1}, o(parent=g))\nThing('b', {'of': a.arn}, o(parent=g))"
    world.up(text)
    result = world.up(text)
    assert result.counts == {"created": 0, "updated": 0, "replaced": 0, "deleted": 0, "unchanged": 2}
    assert world.cloud.count("create") == 2


def test_a_changed_input_updates(world: World) -> None:
    """A changed input updates the resource in place and hands its dependents the new value."""
    text = "a = Thing('a', {{'size': {}}}, w)\nThing('b', {{'of': a.size}}, w)"
    world.up(text.format(1))
    result = world.up(text.format(2))
    assert names(result.updated) == ["a", "b"]
    assert result.updated[0].properties == ("size",)
    assert {thing["inputs"].get("of") for thing in world.cloud.things.values()} == {None, 2}


def test_what_is_no_longer_named_is_deleted(world: World) -> None:
    """A resource that the program no longer names is deleted, after the program ran."""
    world.up("Thing('a', {}, w)\nThing('b', {}, w)")
    result = world.up("Thing('b', {}, w)\nThing('c', {}, w)")
    assert (names(result.created), names(result.deleted)) == (["c"], ["a"])
    assert world.cloud.calls[-1] == ("delete", "a")


def test_a_resource_that_has_gone_is_made_again(world: World) -> None:
    """A resource that somebody deleted is noticed, made again and spoken of, changed or not."""
    world.up("Thing('a', {}, w)\nThing('b', {'size': 1}, w)")
    world.cloud.remove("a")
    world.cloud.remove("b")
    result = world.up("Thing('a', {}, w)\nThing('b', {'size': 2}, w)")
    assert names(result.created) == ["a", "b"]
    assert "aws:fake/thing:Thing 'a' had gone and is made again." in result.messages
    assert world.cloud.names() == ["a", "b"]


def test_a_replacement_is_made_before_the_old_one_goes(world: World) -> None:
    """A change that forces a replacement makes the new one, updates what uses it, then deletes the old one."""
    text = "a = Thing('a', {{'kind': '{}'}}, w)\nThing('b', {{'of': a.arn}}, w)"
    world.up(text.format("x"))
    world.cloud.calls.clear()
    result = world.up(text.format("y"))
    assert [call for call in world.cloud.calls if call[0] != "read"] == [
        ("create", "a"),
        ("update", "b"),
        ("delete", "a"),
    ]
    assert (names(result.replaced), names(result.updated), names(result.deleted)) == (["a"], ["b"], [])
    assert result.replaced[0].properties == ("kind",)
    assert world.cloud.names() == ["a", "b"]


@pytest.mark.parametrize(
    ("maker", "option"), [("Solo", ""), ("Thing", ", delete_before_replace=True")], ids=["by type", "by option"]
)
def test_a_replacement_may_need_the_old_one_gone_first(world: World, maker: str, option: str) -> None:
    """Where two cannot exist at once, or the option says so, the old one is deleted before the new one is made."""
    text = f"{maker}('a', {{{{'kind': '{{}}'}}}}, o(protect=False{option}))"
    world.up(text.format("x"))
    world.cloud.calls.clear()
    result = world.up(text.format("y"))
    assert [op for op, _ in world.cloud.calls] == ["read", "delete", "create"]
    assert names(result.replaced) == ["a"]


def test_the_option_may_ask_for_the_new_one_first(world: World) -> None:
    """`delete_before_replace=False` overrides what the provider would do."""
    text = "Solo('a', {{'kind': '{}'}}, o(delete_before_replace=False))"
    world.up(text.format("x"))
    world.up(text.format("y"))
    assert [op for op, _ in world.cloud.calls] == ["create", "read", "create", "delete"]


def test_dependents_that_must_be_replaced_too_go_first(world: World) -> None:
    """Before a resource is deleted for its replacement, those that its change would replace are deleted."""
    text = "a = Solo('a', {{'kind': '{}'}}, w)\nb = Thing('b', {{'kind': a.arn}}, w)\nThing('c', {{'of': b.arn}}, w)"
    world.up(text.format("x"))
    world.cloud.calls.clear()
    result = world.up(text.format("y"))
    changes = [call for call in world.cloud.calls if call[0] != "read"]
    assert changes == [("delete", "b"), ("delete", "a"), ("create", "a"), ("create", "b"), ("update", "c")]
    assert (names(result.replaced), names(result.deleted)) == (["a", "b"], [])


def test_a_protected_dependent_refuses_the_replacement(world: World) -> None:
    """A protected resource is not deleted for the sake of another's replacement, and nothing is touched."""
    text = "a = Solo('a', {{'kind': '{}'}}, w)\nThing('b', {{'kind': a.arn}}, o(protect=True))"
    world.up(text.format("x"))
    with pytest.raises(ResourceError, match=r'unable to replace resource ".*::b" as part of replacing ".*::a"'):
        world.up(text.format("y"))
    assert world.cloud.count("delete") == 0


def test_ignored_changes_do_nothing(world: World) -> None:
    """An input named in `ignore_changes` keeps its old value, also deep inside."""
    text = "Thing('a', {{'size': {0}, 'deep': {{'x': {0}, 'y': {0}}}, 'new{0}': 1}}, o(ignore_changes=[{1}]))"
    world.up(text.format(1, "'size'"))
    result = world.up(text.format(2, "'size', 'deep.x', 'new1', 'new2'"))
    assert names(result.updated) == ["a"]
    (thing,) = world.cloud.things.values()
    assert thing["inputs"] == {"size": 1, "deep": {"x": 1, "y": 2}, "new1": 1}


def test_replace_on_changes_replaces(world: World) -> None:
    """A change of an input named in `replace_on_changes` replaces instead of updating; other changes don't."""
    text = "Thing('a', {{'size': {}, 'tags': {{'t': {}}}}}, o(replace_on_changes=['tags.t']))"
    world.up(text.format(1, 1))
    assert names(world.up(text.format(2, 1)).updated) == ["a"]
    assert names(world.up(text.format(2, 2)).replaced) == ["a"]


def test_a_refused_input_is_named(world: World) -> None:
    """An input that the provider refuses is named with its reason and resource, and nothing is made of it."""
    with pytest.raises(ResourceError) as refused:
        world.up("Thing('a', {'bad': 1}, w)")
    assert "bad: must not be given" in str(refused.value)
    assert refused.value.urn == "urn:pulumi:dev::proj::aws:fake/thing:Thing::a"
    assert refused.value.urn in str(refused.value)
    assert world.cloud.count("create") == 0


def test_an_unknown_type_is_named(world: World) -> None:
    """A type that the sandbox does not have is refused by its name."""
    with pytest.raises(EngineError, match="does not have aws:other/x:X"):
        world.up("pulumi.CustomResource('aws:other/x:X', 'a', {}, w)")


def test_a_name_may_be_used_once(world: World) -> None:
    """Two resources of one type, parent and name are refused with the text of Pulumi's engine."""
    with pytest.raises(EngineError, match=r"^Duplicate resource URN 'urn:.*::a'; try giving it a unique name$"):
        world.up("Thing('a', {}, w)\nThing('a', {}, w)")


def test_errors_of_terrace_come_out_as_they_are(world: World) -> None:
    """A Terrace error raised in the program reaches the caller unchanged, and nothing was made."""
    with pytest.raises(SettingsError) as raised:
        world.up("Thing('a', {}, w)\nfrom terrace.errors import SettingsError\nraise SettingsError(['level: no'])")
    assert raised.value.problems == ("level: no",)
    assert world.cloud.calls == []


def test_errors_of_the_program_name_the_line(world: World) -> None:
    """Any other exception is named with the file and line in the program, its traceback kept as the cause."""
    with pytest.raises(EngineError, match=r"__main__\.py:3: ValueError: no good$") as raised:
        world.up("\n\ndef f(): raise ValueError('no good')\nf()", head="")
    assert isinstance(raised.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = = 1", r"__main__\.py:1: SyntaxError"),
        ("import nothing_like_it", r"__main__\.py:1: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import pulumi; pulumi.Config('x').require('y')", r"__main__\.py:1: ConfigMissingError: .*'x:y'"),
        (HEAD + "Thing('a', {}, w).arn.apply(lambda arn: 1 / 0)", r"__main__\.py:\d+: ZeroDivisionError"),
    ],
)
def test_a_broken_program_says_where(world: World, text: str, expected: str) -> None:
    """Whatever breaks a program, syntax to callbacks, is one error with its place."""
    with pytest.raises(EngineError, match=expected):
        world.up(text, head="")


def test_a_program_may_leave_early(world: World) -> None:
    """`sys.exit(0)` ends the program well."""
    assert names(world.up("Thing('a', {}, w)\nimport sys\nsys.exit(0)").created) == ["a"]


def test_a_missing_program_is_named(world: World) -> None:
    """A path without a program is refused by its name."""
    program = world.program()
    program.file.unlink()
    with pytest.raises(EngineError, match=r"no program at .*program"):
        world.engine().up(program)


def test_an_asynchronous_program_runs(world: World) -> None:
    """A program that hands `pulumi.run` a coroutine is run, and what it returns is exported."""
    result = world.up("async def main():\n    return {'n': Thing('a', {}, w).count}\npulumi.run(main)")
    assert (names(result.created), result.outputs) == (["a"], {"n": 7})


def test_a_single_file_is_a_program(world: World) -> None:
    """A program may be a file instead of a folder."""
    program = world.program("Thing('a', {}, w)")
    file = program.file.rename(world.folder / "infra.py")
    moved = type(program)("proj", "dev", file)
    assert names(world.engine().up(moved).created) == ["a"]


def test_what_the_program_logs_is_heard(world: World) -> None:
    """`pulumi.log` reaches the listener and the result."""
    assert world.up("pulumi.log.warn('mind the gap')").messages == ["mind the gap"]


def test_hundreds_of_resources(world: World) -> None:
    """Hundreds of resources, chained and not, are made in one run and found unchanged in the next."""
    text = """
    last = None
    for i in range(150):
        last = Thing(f'c{i}', {'of': last.arn} if last else {}, w)
        Thing(f'f{i}', {'i': i}, w)
    """
    assert world.up(text).counts["created"] == 300
    assert world.up(text).counts["unchanged"] == 300
    assert world.up("").counts["deleted"] == 300
    assert world.cloud.things == {}
