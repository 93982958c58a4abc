"""Every change of level in every environment, as AWS shows it: nothing that holds data is lost."""

from __future__ import annotations

import pytest
from changes.conftest import Journey
from changes.world import World


def test_no_store_is_replaced_or_deleted(journey: Journey) -> None:
    """Whatever was there before a change is there after it: the same name, the same id, made at the same moment."""
    assert journey.made.stores
    for before, after in journey.steps:
        assert before.stores.items() <= after.stores.items()


def test_coming_back_finds_everything(journey: Journey, world: World) -> None:
    """After down and up again AWS lists the same stores as before, with what is in them, and outputs are the same."""
    assert journey.again.stores == journey.up.stores
    assert journey.again.said["outputs"] == journey.up.said["outputs"]
    assert world.objects(journey.environment) == ["flights/2013.csv"]
    assert world.packages(journey.environment) == ["flights"]


def test_up_adds_and_retires_nothing(journey: Journey) -> None:
    """Going up creates; it deletes and replaces nothing."""
    for step in (journey.up, journey.again):
        assert step.plan["added"]
        assert (step.plan["retired"], step.plan["replaced"], step.plan["data_touched"]) == ([], [], [])
        assert (step.said["resources"]["deleted"], step.said["resources"]["replaced"]) == (0, 0)
        assert step.endpoints


def test_what_was_shown_is_what_was_done(journey: Journey) -> None:
    """The plan counts what the run then did."""
    for step in (journey.made, journey.up, journey.down, journey.again):
        done = step.said["resources"]
        names = {"added": "created", "changed": "updated", "replaced": "replaced", "retired": "deleted"}
        assert {name: len(step.plan[name]) for name in names} == {name: done[names[name]] for name in names}


def test_down_retires_compute_and_lists_what_is_kept(journey: Journey) -> None:
    """Going down, endpoints and alarms go; package stores are listed, and stay declared by `terrace:keep`."""
    down = journey.down
    assert down.endpoints == []
    assert {gone["capability"] for gone in down.plan["retired"]} == {"private-network", "observability"}
    assert sorted((kept["name"], kept["capability"]) for kept in down.plan["kept"]) == [
        ("platform-packages-domain", "packages"),
        ("platform-packages-repository", "packages"),
    ]
    assert down.said["kept"] == ["packages"]
    assert (down.level, down.keep) == (0, ("packages",))
    assert (journey.again.level, journey.again.keep) == (1, ())


def test_people_are_told_what_they_must_do(journey: Journey) -> None:
    """What only people can do comes from the data of the capabilities that come and go."""
    assert any(step.startswith("observability: Confirm the e-mail") for step in journey.up.plan["team"])
    assert any(step.startswith("packages: Point pip at another index") for step in journey.down.plan["team"])
    assert not any(step.startswith("storage:") for step in journey.up.plan["team"])


def test_the_cost_of_a_level_is_told(journey: Journey) -> None:
    """What comes with a level costs what goes with it; a level that stands costs nothing more."""
    up, down = (step.plan["idle_cost"]["monthly_usd_known"] for step in (journey.up, journey.down))
    assert up == -down
    assert up > 0 or journey.up.plan["idle_cost"]["unknown"]


def test_the_level_that_stands_needs_nothing(journey: Journey, world: World) -> None:
    """To go where one is says that there is nothing to do, and does nothing."""
    said = world("upgrade", journey.environment, "--to", "1")
    assert "nothing to do" in world.said
    changed = [said["resources"][name] for name in ("created", "updated", "replaced", "deleted")]
    assert changed == [0, 0, 0, 0]
    assert world.stores(journey.environment) == journey.again.stores


@pytest.mark.parametrize("level", [3, 7])
def test_a_level_that_cannot_be_had_changes_nothing(world: World, level: int) -> None:
    """A level that is not built, or that there is not, is refused before anything is written."""
    before = world.platform("dev").settings_file.read_text()
    assert "error" in world("upgrade", "dev", "--to", str(level), expect=1)
    assert world.platform("dev").settings_file.read_text() == before
