"""The plan that follows from settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maturity.strategies import PLATFORM_IDS, platform_settings

from terrace.errors import PlanError
from terrace.maturity import CAPABILITIES, LEVELS, PlatformSettings, plan
from terrace.maturity.capability import Capability


@given(platform_settings())
def test_the_same_settings_give_the_same_plan(settings: PlatformSettings) -> None:
    """A plan is a value: it depends on the settings and on nothing else."""
    again = PlatformSettings.model_validate(settings.model_dump())
    assert plan(settings) == plan(again)
    assert hash(plan(settings)) == hash(plan(again))


@given(platform_settings(), st.integers(0, 4))
def test_a_higher_level_holds_all_of_the_lower(settings: PlatformSettings, other: int) -> None:
    """Nobody loses a capability by going up."""
    low, high = sorted((settings.level, other))
    lower = plan(settings.model_copy(update={"level": low}))
    higher = plan(settings.model_copy(update={"level": high}))
    assert set(lower.on) <= set(higher.on)


@given(platform_settings())
def test_requirements_are_closed(settings: PlatformSettings) -> None:
    """Whatever a capability requires within the platform is on with it."""
    on = plan(settings).on
    for id in on:
        assert set(CAPABILITIES[id].requires) <= set(on)


@given(platform_settings())
def test_nothing_is_both_on_and_kept(settings: PlatformSettings) -> None:
    """A capability that is on has its stores anyway; only what is off is kept."""
    found = plan(settings)
    assert not set(found.on) & set(found.kept)
    assert set(settings.keep) <= {*found.on, *found.kept}


@given(platform_settings(), st.sampled_from(PLATFORM_IDS))
def test_every_refusal_names_key_cause_and_way_out(settings: PlatformSettings, off: str) -> None:
    """Switching one capability off is done, or refused with the key, what needs it, and what to do."""
    asked = settings.model_copy(update={"capabilities": {**settings.capabilities, off: False}})
    try:
        found = plan(asked)
    except PlanError as refused:
        needing = [id for id in plan(settings).on if off in CAPABILITIES[id].requires]
        assert f"terrace:capabilities.{off}" in refused.message
        assert needing
        assert any(id in refused.message for id in needing)
        assert refused.hint
        assert off in refused.hint
    else:
        assert off not in found.on


@given(platform_settings())
def test_only_what_is_built_passes_up(settings: PlatformSettings) -> None:
    """A plan passes `refuse_unbuilt` exactly when a component exists for everything in it; a refusal names the rest."""
    found = plan(settings)
    missing = [c.id for c in found.capabilities if not c.built]
    try:
        found.refuse_unbuilt()
    except PlanError as refused:
        assert missing
        assert all(id in refused.message for id in missing)
        assert refused.hint
    else:
        assert not missing


@pytest.mark.parametrize("capability", CAPABILITIES.values(), ids=CAPABILITIES)
def test_a_capability_is_complete(capability: Capability) -> None:
    """Every capability says what it is, whom it serves and what it needs; what it needs exists and begins no later."""
    assert capability.title
    assert len(capability.summary) > 20
    assert len(capability.principle) > 20
    assert capability.google
    assert capability.aws
    assert capability.since in (None, *LEVELS)
    for required in (*capability.requires, *capability.excludes):
        other = CAPABILITIES[required]
        assert other.since is not None
        assert capability.since is None or other.since <= capability.since
        assert capability.scope == "model" or other.scope == "platform"


def test_levels_up_to_2_are_built_whole() -> None:
    """Every capability that begins at level 0, 1 or 2 has a component, and none above has."""
    for capability in CAPABILITIES.values():
        assert capability.built == (capability.since is not None and capability.since <= 2)
