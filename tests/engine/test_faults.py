"""A run that failed, was killed or was interrupted is finished by the next one, with nothing made twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from engine.cloud import Cloud
from engine.world import World, names

from terrace.engine import ResourceError, ResourceEvent
from terrace.engine.embedded.state import State
from terrace.errors import EngineError, SandboxError

TESTS = Path(__file__).parents[1]
TEXT = """
g = Group('g')
a = Thing('a', {'kind': 'x'}, o(parent=g))
b = Thing('b', {'of': a.arn}, o(parent=g))
c = Thing('c', {'of': a.arn}, w)
s = Store('s', {'of': [b.arn, c.arn]}, w)
Thing('d', {'of': s.arn}, o(parent=s))
Thing('e', {}, w)
export('arn', s.arn)
"""
ALL = ["a", "b", "c", "d", "e", "s"]


class Fuse:
    """Fails at the k-th call of an operation."""

    def __init__(self, op: str, k: int, error: BaseException | None = None) -> None:
        self.op, self.left, self.error = op, k, error or RuntimeError("the cloud is full")
        self.lock = threading.Lock()

    def __call__(self, op: str, name: str) -> None:
        with self.lock:
            self.left -= op == self.op
            if self.left == 0 and op == self.op:
                raise self.error


@pytest.mark.parametrize("parallel", [1, 16])
@pytest.mark.parametrize("k", range(1, 7))
def test_a_failure_at_any_resource_is_finished_by_the_next_run(world: World, k: int, parallel: int) -> None:
    """Whichever create fails, the error names it, the next run makes the rest, and nothing is there twice."""
    world.parallel = parallel
    world.cloud.before = Fuse("create", k)
    with pytest.raises(ResourceError, match=r"^Could not create aws:fake/.*: the cloud is full\. What") as failed:
        world.up(TEXT)
    assert "the same command finishes" in str(failed.value)
    assert isinstance(failed.value.cause, RuntimeError)
    assert [event.urn for event in world.events if isinstance(event, ResourceEvent) and event.status == "failed"] == [
        failed.value.urn
    ]
    made = world.cloud.names()
    world.cloud.before = lambda op, name: None
    result = world.up(TEXT)
    assert (sorted(names(result.unchanged)), world.cloud.names()) == (made, ALL)
    assert world.up(TEXT).counts["unchanged"] == 6


def test_nothing_begins_after_a_failure(world: World) -> None:
    """After a failure what is under way ends and is recorded, and what has not begun does not begin."""
    world.parallel = 4
    barrier = threading.Barrier(4, timeout=20)

    def fail(op: str, name: str) -> None:
        if barrier.wait() == 0:
            raise RuntimeError("no")
        time.sleep(0.3)

    world.cloud.before = fail
    with pytest.raises(ResourceError, match="Could not create"):
        world.up("for i in range(40): Thing(f't{i}', {}, w)")
    assert world.cloud.count("create") == 4
    assert set(world.urns()) - {"aws"} == set(world.cloud.names())
    assert len(world.cloud.things) == 3


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RuntimeError("it is full"), r"Could not create .* 'a' \(urn:.*\): it is full\."),
        (KeyError("Cidrs"), r"Could not create .* 'a' \(urn:.*\): KeyError: 'Cidrs'\."),
        (SandboxError("A thing was refused.", "Do that."), r"^A thing was refused\. \(urn:.*::a\) Do that\.$"),
    ],
)
def test_what_the_provider_says_is_kept(world: World, error: Exception, text: str) -> None:
    """Whatever a provider raises, the error names the resource and says what it said, with its own way out."""
    world.cloud.before = Fuse("create", 1, error)
    with pytest.raises(ResourceError, match=text) as failed:
        world.up("Thing('a', {}, w)")
    assert failed.value.cause is error


@pytest.mark.parametrize("op", ["update", "delete"])
def test_a_failed_change_is_finished_by_the_next_run(world: World, op: str) -> None:
    """An update or deletion that fails is done by the next run."""
    before = "\n".join(f"Thing('t{i}', {{'size': 1}}, w)" for i in range(4))
    after = "\n".join(f"Thing('t{i}', {{'size': 2}}, w)" for i in range(2))
    world.up(before)
    world.cloud.before = Fuse(op, 1)
    with pytest.raises(ResourceError, match=f"Could not {op} "):
        world.up(after)
    world.cloud.before = lambda op, name: None
    world.up(after)
    assert world.cloud.names() == ["t0", "t1"]
    assert {thing["inputs"]["size"] for thing in world.cloud.things.values()} == {2}


@pytest.mark.parametrize("k", range(1, 5))
def test_a_failure_in_a_replacement_is_finished_by_the_next_run(world: World, k: int) -> None:
    """Whichever call fails while something and its dependents are replaced, the next run brings it about."""
    text = "a = Solo('a', {{'kind': '{}'}}, w)\nThing('b', {{'kind': a.arn}}, w)\nThing('c', {{'kind': '{}'}}, w)"
    world.up(text.format("x", "x"))
    calls = iter(range(1, 100))

    def fail(op: str, name: str) -> None:
        if next(calls) == k:
            raise RuntimeError("no")

    world.cloud.before = fail
    world.parallel = 1
    with pytest.raises(ResourceError, match="no"):
        world.up(text.format("y", "y"))
    world.cloud.before = lambda op, name: None
    world.up(text.format("y", "y"))
    assert world.cloud.names() == ["a", "b", "c"]
    assert world.up(text.format("y", "y")).counts["unchanged"] == 3


def test_a_failed_run_keeps_the_old_outputs(world: World) -> None:
    """The stack's outputs are those of the last run that ended well."""
    world.up("export('x', 1)")
    with pytest.raises(EngineError):
        world.up("export('x', 2)\nraise ValueError('no')")
    assert world.engine().outputs(world.program()) == {"x": 1}


def test_an_interrupt_lets_what_is_under_way_end(world: World) -> None:
    """Ctrl-C ends the run with what is under way recorded; the next run makes the rest."""
    begun = threading.Event()

    def interrupt(op: str, name: str) -> None:
        if name == "a" and not begun.is_set():
            begun.set()
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(0.3)

    world.cloud.before = interrupt
    with pytest.raises(EngineError, match=r"interrupted.*same command"):
        world.up(TEXT)
    assert "a" in world.urns()
    assert "s" not in world.urns()
    world.up(TEXT)
    assert world.cloud.names() == ALL


def crash(world: World, k: int, when: str, parallel: int) -> int:
    """Run `up` in a process that kills itself; return its exit code."""
    program = world.program(TEXT)
    arguments = [str(world.home), str(world.folder / "cloud.json"), str(program.main), str(k), when, str(parallel)]
    command = [sys.executable, str(TESTS / "engine" / "crash.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.parametrize(("k", "when"), [(k, when) for when in ("before", "after", "write") for k in (1, 3, 5)])
def test_a_killed_run_is_finished_by_the_next(world: World, k: int, when: str) -> None:
    """Killed at any create, before it, after it or while it is written down, the next run makes just the rest."""
    assert crash(world, k, when, 1) == -signal.SIGKILL
    cloud = Cloud(world.folder / "cloud.json")
    recorded = sorted(record.name for record in State(world.home / "state/proj/dev", True) if record.made_by_provider)
    unheard = len(cloud.things) - len(recorded)
    assert unheard == (1 if when == "after" else unheard)
    assert unheard <= 1
    assert set(recorded) <= set(cloud.names())
    assert crash(world, 0, "before", 1) == 0
    after = Cloud(world.folder / "cloud.json")
    assert after.names() == ALL
    assert set(cloud.things) <= set(after.things)


@pytest.mark.slow
@pytest.mark.parametrize("k", range(1, 7))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_with_much_under_way_is_finished(world: World, k: int, when: str) -> None:
    """The same with several creates under way, killed once more on the way."""
    assert crash(world, k, when, 16) == -signal.SIGKILL
    crash(world, 2, "write", 16)
    assert crash(world, 0, "before", 16) == 0
    assert Cloud(world.folder / "cloud.json").names() == ALL
