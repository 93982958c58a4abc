"""URNs and aliases equal those of Pulumi's engine."""

from __future__ import annotations

import pytest
from engine.world import World, names

from terrace.engine import Program
from terrace.engine.embedded import aliases, urns
from terrace.errors import EngineError

HEAD = "urn:pulumi:dev::proj::"


def test_urns_carry_the_types_of_all_parents(world: World) -> None:
    """A URN holds stack, project, the chain of types below the stack, and the name, whatever is in it."""
    world.up("""
        outer = Group('outer')
        inner = Group('inner', O(parent=outer), 'my:index:Inner')
        a = Thing('a', {}, o(parent=inner))
        Thing('b', {}, o(parent=a))
        Thing('odd::name $', {}, w)
    """)
    chain = "my:index:Group$my:index:Inner$aws:fake/thing:Thing"
    assert world.urns() == {
        "aws": HEAD + "pulumi:providers:aws::aws",
        "outer": HEAD + "my:index:Group::outer",
        "inner": HEAD + "my:index:Group$my:index:Inner::inner",
        "a": f"{HEAD}{chain}::a",
        "b": f"{HEAD}{chain}$aws:fake/thing:Thing::b",
        "odd::name $": HEAD + "aws:fake/thing:Thing::odd::name $",
    }


OLD = """
g = Group('old')
t = Thing('old-t', {}, o(parent=g))
Thing('deep', {'of': t.arn}, o(parent=t))
Thing('other', {'of': t.arn}, w)
"""


@pytest.mark.parametrize(
    "new",
    [
        "g = Group('new', O(aliases=[pulumi.Alias(name='old')]))\nt = Thing('new-t', {}, o(parent=g))",
        "g = Group('old', O(aliases=[pulumi.Alias(type_='my:index:Group')]), 'my:index:Team')\n"
        "t = Thing('old-t', {}, o(parent=g))",
        "p = Group('p')\n"
        "g = Group('new', O(parent=p, aliases=[pulumi.Alias(name='old', parent=None)]))\n"
        "t = Thing('new-t', {}, o(parent=g))",
        f"g = Group('new', O(aliases=['{HEAD}my:index:Group::old']))\n"
        "t = Thing('t', {}, o(parent=g, aliases=[pulumi.Alias(name='new-t')]))",
    ],
    ids=["name", "type", "parent", "own alias below an alias"],
)
def test_an_alias_of_a_component_covers_its_children(world: World, new: str) -> None:
    """With a component renamed under an alias, its children and theirs are unchanged, and so is all that uses them."""
    world.up(OLD)
    rest = "\nThing('deep', {'of': t.arn}, o(parent=t))\nThing('other', {'of': t.arn}, w)"
    result = world.up(new + rest)
    assert result.counts == {"created": 0, "updated": 0, "replaced": 0, "deleted": 0, "unchanged": 3}
    assert world.up(new + rest).counts["unchanged"] == 3
    world.up("")
    order = world.cloud.named("delete")
    assert order[-1] in ("t", "new-t", "old-t")


def test_a_resource_may_be_moved_by_its_own_alias(world: World) -> None:
    """A resource with an alias is taken over, not made again, and updated if its inputs changed."""
    world.up("Thing('a', {'size': 1}, w)")
    result = world.up("Thing('b', {'size': 2}, o(aliases=[pulumi.Alias(name='a')]))")
    assert (names(result.updated), result.deleted) == (["b"], [])


def test_an_alias_is_taken_once(world: World) -> None:
    """Two resources with one alias are refused with the text of Pulumi's engine."""
    world.up("Thing('a', {}, w)")
    world.parallel = 1
    with pytest.raises(EngineError, match=r"Duplicate resource alias '.*::a' applied to resource with URN '.*::[bc]'"):
        world.up("\n".join(f"Thing('{n}', {{}}, o(aliases=[pulumi.Alias(name='a')]))" for n in "bc"))


def test_a_name_taken_by_an_alias_is_refused(world: World) -> None:
    """A name that another resource's alias stands for is refused with the text of Pulumi's engine."""
    world.up("Thing('a', {}, w)")
    with pytest.raises(EngineError, match=r"Duplicate resource URN '.*::a' conflicting with alias on resource"):
        world.up("b = Thing('b', {}, o(aliases=[pulumi.Alias(name='a')]))\nThing('a', {}, o(depends_on=[b]))")


def test_inherited_aliases_multiply_with_own_ones() -> None:
    """A child with own aliases below a parent with former names is looked for under every pair of them."""
    found = aliases.expand(
        HEAD + "g:g:G$t:t:T::new-t",
        "t:t:T",
        "new-t",
        HEAD + "g:g:G::new",
        [aliases.Alias(name="new-u"), aliases.Alias(urn=HEAD + "x:x:X::y"), aliases.Alias(name="n", no_parent=True)],
        [HEAD + "g:g:G::old"],
    )
    assert found == [
        HEAD + "g:g:G$t:t:T::new-u",
        HEAD + "x:x:X::y",
        HEAD + "t:t:T::n",
        HEAD + "g:g:G$t:t:T::old-t",
        HEAD + "g:g:G$t:t:T::old-u",
        HEAD + "g:g:G$x:x:X::y",
        HEAD + "g:g:G$t:t:T::n",
    ]


def test_parts_of_a_urn() -> None:
    """Every part of a URN can be read back."""
    urn = urns.make("s", "p", "a:b:C", "d:e:F", "n::m")
    assert urn == "urn:pulumi:s::p::a:b:C$d:e:F::n::m"
    parts = (urns.stack_of(urn), urns.project_of(urn), urns.qualified_type(urn), urns.type_of(urn), urns.name_of(urn))
    assert parts == ("s", "p", "a:b:C$d:e:F", "d:e:F", "n::m")
    assert urns.provider_of(urn + "::some-id") == urn


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", "x" * 101, "é", "-a"])
def test_names_that_are_no_folder_are_refused(world: World, name: str) -> None:
    """Project and stack name a folder, so only harmless names are taken."""
    with pytest.raises(EngineError, match="is not allowed"):
        Program("proj", name, world.folder)
    with pytest.raises(EngineError, match="is not allowed"):
        Program(name, "dev", world.folder)
