"""What only a person who says it twice can do: remove what was kept. And what fails on the way."""

from __future__ import annotations

from typing import Any

import pytest
from changes.world import World

from terrace.sandbox.provider.facade import SandboxProvider

DOMAIN, ENDPOINT = "aws:codeartifact/domain:Domain", "aws:ec2/vpcEndpoint:VpcEndpoint"


@pytest.fixture(scope="module")
def kept(world: World) -> World:
    """An environment that was at level 1 and is at level 0, with a package that was kept. Tests run in order."""
    world("upgrade", "dev", "--to", "1")
    world.publish("dev")
    world("upgrade", "dev", "--to", "0")
    return world


def fail(world: World, patch: pytest.MonkeyPatch, operation: str, type: str) -> None:
    """Have the provider fail at one operation on one type. Other engines than the embedded one have it elsewhere."""
    if world.engine != "embedded":
        pytest.skip("the provider is in another process")
    real = getattr(SandboxProvider, operation)

    def broken(self: SandboxProvider, urn: str, found: str, *rest: Any, **more: Any) -> Any:
        if found == type:
            raise RuntimeError("AWS is having a bad day")
        return real(self, urn, found, *rest, **more)

    patch.setattr(SandboxProvider, operation, broken)


def packages_of(world: World) -> list[str]:
    return [name for name in world.stores("dev") if "package" in name]


@pytest.mark.parametrize(
    ("capability", "says"),
    [
        ("images", "images is on in dev: only what is kept can be retired"),
        ("audit", "dev keeps nothing of audit"),
        ("pakages", "There is no capability 'pakages'"),
        ("packages", "There is nobody to ask"),
    ],
)
def test_what_is_not_kept_is_not_retired(kept: World, capability: str, says: str) -> None:
    """What is on, was never there or does not exist is refused; so is a script that does not name the environment."""
    assert says in kept("retire", "dev", capability, expect=1)["error"]["message"]
    assert len(packages_of(kept)) == 2


def test_the_wrong_name_deletes_nothing(kept: World) -> None:
    """The name that is asked for is the environment's."""
    said = kept("retire", "dev", "packages", "--yes-delete", "prod", expect=1)
    assert "--yes-delete says 'prod'" in said["error"]["message"]
    assert len(packages_of(kept)) == 2


@pytest.mark.parametrize(("answers", "says"), [("n\n", "Stopped."), ("y\nprod\n", "That is not its name.")])
def test_a_person_is_asked_twice(kept: World, answers: str, says: str) -> None:
    """After the list of what is lost comes a question, and then the name; without both nothing is deleted."""
    said = kept.typed("retire", "dev", "packages", answers=answers, expect=1)
    assert "Domain" in said
    assert "1 package, all versions" in said
    assert says in said
    assert len(packages_of(kept)) == 2


def test_a_change_of_level_is_asked_for_at_a_terminal(kept: World) -> None:
    """The plan is shown, and whoever says no has changed nothing."""
    said = kept.typed("upgrade", "dev", "--to", "1", answers="n\n", expect=1)
    assert "from level 0 (Manual) to level 1 (DevOps)" in said
    assert "data touched: none" in said
    assert kept.platform("dev").settings.level == 0
    assert kept.endpoints("dev") == []


def test_up_leaves_what_is_kept(kept: World) -> None:
    """An `up` of the lower level changes nothing, however often it is run."""
    done = kept("up", "dev")["resources"]
    assert [done[name] for name in ("created", "updated", "replaced", "deleted")] == [0, 0, 0, 0]
    assert kept.packages("dev") == ["flights"]


def test_a_retirement_that_fails_is_finished_by_the_same_command(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not deleted is a store that nothing names, until the command is run again."""
    with monkeypatch.context() as patch:
        fail(kept, patch, "delete", DOMAIN)
        kept("retire", "dev", "packages", "--yes-delete", "dev", expect=1)
    assert "1 package, all versions" in kept.said
    assert (kept.platform("dev").settings.keep, len(packages_of(kept))) == ((), 1)


def test_retiring_removes_what_was_kept_and_nothing_else(kept: World) -> None:
    """The stores of the capability go, all others stay, and then there is nothing left to retire."""
    others = {name: made for name, made in kept.stores("dev").items() if "package" not in name}
    said = kept("retire", "dev", "packages", "--yes-delete", "dev")
    assert "platform-packages-domain" in [loss["name"] for loss in said["retired"]]
    assert kept.platform("dev").settings.keep == ()
    assert kept.stores("dev") == others
    assert "keeps nothing of packages" in kept("retire", "dev", "packages", expect=1)["error"]["message"]


def test_a_profile_that_nothing_names_is_kept_until_retired(kept: World) -> None:
    """Who leaves the settings keeps their home folder; retiring the workbench removes that profile and no other."""
    file = kept.platform("dev").settings_file
    text = file.read_text()
    file.write_text(text.replace("profiles: [ada]", "profiles: [ada, bob]"))
    kept("up", "dev")
    file.write_text(text)
    assert kept("up", "dev")["kept"] == ["platform-workbench-profile-bob"]
    assert len([name for name in kept.stores("dev") if name.startswith("profile")]) == 2
    kept("retire", "dev", "workbench", "--yes-delete", "dev")
    (left,) = [name for name in kept.stores("dev") if name.startswith("profile")]
    assert left.endswith("-ada")


def test_a_change_that_fails_is_finished_by_the_same_command(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings have the level once the run began, so that the same command, or `up`, goes on from there."""
    with monkeypatch.context() as patch:
        fail(kept, patch, "create", ENDPOINT)
        kept("upgrade", "dev", "--to", "1", expect=1)
    assert (kept.platform("dev").settings.level, kept.endpoints("dev")) == (1, [])
    kept("upgrade", "dev", "--to", "1")
    assert kept.endpoints("dev")
    assert len(packages_of(kept)) == 2
    assert kept.packages("dev") == []


def test_a_change_that_would_replace_a_store_is_refused(kept: World) -> None:
    """Another organisation would give every bucket another name: nothing is changed, not even the level."""
    file = kept.platform("dev").settings_file
    before, text = kept.stores("dev"), file.read_text()
    file.write_text(text.replace("terrace:organisation: acme", "terrace:organisation: umbra"))
    level = kept.platform("dev").settings.level
    said = kept("upgrade", "dev", "--to", "0" if level else "1", expect=1)
    assert "replace" in said["error"]["message"]
    assert kept.platform("dev").settings.level == level
    file.write_text(text)
    assert kept.stores("dev") == before
