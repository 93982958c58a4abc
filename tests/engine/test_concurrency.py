"""Several runs at once: of one stack they take turns, of several they don't meet."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engine.world import HEAD, World, names

from terrace.engine import Program
from terrace.errors import EngineError, LockedError

TESTS = Path(__file__).parents[1]


def hold(world: World) -> tuple[threading.Event, threading.Event]:
    """Make the cloud stop at its first create; return events: it has stopped, and it may go on."""
    stopped, go = threading.Event(), threading.Event()

    def wait(op: str, name: str) -> None:
        stopped.set()
        assert go.wait(20)

    world.cloud.before = wait
    return stopped, go


def test_a_second_run_is_told_who_holds_the_stack(world: World) -> None:
    """A second run of a stack is refused with process, host and command of the first."""
    stopped, go = hold(world)
    program = world.program("Thing('a', {}, w)")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(world.engine().up, program)
        assert stopped.wait(20)
        for run in (world.engine().up, world.engine().destroy, world.engine().refresh):
            with pytest.raises(LockedError, match=rf"proj/dev is locked by process {os.getpid()} on \S+ \(`.*since"):
                run(program)
        assert world.engine().preview(program).counts["created"] == 1
        go.set()
        first.result()
    assert world.cloud.names() == ["a"]
    assert not (world.home / "state/proj/dev/holder.json").exists()


def test_a_second_run_waits_for_the_first(world: World) -> None:
    """Given time, a second run says whom it waits for, and then finds nothing to do."""
    stopped, go = hold(world)
    program = world.program("Thing('a', {}, w)")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(world.engine().up, program)
        assert stopped.wait(20)
        said = threading.Event()
        second = pool.submit(world.engine(lock_timeout=20).up, program, lambda event: said.set())
        assert said.wait(20)
        go.set()
        assert names(first.result().created) == ["a"]
        result = second.result()
    assert names(result.unchanged) == ["a"]
    assert result.messages[0].startswith(f"Waiting up to 20 seconds for process {os.getpid()} on ")
    assert world.cloud.count("create") == 1


def test_the_lock_of_a_dead_process_is_free(world: World) -> None:
    """A process that was killed while it held the lock holds nobody up."""
    folder = world.home / "state" / "proj" / "dev"
    folder.mkdir(parents=True)
    script = (
        "import os, signal, sys; from pathlib import Path; from terrace.engine import lock\n"
        "with lock.hold(Path(sys.argv[1]), 'x', 0, print): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], timeout=60, check=False)
    assert killed.returncode == -9
    assert (folder / "holder.json").exists()
    assert names(world.up("Thing('a', {}, w)").created) == ["a"]


def test_two_processes_do_not_corrupt_a_stack(world: World) -> None:
    """Of two processes that start at once, one makes everything and the other finds it made, or is refused."""
    program = world.program("for i in range(8): Thing(f't{i}', {'i': i}, w)")
    script = (
        "import sys; from pathlib import Path; from engine.crash import Finder; from engine.cloud import Cloud\n"
        "from terrace.engine import Program; from terrace.engine.embedded import EmbeddedEngine\n"
        "home, cloud, main = map(Path, sys.argv[1:])\n"
        "connect = lambda inputs: Finder(Cloud(cloud))\n"
        "result = EmbeddedEngine(home, connect, lock_timeout=30).up(Program('proj', 'dev', main))\n"
        "print(len(result.created), len(result.unchanged))"
    )
    command = [sys.executable, "-c", script, str(world.home), str(world.folder / "cloud.json"), str(program.main)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = sorted(run.communicate(timeout=60)[0].strip() for run in runs)
    assert printed == ["0 8", "8 0"]


def test_programs_at_the_same_time_do_not_meet(world: World) -> None:
    """Four programs at once, in one process, each have their own configuration, outputs and state."""
    text = HEAD + "n = pulumi.Config().require('n')\nexport('n', n)\nfor i in range(9): Thing(f'{n}-{i}', {}, w)"
    world.program(text, head="")

    def run(n: int) -> object:
        program = Program("proj", f"s{n}", world.folder / "program", {"proj:n": str(n)})
        result = world.engine().up(program)
        return result.outputs, len(result.created), {change.name[0] for change in result.created}

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(4)))
    assert results == [({"n": str(n)}, 9, {str(n)}) for n in range(4)]


def folder_with(world: World, name: str, value: str) -> Program:
    """Make a program whose siblings export a value, one of them when asked late."""
    folder = world.folder / name
    (folder / "inner").mkdir(parents=True)
    (folder / "sibling.py").write_text(
        f"from inner import deep\nVALUE = deep.VALUE\nfrom engine.things import Group\nGroup({value!r})\n"
    )
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "deep.py").write_text(f"VALUE = {value!r}\n")
    (folder / "late.py").write_text(f"VALUE = {value!r}\n")
    (folder / "__main__.py").write_text(
        HEAD
        + "import sibling\n"
        + "def late(_):\n    import late\n    return late.VALUE\n"
        + "export('now', sibling.VALUE)\nexport('late', Thing('a', {}, w).arn.apply(late))\n"
    )
    return Program("proj", name, folder)


def test_modules_beside_a_program_are_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of a program's folder are imported anew in each run, for each program, and leave no trace."""
    monkeypatch.setitem(sys.modules, "sibling", sys)
    path, modules = list(sys.path), set(sys.modules)
    programs = [folder_with(world, f"p{n}", f"value {n}") for n in range(3)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(world.engine(lock_timeout=20).up, [*programs, *programs]))
    assert [result.outputs for result in results] == [
        {"now": f"value {n}", "late": f"value {n}"} for n in (0, 1, 2, 0, 1, 2)
    ]
    assert "value 0" in {found.name for found in world.engine().resources(programs[0])}
    assert sys.modules["sibling"] is sys
    assert (sys.path, {"inner", "inner.deep", "late"} & (set(sys.modules) - modules)) == (path, set())


def test_an_engine_runs_inside_an_event_loop(world: World) -> None:
    """The engine may be called where an event loop is running, and leaves it alone."""

    async def main() -> int:
        return world.up("Thing('a', {}, w)").counts["created"]

    assert asyncio.run(main()) == 1


def test_the_door_of_the_engines_is_light() -> None:
    """To import `terrace.engine` loads neither pulumi nor boto3."""
    script = (
        "import sys, terrace.engine; print([m for m in ('pulumi', 'boto3', 'botocore', 'grpc') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert printed.stdout.strip() == "[]"


def test_runs_leave_no_threads(world: World) -> None:
    """A run ends all threads that it began, failed or not."""
    before = set(threading.enumerate())
    world.up("Thing('a', {}, w)")
    with pytest.raises(EngineError):
        world.up("Thing('a', {}, w)\nraise ValueError")
    world.destroy()
    assert set(threading.enumerate()) == before
