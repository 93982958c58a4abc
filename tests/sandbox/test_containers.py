"""Containers: what a process sees, how it ends, and that nothing of it is left."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from serving import until

from terrace.sandbox.containers import Command, Container, capabilities
from terrace.sandbox.containers.capabilities import SWITCH

needs_namespaces = pytest.mark.skipif(not capabilities().namespaces, reason="this machine gives no namespaces")


@pytest.fixture(params=["namespaces", "without"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both kinds of machine: with namespaces and without."""
    if request.param == "without":
        monkeypatch.setenv(SWITCH, "off")
    elif not capabilities().namespaces:
        pytest.skip("this machine gives no namespaces")
    capabilities.cache_clear()
    yield request.param
    monkeypatch.undo()
    capabilities.cache_clear()


def _run(folder: Path, *argv: str, **more: object) -> Container:
    container = Container(folder, Command(argv, **more))  # type: ignore[arg-type]
    container.start()
    return container


def _text(folder: Path, *argv: str, **more: object) -> str:
    container = _run(folder, *argv, **more)
    assert container.wait(20) == 0, container.log.tail()
    return "\n".join(container.log.tail(100))


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("kill -ABRT $$", 134), ("no-such-program", 127)],
)
def test_an_exit_code_is_the_commands_own(either: str, tmp_path: Path, command: str, code: int) -> None:
    """A signal counts as 128 and its number, even one that a process sends to itself."""
    container = _run(tmp_path, "sh", "-c", command)
    assert container.wait(20) == code


def test_a_program_that_does_not_exist_is_named(either: str, tmp_path: Path) -> None:
    """The log says what could not be started."""
    container = _run(tmp_path, "no-such-program")
    assert container.wait(20) == 127
    assert "no-such-program cannot be started" in container.log.tail()[0]


@needs_namespaces
def test_a_container_has_its_own_opt_ml(tmp_path: Path) -> None:
    """What it writes below /opt/ml is in its folder; the rest of /opt is as on the machine."""
    (tmp_path / "opt_ml" / "input").mkdir(parents=True)
    (tmp_path / "opt_ml" / "input" / "data").write_text("42")
    before = _names("/opt")
    said = _text(tmp_path, "sh", "-c", "cat /opt/ml/input/data; echo; ls /opt; echo done > /opt/ml/output")
    assert said.split() == ["42", *sorted({*before, "ml"})]
    assert (tmp_path / "opt_ml" / "output").read_text() == "done\n"
    assert _names("/opt") == before


@needs_namespaces
def test_a_folder_of_the_image_is_seen_in_its_place(tmp_path: Path) -> None:
    """What an image has below /opt is there."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "run").write_text("hello")
    assert _text(tmp_path / "c", "cat", "/opt/program/run", mounts={"/opt/program": program}) == "hello"


@needs_namespaces
def test_a_container_sees_its_own_processes_alone(tmp_path: Path) -> None:
    """It can neither see nor end those of the machine."""
    said = _text(tmp_path, "sh", "-c", "ls /proc | grep -c '^[0-9]*$'; kill -0 $0 || echo unseen", str(os.getpid()))
    assert int(said.split()[0]) < 6
    assert said.split()[-1] == "unseen"


def test_without_namespaces_folders_are_found_by_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has none gives SM_MODEL_DIR, and `capabilities` says so."""
    monkeypatch.setenv(SWITCH, "off")
    capabilities.cache_clear()
    try:
        assert _text(tmp_path, "sh", "-c", "echo $SM_MODEL_DIR") == str(tmp_path / "opt_ml" / "model")
        assert "SM_MODEL_DIR" in capabilities().missing[0]
        assert "isolation is not enforced" in capabilities().missing[1]
    finally:
        capabilities.cache_clear()


def test_nothing_of_the_servers_environment_leaks(either: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container has the variables that it was given and a handful of plain ones."""
    monkeypatch.setenv("MY_SECRET", "leaked")
    monkeypatch.setenv("AWS_PROFILE", "leaked")
    names = {line.partition("=")[0] for line in _text(tmp_path, "env", env={"GIVEN": "1"}).splitlines()}
    assert names - {"SM_MODEL_DIR", "SM_INPUT_DIR", "SM_OUTPUT_DIR", "PWD"} == {
        "GIVEN",
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
    }


def test_a_stop_asks_before_it_forces(either: str, tmp_path: Path) -> None:
    """SIGTERM reaches the command, which may end as it likes."""
    container = _run(tmp_path, "sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    until(container.log.tail, lambda lines: lines == ["up"])
    assert container.stop(10) == 7
    assert container.log.tail() == ["up", "bye"]


def test_a_stop_forces_what_does_not_listen(either: str, tmp_path: Path) -> None:
    """A command that ignores SIGTERM is killed after the time it is given."""
    container = _run(tmp_path, "sh", "-c", "trap '' TERM; echo up; sleep 60")
    until(container.log.tail, lambda lines: lines == ["up"])
    began = time.monotonic()
    assert container.stop(0.3) == 137
    assert time.monotonic() - began < 5


@needs_namespaces
def test_daemons_end_with_the_command(tmp_path: Path) -> None:
    """A process that left its session is not left behind."""
    mark = f"{time.time_ns()}"
    container = _run(tmp_path, "sh", "-c", f"setsid sh -c 'sleep 60 # {mark}' & sleep 0.2; exit 0")
    assert container.wait(20) == 0
    until(lambda: _alive(mark), lambda found: not found)


def test_containers_die_with_their_server(either: str, tmp_path: Path) -> None:
    """A server that is killed leaves no container behind, whichever thread started it."""
    mark = f"{time.time_ns()}"
    code = f"""
import threading, time
from pathlib import Path
from terrace.sandbox.containers import Command, Container
container = Container(Path({str(tmp_path)!r}), Command(["sh", "-c", "sleep 60 # {mark}; :"]))
thread = threading.Thread(target=container.start)
thread.start()
thread.join()
time.sleep(60)
"""
    server = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: _alive(mark), lambda found: len(found) > 0)
    server.send_signal(signal.SIGKILL)
    server.wait()
    until(lambda: _alive(mark), lambda found: not found)


@needs_namespaces
def test_an_isolated_container_reaches_nothing_but_itself(tmp_path: Path) -> None:
    """Neither the machine's loopback nor any other network; its own loopback works."""
    code = """
import socket
with socket.socket() as own:
    own.bind(("127.0.0.1", 0)); own.listen()
    socket.create_connection(own.getsockname()).close(); print("own")
for place in (("127.0.0.1", PORT), ("192.0.2.1", 80)):
    try: socket.create_connection(place, timeout=2); print("reached", place)
    except OSError as error: print(type(error).__name__)
"""
    import socket

    with socket.socket() as outside:
        outside.bind(("127.0.0.1", 0))
        outside.listen()
        code = code.replace("PORT", str(outside.getsockname()[1]))
        said = _text(tmp_path, sys.executable, "-c", code, isolated=True)
    assert said.split() == ["own", "ConnectionRefusedError", "OSError"]


@needs_namespaces
def test_a_server_reaches_what_it_may_and_listens_to_nobody_else(tmp_path: Path) -> None:
    """A server that listens on every address is not open to the machine's network; it reaches the ports it is given."""
    import socket

    code = """
import http.server as h, socket, sys
for port in sys.argv[1:]:
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as out:
            out.sendall(b"x" * 3_000_000); out.shutdown(socket.SHUT_WR)
            print(len(b"".join(iter(lambda: out.recv(65536), b""))), flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
h.HTTPServer(("0.0.0.0", 8080), h.SimpleHTTPRequestHandler).serve_forever()
"""

    def echo(listener: socket.socket) -> None:
        taken, _ = listener.accept()
        with taken:
            taken.sendall(b"".join(iter(lambda: taken.recv(65536), b"")))

    with socket.create_server(("127.0.0.1", 0)) as open_one, socket.create_server(("127.0.0.1", 0)) as closed_one:
        threading.Thread(target=echo, args=[open_one], daemon=True).start()
        ports = [listener.getsockname()[1] for listener in (open_one, closed_one)]
        container = _run(tmp_path, sys.executable, "-c", code, *map(str, ports), serves=True, reach=(ports[0],))
        try:
            until(container.log.tail, lambda lines: lines == ["3000000", "ConnectionRefusedError"])
            until(lambda: _connect(container), lambda made: made is not None).close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", 8080), timeout=2)
        finally:
            container.stop(0)


def test_a_server_in_a_container_is_reached(either: str, tmp_path: Path) -> None:
    """An isolated one too: the connection is made inside and handed out."""
    code = (
        "import http.server as h, os; h.HTTPServer(('127.0.0.1', int(os.environ.get('SAGEMAKER_BIND_TO_PORT', 8080))), "
        "h.SimpleHTTPRequestHandler).serve_forever()"
    )
    container = _run(tmp_path, sys.executable, "-c", code, isolated=True, serves=True)
    try:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = until(lambda: _connect(container), lambda made: made is not None)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        assert container.memory() > 2**20
    finally:
        container.stop(0)
    with pytest.raises(ConnectionError):
        container.connect()


def test_output_is_bounded(tmp_path: Path) -> None:
    """A container that prints without end fills neither disk nor memory, and waits for its reader."""
    container = _run(tmp_path, "sh", "-c", "yes 0123456789012345678901234567890123456789")
    time.sleep(1.5)
    container.stop(0)
    size = sum(file.stat().st_size for file in tmp_path.glob("*.log"))
    assert 0 < size <= 11 * 2**20
    assert len(container.log.tail(1000)) == 100


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    """Lines longer than CloudWatch takes come in several."""
    lines: list[str] = []
    container = Container(tmp_path, Command(["sh", "-c", "head -c 600000 /dev/zero | tr '\\0' x"]), lines.extend)
    container.start()
    assert container.wait(20) == 0
    assert [len(line) for line in lines] == [262144, 262144, 75712]


def _names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def _connect(container: Container) -> object:
    try:
        return container.connect()
    except ConnectionError:
        return None


def _alive(mark: str) -> list[int]:
    """Return the processes that have a mark in their command line, the dead that nobody has collected left out."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(
            mark in word for word in process.info["cmdline"] or ()
        ):
            found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]
