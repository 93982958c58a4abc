"""Options that the engine has are carried out; any other is refused by its name."""

from __future__ import annotations

import pytest
from engine.world import World, names

from terrace.engine import ResourceError
from terrace.errors import EngineError


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("Thing('a', {}, o(transforms=[lambda args: None]))", "transforms"),
        ("pulumi.runtime.register_resource_transform(lambda args: None)", "transforms"),
        ("pulumi.runtime.register_invoke_transform(lambda args: None)", "invoke transforms"),
        ("Thing('a', {}, o(hooks=pulumi.ResourceHookBinding(after_create=[lambda args: None])))", "resource hooks"),
        ("b = Thing('b', {}, w)\nThing('a', {}, o(replace_with=[b]))", "ReplaceWith"),
        ("Thing('a', {}, o(replacement_trigger=1))", "replacement_trigger"),
        ("Thing('a', {}, o(hide_diffs=['size']))", "hide_diffs"),
        ("Thing('a', {}, o(plugin_download_url='https://example.org'))", "plugin_download_url"),
        ("pulumi.ComponentResource('x:index:C', 'c', {}, None, True)", "remote components"),
    ],
)
def test_other_options_are_refused_by_name(world: World, text: str, option: str) -> None:
    """An option that would be accepted and lost is refused, with its name and the engine that has it."""
    with pytest.raises(EngineError, match=option) as refused:
        world.up(text)
    assert "--engine pulumi" in str(refused.value)


def test_options_without_meaning_here_are_taken(world: World) -> None:
    """Timeouts and versions are taken, and old-style transformations run."""
    result = world.up("""
        def grow(args):
            return pulumi.ResourceTransformationResult({**args.props, 'size': 9}, args.opts)
        Thing('a', {}, o(custom_timeouts=pulumi.CustomTimeouts(create='5m'), version='7.51.1', transformations=[grow]))
    """)
    assert names(result.created) == ["a"]
    assert next(iter(world.cloud.things.values()))["inputs"] == {"size": 9}


def test_a_resource_can_be_imported(world: World) -> None:
    """`import_` takes over what exists if the inputs match, and makes nothing."""
    world.up("Thing('a', {'size': 1}, w)")
    id = next(iter(world.cloud.things))
    other = world.engine()
    text = f"Thing('b', {{'size': 1}}, o(import_='{id}'))"
    for _ in range(2):
        assert names(other.up(world.program(text, stack="other")).unchanged) == ["b"]
    assert world.cloud.count("create") == 1


@pytest.mark.parametrize(("inputs", "id", "reason"), [({"size": 2}, None, "size"), ({"size": 1}, "gone", "no 'gone'")])
def test_a_mismatched_import_is_refused(world: World, inputs: dict[str, int], id: str | None, reason: str) -> None:
    """`import_` of something else than the program says, or of nothing, is refused with the reason."""
    world.up("Thing('a', {'size': 1}, w)")
    id = id or next(iter(world.cloud.things))
    with pytest.raises(ResourceError, match=f"cannot be imported: .*{reason}"):
        world.up(f"Thing('a', {{'size': 1}}, w)\nThing('b', {inputs}, o(import_='{id}'))")


def test_a_foreign_resource_can_be_read(world: World) -> None:
    """`get` reads what the stack does not own, and never deletes it."""
    world.up("Thing('a', {'size': 1}, w)")
    id = next(iter(world.cloud.things))
    text = f"export('size', Thing('x', {{'size': None}}, o(id='{id}')).size)"
    program = world.program(text, stack="other")
    assert world.engine().preview(program).outputs == {"size": 1}
    assert world.engine().up(program).outputs == {"size": 1}
    world.engine().up(world.program("", stack="other"))
    assert world.cloud.names() == ["a"]
    with pytest.raises(ResourceError, match="cannot be read: there is no 'gone'"):
        world.up("Thing('x', {}, o(id='gone'))")


def test_other_stacks_are_not_read(world: World) -> None:
    """A stack reference is refused, with what to read instead."""
    with pytest.raises(EngineError, match=r"stack reference 'o/p/s'.*platform contract"):
        world.up("pulumi.StackReference('o/p/s')")


def test_a_refused_data_source_can_be_caught(world: World) -> None:
    """A program may catch what a data source refuses; otherwise it ends the run with the reason and the place."""
    text = "pulumi.runtime.invoke('aws:fake/getNone:getNone', {}, pulumi.InvokeOptions(provider=aws))"
    caught = f"try:\n    {text}\nexcept Exception as error:\n    export('error', str(error))"
    message = "invoke of aws:fake/getNone:getNone failed: there is no aws:fake/getNone:getNone"
    assert world.up(caught).outputs == {"error": message}
    with pytest.raises(EngineError, match=rf"__main__\.py:\d+: {message}$"):
        world.up(text)


def test_resources_without_a_provider_use_the_configured_one(world: World) -> None:
    """Without a provider option the `aws:` configuration makes one, named as Pulumi names it, once a version."""
    world.config = {"aws:region": "eu-west-1", "aws:allowedAccountIds": '["1"]'}
    text = "for i in range(9): Thing(f'a{i}', {}, O(version='7.51.1'))\nget_thing()"
    assert len(world.up(text).created) == 9
    assert world.urns()["default_7_51_1"] == "urn:pulumi:dev::proj::pulumi:providers:aws::default_7_51_1"
    assert {"region": "eu-west-1", "allowedAccountIds": ["1"]} in world.cloud.connections
    assert world.up(text).counts["unchanged"] == 9


def test_resources_without_any_provider_are_refused(world: World) -> None:
    """Without a provider and without configuration the error says what to pass or set."""
    with pytest.raises(EngineError, match=r"names no provider.*aws:region"):
        world.up("Thing('a', {}, None)")


def test_other_packages_are_refused(world: World) -> None:
    """Only AWS has a provider behind this engine."""
    with pytest.raises(EngineError, match="no provider for 'random'"):
        world.up("pulumi.ProviderResource('random', 'r', {})")
    with pytest.raises(EngineError, match="no provider for random:index/x:X"):
        world.up("pulumi.CustomResource('random:index/x:X', 'a', {}, None)")


def test_provider_inputs_arrive_as_values(world: World) -> None:
    """Lists and flags of a provider, JSON on the wire, reach the provider as what they are."""
    world.up("Aws('b', {'region': 'x', 'allowedAccountIds': ['1'], 'skip': True, 'tags': {'a': 1}})")
    assert {"region": "x", "allowedAccountIds": ["1"], "skip": True, "tags": {"a": 1}} in world.cloud.connections


def test_a_provider_does_not_move_with_its_resources(world: World) -> None:
    """A provider that goes to another region is refused while it has resources."""
    text = "p = Aws('p', {{'region': '{}'}})\n"
    world.up(text.format("x") + "Thing('a', {}, O(provider=p))")
    with pytest.raises(EngineError, match=r"'p' would change region from 'x' to 'y', and 1 resources"):
        world.up(text.format("y"))
    world.up(text.format("x"))
    world.up(text.format("y"))


def test_a_provider_is_kept_for_what_is_left(world: World) -> None:
    """The provider of resources that are deleted or kept may leave the program with them."""
    world.up("p = Aws('p', {'region': 'x'})\nThing('a', {}, O(provider=p))\nStore('s', {}, O(provider=p))")
    result = world.up("")
    assert (names(result.deleted), names(result.kept)) == (["a"], ["s"])
    assert "p" in world.urns()
    world.destroy(delete_data=True)
    assert world.cloud.things == {}


def test_the_provider_of_pulumi_aws_is_taken(world: World) -> None:
    """A program may use pulumi-aws itself; what its provider sends arrives as values."""
    text = "import pulumi_aws as p\n"
    text += "mine = p.Provider('mine', region='eu-west-1', allowed_account_ids=['123456789012'])\n"
    world.up(text + "Thing('a', {}, O(provider=mine))")
    sent = next(inputs for inputs in world.cloud.connections if "skipRegionValidation" in inputs)
    assert (sent["region"], sent["allowedAccountIds"]) == ("eu-west-1", ["123456789012"])
    assert sent["skipRegionValidation"] is True
