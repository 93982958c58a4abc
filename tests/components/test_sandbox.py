"""The sandbox takes everything that the components declare."""

from components.recorder import Graph

from terrace.sandbox.provider import registry


def test_the_sandbox_knows_every_resource_and_input(graph: Graph) -> None:
    """No type and no input of a stack is one that the sandbox would refuse."""
    for resource in graph:
        handler = registry.handler(resource.type)
        assert handler is not None, resource.type
        assert not handler.check(resource.inputs), resource.name


def test_the_sandbox_keeps_the_same_stores(prod: Graph) -> None:
    """What the components protect is what the sandbox holds for a store, so that neither loses data to the other."""
    for resource in prod:
        handler = registry.handler(resource.type)
        assert handler is not None
        assert resource.protect == handler.store or resource.type == "aws:kms/alias:Alias", resource.name
