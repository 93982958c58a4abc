"""What a platform has, by what its settings bring, keep and switch off."""

import json
from typing import Any

import pytest
from components.recorder import Graph

from components import programs
from terrace.errors import PlanError
from terrace.maturity import PlatformContract

KEY = "arn:aws:kms:eu-central-1:123456789012:key/brought"


def _contract(graph: Graph) -> PlatformContract:
    return PlatformContract.from_json(graph.one("platform-contract").inputs["value"])


def test_the_contract_says_what_models_need(platform: Graph) -> None:
    """Buckets, keys, network, boundary, build project and topic are in the contract, in a few KB."""
    contract = _contract(platform)
    assert contract.buckets.artifacts == "acme-dev-artifacts-123456789012"
    assert contract.keys.models.endswith("models-key")
    assert contract.network is not None
    assert len(contract.network.subnet_ids) == 2
    assert contract.image_build_project == "acme-dev-images"
    assert contract.packages is not None
    assert contract.packages.domain == "acme-dev"
    assert contract.alarm_topic_arn is not None
    assert [team.name for team in contract.teams] == ["ml"]


def test_a_large_contract_takes_the_larger_tier() -> None:
    """A parameter holds 4 KB, or 8 in the advanced tier, which is used only where it is needed."""
    many = {f"team-{number:02}": {"group": "g" * 90} for number in range(30)}
    assert programs.platform(level=0, teams=many).one("platform-contract").inputs["tier"] == "Advanced"
    assert programs.platform(level=0).one("platform-contract").inputs["tier"] == "Standard"


def test_a_contract_that_no_parameter_holds_is_refused() -> None:
    """Beyond 8 KB the error says what to do."""
    many = {f"team-{number:03}": {"group": "g" * 90} for number in range(100)}
    with pytest.raises(ValueError, match="declare fewer teams"):
        programs.platform(level=0, teams=many)


def test_a_level_holds_all_of_the_one_below() -> None:
    """Climbing adds; nothing that was there changes its name, so nothing is replaced."""
    for environment in ("dev", "prod"):
        below = set(programs.platform(environment=environment, level=0).names())
        assert below < set(programs.platform(environment=environment, level=1).names())


def test_climbing_changes_nothing_that_was_there() -> None:
    """The same resource has the same inputs at both levels; only the contract says more."""
    below = {r.name: r.inputs for r in programs.platform(level=0)}
    above = {r.name: r.inputs for r in programs.platform(level=1)}
    assert {name for name in below if below[name] != above[name]} == {"platform-contract"}


def test_going_down_keeps_stores() -> None:
    """What is kept declares its stores as before, and nothing else of the level above."""
    above = programs.platform(level=1)
    kept = programs.platform(level=0, keep=["packages"])
    stores = {"platform-packages-domain", "platform-packages-repository"}
    extra = {r.name for r in kept} - {r.name for r in programs.platform(level=0)}
    assert extra == stores
    for name in stores:
        assert kept.one(name).inputs == above.one(name).inputs
    assert _contract(kept).packages is None


def test_a_kept_workbench_keeps_its_network_but_no_way_out() -> None:
    """Home folders stay, in the subnets where they are; NAT costs by the hour and goes."""
    off = {"workbench": False, "network": False}
    graph = programs.platform(level=0, capabilities=off, keep=["workbench"])
    whole = programs.platform(level=0)
    for name in ("platform-workbench-domain", "platform-workbench-profile-ada", "platform-network-private-a"):
        assert graph.one(name).inputs == whole.one(name).inputs
    assert not graph.of("NatGateway")
    assert _contract(graph).domain_id is None


def test_kept_images_keep_the_repository() -> None:
    """Base images stay; the build project goes."""
    graph = programs.platform(level=0, capabilities={"images": False}, keep=["images"])
    assert graph.one("platform-images-base-repository")
    assert not graph.of("Project")


def test_brought_keys_are_used() -> None:
    """A key that is there already is not made again, and is what everything is encrypted with."""
    graph = programs.platform(encryption={"bring": {"data": KEY}})
    assert {k.name for k in graph.of("Key")} == {"platform-encryption-models-key", "platform-encryption-logs-key"}
    assert graph.one("platform-workbench-domain").inputs["kmsKeyId"] == KEY


def test_a_brought_network_is_used() -> None:
    """A network that is there already gets nothing of ours: neither subnets nor endpoints nor flow logs."""
    bring = {"vpc_id": "vpc-01234567", "subnet_ids": ["subnet-1", "subnet-2"], "security_group_id": "sg-01234567"}
    graph = programs.platform(network={"bring": bring})
    assert not [r for r in graph if r.type.startswith(("aws:ec2", "aws:vpc"))]
    assert graph.one("platform-workbench-domain").inputs["subnetIds"] == ["subnet-1", "subnet-2"]
    assert _contract(graph).network is not None


def test_a_brought_boundary_is_on_every_role() -> None:
    """The organisation's boundary takes the place of ours."""
    arn = "arn:aws:iam::123456789012:policy/corporate"
    graph = programs.platform(identity={"boundary_arn": arn})
    assert not graph.of("Policy")
    assert {r.inputs["permissionsBoundary"] for r in graph.of("Role")} == {arn}
    assert _contract(graph).boundary_arn == arn


def test_a_brought_domain_is_named_in_the_contract() -> None:
    """Who has a domain brings it, and none is made."""
    graph = programs.platform(workbench={"bring": "d-abc123"})
    assert not [r for r in graph if r.type.startswith("aws:sagemaker")]
    assert _contract(graph).domain_id == "d-abc123"


def test_without_nat_there_is_no_way_to_the_internet() -> None:
    """No gateway, no public subnet, no rule to the world."""
    graph = programs.platform(network={"nat": "none"})
    for kind in ("NatGateway", "InternetGateway", "Eip", "Route"):
        assert not graph.of(kind)
    assert not [r for r in graph.of("SecurityGroupEgressRule") if "cidrIpv4" in r.inputs]


def test_an_index_of_ones_own_builds_nothing() -> None:
    """Packages come from where the organisation has them."""
    graph = programs.platform(packages={"source": "index", "index": "https://pypi.acme.example/simple"})
    assert not [r for r in graph if r.type.startswith("aws:codeartifact")]
    packages = _contract(graph).packages
    assert packages is not None
    assert packages.index == "https://pypi.acme.example/simple"


@pytest.mark.parametrize("capability", ["identity", "storage", "encryption"])
def test_what_models_stand_on_cannot_be_switched_off(capability: str) -> None:
    """Every model reads keys, buckets and boundary from the contract."""
    with pytest.raises(PlanError, match=capability):
        programs.platform(level=0, capabilities={capability: False})


def test_what_is_not_built_yet_is_refused_by_name() -> None:
    """A level that Terrace cannot build is refused before anything is declared."""
    with pytest.raises(PlanError, match="audit"):
        programs.platform(level=3)


def test_single_sign_on_ties_profiles_to_people() -> None:
    """With SSO a profile is opened by the person it is named after."""
    graph = programs.platform(workbench={"auth": "SSO", "profiles": ["ada"]})
    assert graph.one("platform-workbench-profile-ada").inputs["singleSignOnUserValue"] == "ada"


def test_teams_have_budgets_of_their_own() -> None:
    """A team with a budget is told by its own tag."""
    graph = programs.platform(teams={"ml": {"budget": 100}, "risk": {}})
    (budget,) = [b for b in graph.of("Budget") if b.name == "platform-budget-team-ml-budget"]
    assert budget.inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:team$ml"]}]


def test_whole_numbers_may_arrive_as_floats(platform: Graph) -> None:
    """Programs in other languages send 1.0 for 1, and get the same platform."""
    graph = programs.platform(
        level=1.0, budget={"monthly": 500.0}, workbench={"profiles": ["ada"], "idle_minutes": 120.0}
    )
    assert _sorted(graph) == _sorted(platform)


def _sorted(graph: Graph) -> list[tuple[str, Any]]:
    return sorted((r.name, json.dumps(r.inputs, sort_keys=True)) for r in graph)
