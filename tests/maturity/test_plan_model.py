"""The plan of a model on a platform."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from maturity.contracts import platform_contract
from maturity.strategies import model_settings

from terrace.errors import PlanError
from terrace.maturity import CAPABILITIES, ModelSettings, PlatformContract, plan_model

ALL = tuple(c.id for c in CAPABILITIES.values() if c.scope == "platform")


def model(**more: Any) -> ModelSettings:
    """Settings of a model in dev."""
    said = {"model": "delays", "environment": "dev", "region": "eu-central-1", "team": "ml", "owner": "a@acme.example"}
    return ModelSettings(**{**said, **more})


def platform(level: int = 1, **more: Any) -> PlatformContract:
    """The contract of a platform of a level, which has every capability unless others are named."""
    return platform_contract(level=level, **{"capabilities": ALL, **more})


@given(model_settings())
def test_a_model_is_planned_whole_or_refused_with_a_way_out(settings: ModelSettings) -> None:
    """The same settings give the same plan, closed over what they require; a refusal says what to set."""
    on_top = platform(level=4)
    try:
        found = plan_model(settings, on_top)
    except PlanError as refused:
        assert settings.model in refused.message
        assert "terrace:" in refused.message
        assert refused.hint
        assert "terrace:" in refused.hint
        return
    assert found == plan_model(settings, on_top)
    for id in found.on:
        assert set(CAPABILITIES[id].requires) <= {*found.on, *on_top.capabilities}


def test_a_higher_level_holds_all_of_the_lower() -> None:
    """No model loses a capability by going up."""
    plans = [plan_model(model(mode="realtime", level=level), platform(level=4)) for level in range(5)]
    for lower, higher in pairwise(plans):
        assert set(lower.on) < set(higher.on)


def test_a_model_has_its_platforms_level_unless_it_says_less() -> None:
    """A level is inherited; it may be lower, and not higher."""
    assert plan_model(model(), platform(level=1)).level == 1
    assert plan_model(model(level=0), platform(level=1)).level == 0
    with pytest.raises(PlanError, match=r"terrace:level 1 of model delays is above level 0.*upgrade dev"):
        plan_model(model(level=1), platform(level=0))


def test_a_team_that_the_platform_does_not_know_is_refused() -> None:
    """The refusal names the teams that there are, and the nearest."""
    with pytest.raises(PlanError, match=r"terrace:team mll is not a team of dev; there are: ml.*Did you mean ml\?"):
        plan_model(model(team="mll"), platform())


def test_what_the_platform_lacks_is_refused() -> None:
    """A capability that needs one of the platform names it, and how to get it."""
    lacking = tuple(id for id in ALL if id != "observability")
    with pytest.raises(PlanError, match=r"alarms of model delays requires observability.*terrace:capabilities"):
        plan_model(model(), platform(capabilities=lacking))


@pytest.mark.parametrize(("level", "refused"), [(3, "data-quality"), (3, "autoscaling"), (4, "shadow"), (4, "bias")])
def test_what_aws_lacks_for_serverless_is_refused(level: int, refused: str) -> None:
    """Serverless endpoints have neither capture, monitors nor a second variant; the mode that works is named."""
    with pytest.raises(PlanError, match=rf"terrace:mode serverless.*{refused}.*Set terrace:mode to realtime"):
        plan_model(model(mode="serverless"), platform(level=level))
    assert refused in plan_model(model(mode="realtime"), platform(level=level)).on


def test_an_instance_type_that_the_team_may_not_use_is_refused() -> None:
    """A team's instance types are those of its models; without any, every type goes."""
    limited = platform(teams=({"name": "ml", "instance_types": ("ml.t2.medium",)},))
    with pytest.raises(PlanError, match=r"terrace:instanceType ml\.m5\.large.*permitted are: ml\.t2\.medium"):
        plan_model(model(mode="realtime"), limited)
    assert plan_model(model(mode="realtime", instance_type="ml.t2.medium"), limited)
    assert plan_model(model(), limited)


def test_the_jobs_of_a_pipeline_have_permitted_instances() -> None:
    """What a team may use counts for training as it does for endpoints, from the level on that trains."""
    limited = platform(level=2, teams=({"name": "ml", "instance_types": ("ml.t2.medium",)},))
    with pytest.raises(PlanError, match=r"terrace:training\.instanceType ml\.m5\.large.*permitted are: ml\.t2\.medium"):
        plan_model(model(), limited)
    assert plan_model(model(training={"instance_type": "ml.t2.medium"}), limited)
    assert plan_model(model(level=1), limited)


def test_a_level_that_is_not_built_is_refused_by_name() -> None:
    """A model of level 3 is planned, and refused at `up` with what is missing."""
    asked = plan_model(model(mode="realtime"), platform(level=3))
    with pytest.raises(PlanError, match=r"terrace:level 3 .*delivery"):
        asked.refuse_unbuilt()


@pytest.mark.parametrize(
    ("more", "level", "kept"),
    [
        ({}, 1, ("training-pipeline",)),
        ({}, 2, ()),
        ({"level": 0}, 2, ("training-pipeline",)),
    ],
)
def test_what_is_off_is_kept_if_the_list_has_it(more: dict[str, Any], level: int, kept: tuple[str, ...]) -> None:
    """The list may name what is on, as it does between two changes of level; what is on is not kept but built."""
    found = plan_model(model(keep=["training-pipeline", "registry"], **more), platform(level=level))
    assert found.kept == kept
    assert all(found.keeps(id) and not found.has(id) for id in kept)


def test_what_only_mode_batch_has_is_kept_in_the_others() -> None:
    """Serving is on in every mode: in the list it means the pipeline that scored."""
    assert plan_model(model(keep=["serving"]), platform()).keeps("serving")
    assert not plan_model(model(keep=["serving"], mode="batch"), platform()).keeps("serving")
    assert not plan_model(model(), platform()).keeps("serving")


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("alarms", "terrace:keep names alarms, which has no stores"),
        ("tracking", "terrace:keep names 'tracking', which is no capability of a model"),
        ("training-pipelin", "Did you mean training-pipeline"),
    ],
)
def test_a_model_cannot_keep_what_no_model_has(id: str, says: str) -> None:
    """What has no stores, what is the platform's and what is misspelt is refused by name."""
    with pytest.raises(PlanError) as refused:
        plan_model(model(keep=[id]), platform())
    assert says in f"{refused.value.message} {refused.value.hint}"
