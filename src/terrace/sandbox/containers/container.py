"""A container: a command that runs as it would in the image that SageMaker or CodeBuild starts."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from terrace.errors import SandboxError
from terrace.sandbox.containers import init
from terrace.sandbox.containers.capabilities import capabilities
from terrace.sandbox.containers.logs import Log, Sink
from terrace.sandbox.containers.machine import family_memory, free_port

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORT = 8080
"""Where a server in a container listens, unless SAGEMAKER_BIND_TO_PORT says otherwise."""
_INIT_KILLED = "unshare: sigprocmask unblock failed: Invalid argument"
"""What unshare says, with exit code 1, when it wants to end by the SIGKILL that has ended the container's init."""
STOP_SECONDS = 10.0
"""How long a container may take to end by itself after SIGTERM."""


@dataclass(frozen=True)
class Command:
    """What a container runs.

    Attributes:
        argv: The program and its arguments; found by the PATH of `env`.
        env: The whole environment; nothing of the server's is added but HOME, TMPDIR and LANG, where it has none.
        cwd: Working folder; None is the container's own.
        isolated: Whether it may reach no network at all.
        serves: Whether it listens on a port. What serves has a network of its own, so that a server which listens on
            every address, as it must on AWS, is not open to the network that this machine is in.
        reach: Ports of this machine's loopback that it may reach from a network of its own.
        mounts: Place below /opt → folder that is seen there; without namespaces it is not.
        sealed: Whether it may write nowhere but in its own folders and in a /tmp of its own.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    isolated: bool = False
    serves: bool = False
    reach: tuple[int, ...] = ()
    mounts: Mapping[str, Path] = field(default_factory=dict)
    sealed: bool = False


class Container:
    """One run of a command, with a folder of its own.

    Args:
        folder: Its folder: `opt_ml` is its /opt/ml, `tmp` its temporary folder, `home` its home, `container.log` what
            it printed. Made if missing, and left as it is at the end.
        command: What it runs.
        sink: Takes what it prints, line by line.
    """

    def __init__(self, folder: Path, command: Command, sink: Sink | None = None) -> None:
        self.folder = folder
        self.command = command
        self.log = Log(folder / "container.log", sink)
        given = capabilities()
        self.private = (command.isolated or command.serves) and given.network
        """Whether it has a network of its own, with a loopback interface and nothing else."""
        self._namespaces = given.namespaces
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._orders = threading.Lock()
        self._reader: threading.Thread | None = None

    @property
    def opt_ml(self) -> Path:
        """The folder that the container sees as /opt/ml."""
        return self.folder / "opt_ml"

    def start(self) -> None:
        """Start the command.

        Raises:
            SandboxError: The machine cannot start a process.
        """
        for name in ("opt_ml", "tmp", "home"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if self.command.serves:
            self.port = PORT if self.private else free_port()
        ours, theirs = socket.socketpair()
        outlet, inlet = socket.socketpair()
        descriptors = [theirs.fileno(), inlet.fileno()]
        script = [sys.executable, "-SE", str(Path(init.__file__)), *map(str, descriptors), json.dumps(self._spec())]
        with theirs, inlet:
            try:
                self._process = subprocess.Popen(
                    [*capabilities().prefix(private=self.private), *script],
                    env=self._environment(),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=descriptors,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                outlet.close()
                raise SandboxError(f"A container cannot be started: {error}") from error
        self._control = ours
        assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
        self._reader = threading.Thread(target=self.log.follow, args=[self._process.stdout], daemon=True)
        self._reader.start()
        threading.Thread(target=let_out, args=[outlet, self.command.reach], daemon=True).start()

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait until the command ends and all it printed is read; return its exit code, None after `seconds`."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        if self._reader is not None:
            self._reader.join(2)
        self._let_go()
        if code == 1 and self.log.tail(1) == [_INIT_KILLED]:
            return 128 + signal.SIGKILL
        return 128 - code if code < 0 else code

    def poll(self) -> int | None:
        """Return the exit code, None while the command runs."""
        return self.wait(0)

    def stop(self, seconds: float = STOP_SECONDS) -> int | None:
        """End the command: by SIGTERM, and after `seconds` by force. Nothing that it started is left."""
        if self._process is None:
            return None
        if seconds > 0 and self.poll() is None:
            self._order(init.TERMINATE)
            self.wait(seconds)
        if self.poll() is None:
            self._order(init.KILL)
            if self.wait(2) is None:
                self._process.kill()
        code = self.wait(5)
        self._let_go()
        return code

    def connect(self, seconds: float = 5.0) -> socket.socket:
        """Return a connection to the port that the command listens on.

        Raises:
            ConnectionError: Nobody listens there, yet or any more.
        """
        if not self.private:
            return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        with self._orders:
            if self._control is None:
                raise ConnectionRefusedError("The container has ended.")
            try:
                self._control.settimeout(seconds)
                self._control.sendall(init.CONNECT)
                said, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            except OSError as error:
                raise ConnectionRefusedError("The container has ended.") from error
        if said != init.CONNECTED or not descriptors:
            raise ConnectionRefusedError(f"Nobody listens on port {self.port} of the container.")
        made = socket.socket(fileno=descriptors[0])
        made.settimeout(seconds)
        return made

    def memory(self) -> int:
        """Return the resident memory of all its processes, in bytes."""
        if self._process is None or self._process.poll() is not None:
            return 0
        return family_memory(self._process.pid)

    def remove(self) -> None:
        """Delete its folder. Only after its end."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _let_go(self) -> None:
        with self._orders:
            if self._control is not None:
                self._control.close()
                self._control = None

    def _order(self, word: bytes) -> None:
        with self._orders, contextlib.suppress(OSError):
            if self._control is not None:
                self._control.sendall(word)

    def _spec(self) -> dict[str, object]:
        mounts = {"/opt/ml": self.opt_ml, **self.command.mounts} if self._namespaces else {}
        sealed = self.command.sealed and capabilities().sealed
        return {
            "argv": list(self.command.argv),
            "cwd": str(self.command.cwd or self.folder),
            "private": self.private,
            "reach": list(self.command.reach) if self.private and not self.command.isolated else [],
            "mounts": {place: str(mounts[place]) for place in sorted(mounts)},
            "port": self.port,
            "staging": str(self.folder / "opt"),
            "writable": [str(self.folder)] if sealed else [],
            "tmp": str(self.folder / "tmp"),
            "seen": self._seen() if sealed else [],
        }

    def _seen(self) -> list[str]:
        """Return which entries of the machine's /tmp the command needs: those that its words and paths name."""
        words = [str(self.folder), str(self.command.cwd or ""), sys.prefix, sys.executable, *self.command.argv]
        words += [part for value in self.command.env.values() for part in value.split(":")]
        words += [str(Path(word).resolve()) for word in self.command.argv[:1] if word.startswith("/")]
        names = {word.split("/")[2] for word in words if word.startswith("/tmp/")}  # noqa: S108
        return sorted(name for name in names if name and (Path("/tmp") / name).is_dir())  # noqa: S108

    def _environment(self) -> dict[str, str]:
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "LANG": "C.UTF-8"}
        env = {"PATH": SYSTEM_PATH, **own, **self.command.env}
        if self.command.serves and not self.private:
            env |= {"SAGEMAKER_BIND_TO_PORT": str(self.port), "SAGEMAKER_BIND_TO_HOST": "127.0.0.1"}
        if not self._namespaces:
            env["SM_MODEL_DIR"] = str(self.opt_ml / "model")
            env["SM_INPUT_DIR"] = str(self.opt_ml / "input")
            env["SM_OUTPUT_DIR"] = str(self.opt_ml / "output")
        return env


def let_out(outlet: socket.socket, ports: Sequence[int]) -> None:
    """Connect a container to those ports of the machine that it may reach, each time it asks, until its end."""
    with outlet:
        while asked := outlet.recv(2, socket.MSG_WAITALL):
            port = int.from_bytes(asked, "big")
            try:
                if port not in ports:
                    raise ConnectionRefusedError
                made = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                outlet.sendall(init.REFUSED)
                continue
            with made:
                made.settimeout(None)
                socket.send_fds(outlet, [init.CONNECTED], [made.fileno()])


def explain(code: int | None) -> str:
    """Return what an exit code tells, in words that follow "the container"."""
    if code is None:
        return "still runs"
    if code > 128:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(code - 128).name}"
    return f"ended with exit code {code}"
