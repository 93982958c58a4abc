"""What every child has, whichever component declares it."""

import inspect

import pulumi_aws as aws
from components.recorder import Graph
from terrace_components.child import STORES

TAGS = {"owner", "environment", "cost-center", "data-class", "capability", "level", "terrace"}


def _class(type: str) -> type:
    module, _, name = type.removeprefix("aws:").partition(":")
    return getattr(getattr(aws, module.split("/")[0]), name)


def test_everything_that_takes_tags_carries_them(graph: Graph) -> None:
    """Who pays and who answers can be told from every resource that AWS lets us tag."""
    for resource in graph:
        takes = "tags" in inspect.signature(_class(resource.type)._internal_init).parameters
        if takes:
            assert set(resource.inputs.get("tags", {})) >= TAGS, resource.name


def test_a_models_resources_name_team_and_model(model: Graph) -> None:
    """Costs can be split by team and by model."""
    for resource in model:
        tags = resource.inputs.get("tags")
        assert tags is None or (tags["team"], tags["model"]) == ("ml", "flights"), resource.name


def test_every_role_has_the_boundary(graph: Graph) -> None:
    """No role can do more than the environment's boundary lets it."""
    assert graph.of("Role")
    for role in graph.of("Role"):
        assert role.inputs["permissionsBoundary"].endswith("-boundary"), role.name


def test_stores_are_protected_everywhere(graph: Graph) -> None:
    """Whoever runs the program, and wherever, the engine refuses to delete or replace what holds data."""
    stores = [r for r in graph if _class(r.type) in STORES]
    assert stores
    assert all(r.protect for r in stores)


def test_only_stores_are_protected(graph: Graph) -> None:
    """What holds no data can always be changed and removed."""
    assert not [r.name for r in graph if r.protect and _class(r.type) not in STORES]


def test_stores_are_retained_in_production(prod: Graph) -> None:
    """In production what holds data stays in the account even if somebody lifts the protection."""
    assert all(r.retain == (_class(r.type) in STORES) for r in prod)


def test_nothing_is_retained_where_people_try_things(dev: Graph) -> None:
    """Elsewhere a store goes when somebody lifts its protection and then removes it."""
    assert not [r.name for r in dev if r.retain]


def test_no_bucket_is_ever_force_destroyed(graph: Graph) -> None:
    """Deleting a bucket never deletes what is in it."""
    assert not [b.name for b in graph.of("Bucket") if b.inputs.get("forceDestroy")]


def test_every_resource_goes_through_the_one_provider(graph: Graph) -> None:
    """Nothing is made with whatever credentials lie around: the provider refuses every account but one."""
    assert {r.provider.split("::")[-2] for r in graph} == {"aws"}


def test_names_come_from_the_parent(graph: Graph) -> None:
    """Two instances of a component never collide: each child's name begins with its parent's."""
    components = {r.name for r in graph.resources if r.type.startswith("terrace:")}
    for resource in graph.resources:
        if resource.parent in components:
            assert resource.name.startswith(f"{resource.parent}-"), resource.name


def test_no_resource_is_left_to_the_stack(graph: Graph) -> None:
    """Every resource of AWS belongs to a component."""
    components = {r.name for r in graph.resources if r.type.startswith("terrace:")}
    assert all(r.parent in components for r in graph)
