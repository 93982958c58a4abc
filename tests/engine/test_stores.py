"""What holds data is never lost to an `up`, and other options that say what stays."""

from __future__ import annotations

import pytest
from engine.cloud import STORE
from engine.world import World, names

from terrace.engine import ResourceError
from terrace.errors import EngineError


def test_a_store_that_is_no_longer_named_is_kept(world: World) -> None:
    """A store that the program drops stays, is listed, and is found unchanged when it is named again."""
    text = "Store('s', {'size': 1}, w)"
    world.up(text + "\nThing('a', {}, w)")
    result = world.up("Thing('a', {}, w)")
    assert (names(result.kept), names(result.deleted)) == (["s"], [])
    assert [found.name for found in world.engine().resources(world.program()) if found.kept] == ["s"]
    assert names(world.up("").kept) == ["s"]
    result = world.up(text)
    assert (names(result.unchanged), result.kept) == (["s"], [])
    assert not any(found.kept for found in world.engine().resources(world.program()))


def test_what_a_kept_store_needs_is_kept_with_it(world: World) -> None:
    """A resource that a kept store depends on stays too; one that depends on the store goes."""
    world.up("n = Thing('need', {}, w)\ns = Store('s', {'of': n.arn}, w)\nThing('user', {'of': s.arn}, w)")
    result = world.up("")
    assert (names(result.kept), names(result.deleted)) == (["s", "need"], ["user"])


def test_a_store_is_never_replaced(world: World) -> None:
    """A change that would replace a store is refused with its name and the input, and nothing is touched."""
    world.up("Store('s', {'kind': 'x'}, w)")
    for run in (world.preview, world.up):
        with pytest.raises(ResourceError, match=r"Store 's' .* is never replaced; a change of kind would"):
            run("Store('s', {'kind': 'y'}, w)")
    assert [op for op, _ in world.cloud.calls] == ["create", "read"]


def test_a_store_may_be_updated(world: World) -> None:
    """A change that does not replace a store is made."""
    world.up("Store('s', {'size': 1}, w)")
    assert names(world.up("Store('s', {'size': 2}, w)").updated) == ["s"]


def test_destroy_refuses_data(world: World) -> None:
    """`destroy` refuses stores, kept ones too, and what is protected, lists them, and deletes nothing."""
    world.up("Store('old', {}, w)")
    world.up("Store('s', {}, w)\nThing('p', {}, o(protect=True))\nThing('a', {}, w)")
    with pytest.raises(EngineError) as refused:
        world.destroy()
    assert "Store 'old' holds data" in str(refused.value)
    assert "Store 's' holds data" in str(refused.value)
    assert "Thing 'p' is protected" in str(refused.value)
    assert "--delete-data" in str(refused.value)
    assert world.cloud.count("delete") == 0


def test_destroy_deletes_data_when_asked(world: World) -> None:
    """With `delete_data` everything goes in order: kept, protected and retained, full stores emptied first."""
    world.up("Store('old', {'full': True}, w)\nThing('z', {}, w)")
    world.up("s = Store('s', {}, o(protect=True, retain_on_delete=True))\nThing('a', {'of': s.arn}, w)")
    result = world.destroy(delete_data=True)
    assert names(result.deleted) == ["old", "s", "a"]
    assert world.cloud.things == {}
    assert sorted(world.cloud.named("purge")) == ["old", "s"]
    assert world.engine().resources(world.program()) == []
    assert world.engine().outputs(world.program()) == {}


def test_destroy_of_plain_resources(world: World) -> None:
    """Without data `destroy` needs no permission, and a later `up` starts from nothing."""
    world.up("Thing('a', {}, w)\nexport('x', 1)")
    assert names(world.destroy().deleted) == ["a"]
    assert names(world.up("Thing('a', {}, w)").created) == ["a"]


def test_a_protected_resource_is_not_deleted(world: World) -> None:
    """Dropping a protected resource is refused with the engine's text, in a preview too; unprotecting is no change."""
    world.up("Thing('p', {}, o(protect=True))\nThing('a', {}, w)")
    for run in (world.preview, world.up):
        with pytest.raises(ResourceError, match=r'^resource ".*::p" cannot be deleted because it is protected\.'):
            run("")
    assert world.cloud.count("delete") == 0
    assert names(world.up("Thing('p', {}, w)\nThing('a', {}, w)").unchanged) == ["a", "p"]
    assert names(world.up("").deleted) == ["a", "p"]


def test_a_protected_resource_is_not_replaced(world: World) -> None:
    """A change that would replace a protected resource is refused; unprotecting in the same run allows it."""
    world.up("Thing('p', {'kind': 'x'}, o(protect=True))")
    with pytest.raises(ResourceError, match=r'unable to replace resource ".*::p" as it is currently marked'):
        world.up("Thing('p', {'kind': 'y'}, o(protect=True))")
    assert names(world.up("Thing('p', {'kind': 'y'}, w)").replaced) == ["p"]


def test_protect_is_inherited(world: World) -> None:
    """Children of a protected component are protected."""
    world.up("g = Group('g', O(protect=True))\nThing('a', {}, o(parent=g))")
    assert [found.name for found in world.engine().resources(world.program()) if found.protect] == ["a", "g"]
    with pytest.raises(ResourceError, match="is protected"):
        world.up("g = Group('g')")


def test_retain_on_delete_leaves_the_resource(world: World) -> None:
    """A retained resource that is no longer named is forgotten, not deleted; so is the old one of a replacement."""
    world.up("Thing('r', {'kind': 'x'}, o(retain_on_delete=True))")
    world.up("Thing('r', {'kind': 'y'}, o(retain_on_delete=True))")
    result = world.up("")
    assert (result.deleted, world.cloud.count("delete"), world.cloud.names()) == ([], 0, ["r", "r"])
    assert list(world.urns()) == ["aws"]


def test_deleted_with_spares_a_deletion(world: World) -> None:
    """A resource whose `deleted_with` goes too is not deleted itself; alone it is."""
    text = "a = Thing('a', {}, w)\nThing('b', {}, o(deleted_with=a))"
    world.up(text)
    world.up("")
    assert world.cloud.named("delete") == ["a"]
    world.up(text)
    world.up("Thing('a', {}, w)")
    assert world.cloud.named("delete") == ["a", "b"]


def test_deletion_goes_backwards(world: World) -> None:
    """Nothing is deleted before what depends on it, by input, by `depends_on` or by parent."""
    world.up("""
        a = Thing('a', {}, w)
        b = Thing('b', {'of': a.arn}, w)
        c = Thing('c', {}, o(depends_on=[b]))
        Thing('d', {}, o(parent=c))
        Thing('e', {}, w)
    """)
    world.up("")
    order = world.cloud.named("delete")
    assert sorted(order) == ["a", "b", "c", "d", "e"]
    assert order.index("d") < order.index("c") < order.index("b") < order.index("a")


def test_a_failed_deletion_is_finished_later(world: World) -> None:
    """A deletion that fails is named; the next run does it."""
    world.up("Thing('a', {}, w)\nThing('b', {}, w)")

    def refuse(op: str, name: str) -> None:
        if (op, name) == ("delete", "a"):
            raise RuntimeError("in use")

    world.cloud.before = refuse
    with pytest.raises(ResourceError, match=r"Could not delete .* 'a' .*: in use") as failed:
        world.up("")
    assert str(failed.value.cause) == "in use"
    world.cloud.before = lambda op, name: None
    assert "a" in names(world.up("").deleted)
    assert world.cloud.things == {}


def test_the_old_one_of_a_replacement_is_deleted_later(world: World) -> None:
    """When a run fails after a replacement was made, the next one deletes the old resource."""
    world.up("Thing('a', {'kind': 'x'}, w)")
    with pytest.raises(EngineError):
        world.up("Thing('a', {'kind': 'y'}, w).arn.apply(lambda _: 1 / 0)")
    assert world.cloud.names() == ["a", "a"]
    result = world.up("Thing('a', {'kind': 'y'}, w)")
    assert (names(result.unchanged), world.cloud.names()) == (["a"], ["a"])


def test_the_store_type_is_what_the_provider_says(world: World) -> None:
    """A resource is a store because its provider says so, whatever its name."""
    world.up("Store('a', {}, w)\nThing('store', {}, w)")
    assert [change.type for change in world.up("").kept] == [STORE]


def test_a_store_is_retired_when_asked(world: World) -> None:
    """A store in `retire` goes with all it holds, protected and retained or not; a preview only says so."""
    world.up("Store('s', {'full': True}, o(protect=True, retain_on_delete=True))\nStore('t', {}, o(protect=True))")
    urns = world.urns()
    assert names(world.preview("", retire=[urns["s"]]).deleted) == ["s"]
    assert world.cloud.count("purge") == 0
    result = world.up("", retire=[urns["s"]])
    assert (names(result.deleted), names(result.kept)) == (["s"], ["t"])
    assert (world.cloud.named("purge"), world.cloud.names()) == (["s"], ["t"])
    assert names(world.up("", retire=[urns["s"]]).kept) == ["t"]


def test_retiring_spares_what_is_named_or_needed(world: World) -> None:
    """What the program names, or a store that stays needs, is not retired."""
    world.up("n = Store('need', {}, w)\nStore('s', {'of': n.arn}, w)\nStore('named', {}, w)")
    urns = world.urns()
    result = world.up("Store('named', {}, w)", retire=[urns["need"], urns["named"]])
    assert (names(result.deleted), names(result.kept), names(result.unchanged)) == ([], ["need", "s"], ["named"])
    assert world.cloud.count("purge") == 0


def test_a_retirement_that_fails_is_finished_later(world: World) -> None:
    """When a store cannot be deleted the others may have gone; the same run again deletes the rest."""
    world.up("Store('s', {}, o(protect=True))\nStore('t', {}, o(protect=True))")
    retire = [world.urns()["s"], world.urns()["t"]]

    def refuse(op: str, name: str) -> None:
        if (op, name) == ("delete", "t"):
            raise RuntimeError("in use")

    world.cloud.before = refuse
    with pytest.raises(ResourceError, match="in use"):
        world.up("", retire=retire)
    world.cloud.before = lambda op, name: None
    world.up("", retire=retire)
    assert world.cloud.things == {}
