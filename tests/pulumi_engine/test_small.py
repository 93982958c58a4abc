"""Pulumi's engine over a small cloud: what it makes, keeps, tells and survives."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable

import pytest
from engine.test_faults import ALL, TEXT, Fuse
from pulumi_engine.conftest import RealWorld

from terrace.engine import ResourceChange, ResourceError
from terrace.errors import EngineError, LockedError, TerraceError


def names(changes: Iterable[ResourceChange]) -> list[str]:
    """The logical names in a list of changes, sorted."""
    return sorted(change.name for change in changes)


STORES = "s = Store('s', {'full': True}, o(protect=True))\nThing('t', {'of': s.arn}, w)\n"


def test_a_stack_lives_and_dies(world: RealWorld) -> None:
    """A program is previewed, made, left alone, changed, replaced and deleted, and every step says so."""
    assert world.preview(TEXT).counts["created"] == 6
    assert world.cloud.count("create") == 0
    made = world.up(TEXT)
    assert (names(made.created), world.cloud.names()) == (ALL, ALL)
    assert made.outputs["arn"].startswith("arn:id-")
    assert world.up(TEXT).counts == {"created": 0, "updated": 0, "replaced": 0, "deleted": 0, "unchanged": 6}
    changed = world.up(TEXT.replace("Thing('e', {}", "Thing('e', {'more': 1}"))
    assert [(one.name, one.properties) for one in changed.updated] == [("e", ("more",))]
    replaced = world.up(TEXT.replace("'kind': 'x'", "'kind': 'y'").replace("Thing('e', {}, w)", ""))
    assert (names(replaced.replaced), names(replaced.deleted)) == (["a"], ["e"])
    assert world.cloud.twice() == []
    gone = world.destroy()
    assert (sorted(names(gone.deleted)), world.cloud.names()) == (sorted(set(ALL) - {"e"}), [])


def test_a_preview_knows_what_it_cannot_know(world: RealWorld) -> None:
    """In a preview, outputs that only a creation can tell are unknown; those of inputs are not."""
    result = world.preview("a = Thing('a', {'kind': 'x'}, w)\nexport('arn', a.arn)\nexport('fixed', 'y')")
    assert result.outputs == {"arn": "[unknown]", "fixed": "y"}
    assert not (world.home / "state").exists()


@pytest.mark.parametrize("k", range(1, 7))
def test_a_failure_at_any_resource_is_finished_by_the_next_run(world: RealWorld, k: int) -> None:
    """Whichever create fails, the error names it, the next run makes the rest, and nothing is there twice."""
    world.cloud.before = Fuse("create", k)
    with pytest.raises(ResourceError, match="the cloud is full") as failed:
        world.up(TEXT)
    assert "The same command finishes what it began" in str(failed.value)
    assert failed.value.urn.startswith("urn:pulumi:dev::proj::")
    made = world.cloud.names()
    world.cloud.before = lambda op, name: None
    result = world.up(TEXT)
    assert (sorted(names(result.unchanged)), world.cloud.names()) == (made, ALL)


def test_a_store_that_the_program_no_longer_names_is_kept(world: RealWorld) -> None:
    """A protected store and what it needs outlive the program that named them, and the rest of the run is done."""
    world.up("n = Thing('n', {}, w)\ns = Store('s', {'of': n.arn}, o(protect=True))\nThing('t', {'of': s.arn}, w)\n")
    result = world.up("Thing('u', {}, w)")
    assert (names(result.kept), names(result.created), names(result.deleted)) == (["n", "s"], ["u"], ["t"])
    assert world.cloud.names() == ["n", "s", "u"]
    again = world.up("Thing('u', {}, w)")
    assert (names(again.kept), again.counts["deleted"]) == (["n", "s"], 0)
    assert names(world.preview("Thing('u', {}, w)").kept) == ["n", "s"]


def test_a_store_is_retired_only_when_it_is_named(world: RealWorld) -> None:
    """A run that is told which store to retire empties it and deletes it; nothing else loses its protection."""
    world.up("Store('s', {'full': True}, o(protect=True))\nStore('k', {}, o(protect=True))\n")
    urns = world.urns()
    result = world.engine().up(world.program(""), world.events.append, retire=[urns["s"]])
    assert (names(result.deleted), names(result.kept)) == (["s"], ["k"])
    assert world.cloud.names() == ["k"]


def test_a_protected_store_is_never_replaced(world: RealWorld) -> None:
    """A change that would replace a store is refused, and the store is as it was."""
    world.up("Store('s', {'kind': 'x'}, o(protect=True))")
    with pytest.raises(EngineError, match="protect"):
        world.up("Store('s', {'kind': 'y'}, o(protect=True))")
    assert [thing["inputs"]["kind"] for thing in world.cloud.things.values()] == ["x"]


def test_destroy_refuses_stores_without_delete_data(world: RealWorld) -> None:
    """Without --delete-data nothing is deleted and the stores are named; with it they are emptied and deleted."""
    world.up(STORES)
    with pytest.raises(EngineError, match=r"aws:fake/store:Store 's'.*With --delete-data"):
        world.destroy()
    assert world.cloud.names() == ["s", "t"]
    world.destroy(delete_data=True)
    assert (world.cloud.names(), world.cloud.named("purge")) == ([], ["s"])


def test_what_has_gone_is_seen_by_refresh_and_made_again(world: RealWorld) -> None:
    """A resource that was deleted behind our back leaves the state at a refresh and comes back with the next run."""
    world.up(TEXT)
    world.cloud.remove("e")
    assert names(world.refresh().deleted) == ["e"]
    assert names(world.up(TEXT).created) == ["e"]
    assert world.cloud.names() == ALL


def test_what_was_changed_is_seen_by_refresh_and_turned_back(world: RealWorld) -> None:
    """A value that was changed behind our back is told by a refresh and turned back by the next run."""
    text = "Thing('a', {'size': 'small'}, w)"
    world.up(text)
    next(iter(world.cloud.things.values()))["inputs"]["size"] = "huge"
    assert names(world.refresh().updated) == ["a"]
    assert names(world.up(text).updated) == ["a"]
    assert next(iter(world.cloud.things.values()))["inputs"]["size"] == "small"


def test_an_emptied_sandbox_is_built_again_and_said(world: RealWorld) -> None:
    """When the sandbox has lost everything, the run says so and makes everything, once."""
    world.up(TEXT)
    world.cloud.things.clear()
    world.incarnation = "second"
    assert names(world.preview(TEXT).created) == ALL
    result = world.up(TEXT)
    assert (names(result.created), world.cloud.names()) == (ALL, ALL)
    assert any("emptied" in text for text in world.messages())


def test_what_was_rebuilt_by_hand_is_not_built_twice(world: RealWorld) -> None:
    """After `pulumi up` typed by hand in a new sandbox, a run finds what is there."""
    world.up(TEXT)
    world.incarnation = "second"
    assert world.up(TEXT).counts["unchanged"] == 6
    assert world.cloud.twice() == []


def test_a_secret_is_seen_nowhere(world: RealWorld, capfd: pytest.CaptureFixture[str]) -> None:
    """A secret setting is in no state, preview, result, message, error or output, and reaches the resource."""
    world.config, world.secret_keys = {"proj:word": "hunter2-wordless"}, ("proj:word",)
    text = (
        "w1 = pulumi.Config().require_secret('word')\n"
        "Thing('a', {'word': w1}, w)\nexport('word', w1)\nexport('said', w1.apply(lambda t: t + '!'))\n"
    )
    shown = [world.preview(text), world.up(text), world.up(text), world.refresh()]
    assert [thing["inputs"]["word"] for thing in world.cloud.things.values()] == ["hunter2-wordless"]
    world.cloud.before = Fuse("update", 1)
    with pytest.raises(EngineError) as failed:
        world.up(text.replace("{'word': w1}", "{'word': w1, 'more': 2}"))
    assert shown[1].outputs == {"said": "[secret]", "word": "[secret]"}
    assert world.engine().outputs(world.program(text))["word"] == "[secret]"
    everything = [repr(shown), repr(world.events), str(failed.value), *capfd.readouterr()]
    everything += [file.read_text(errors="replace") for file in world.folder.rglob("*") if file.is_file()]
    assert not [text for text in everything if "hunter2" in text]


def test_a_program_that_raises_is_told_by_its_line(world: RealWorld) -> None:
    """An exception of the program is one sentence with its place; a refusal of Terrace's own comes as it is."""
    with pytest.raises(EngineError, match=r"__main__\.py:\d+: ZeroDivisionError"):
        world.up("Thing('a', {}, w)\n1 / 0")
    with pytest.raises(TerraceError, match=r"^The settings are wrong"):
        world.up("from terrace.errors import TerraceError\nraise TerraceError('The settings are wrong.', 'Do better.')")


def test_bad_inputs_are_refused_before_anything_is_made(world: RealWorld) -> None:
    """An input that the provider refuses is told with its name."""
    with pytest.raises(ResourceError, match=r"bad.*must not be given"):
        world.preview("Thing('a', {'bad': 1}, w)")


def test_two_runs_at_once_are_told_of_each_other(world: RealWorld) -> None:
    """While one run works on a stack, another is told which process holds it."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(_op: str, _name: str) -> None:
        begun.set()
        assert go_on.wait(30)

    world.cloud.before = wait
    first = threading.Thread(target=lambda: world.up("Thing('a', {}, w)"))
    first.start()
    try:
        assert begun.wait(30)
        with pytest.raises(LockedError, match=rf"process {os.getpid()}"):
            world.engine().refresh(world.program("Thing('a', {}, w)"))
    finally:
        go_on.set()
        first.join()
    assert world.cloud.names() == ["a"]


def test_a_lock_of_a_dead_process_is_removed(world: RealWorld) -> None:
    """When Pulumi is killed in the middle, the next run sees that the holder of its lock is dead, and finishes."""
    seen: list[int] = []

    def kill(_op: str, name: str) -> None:
        if name == "s" and not seen:
            listed = subprocess.run(["pgrep", "-f", "pulumi.* up "], capture_output=True, text=True, check=True)
            mine = [int(pid) for pid in listed.stdout.split() if _parent(int(pid)) == os.getpid()]
            seen.extend(mine)
            for pid in mine:
                os.kill(pid, signal.SIGKILL)

    world.cloud.before = kill
    with pytest.raises(EngineError):
        world.up(TEXT)
    assert seen
    time.sleep(0.5)
    result = world.up(TEXT)
    assert any("Removed the lock" in text for text in world.messages()), world.messages()
    assert set(ALL) == {*names(result.created), *names(result.unchanged)}


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return int(file.read().rpartition(")")[2].split()[1])
