"""The first process of a container: gives it its own /opt/ml, starts its command, and ends with it.

It is run as a script by an interpreter that imports nothing but the standard library, as
`python -SE init.py CONTROL OUTLET SPEC`. `CONTROL` is the descriptor of a socket whose other end the sandbox's server
holds: bytes on it are orders, and its end means that the server is gone, so the container ends too. `OUTLET` is
another, on which a container with a network of its own asks for connections to the few ports of the machine that it may
reach. `SPEC` is JSON.

A process that is PID 1 gets no signal that it has no handler for, not even those it sends to itself, and nobody reaps
the orphans it inherits; that is why the command runs as a child of this one.
"""

# pathlib would double the time that a container takes to start.
# ruff: noqa: PTH102, PTH103, PTH115, PTH123, PTH211
from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

MS_BIND, MS_REC = 0x1000, 0x4000
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 0x1
PR_CAPBSET_DROP = 24
CAP_SYS_PTRACE, CAP_SYS_ADMIN = 19, 21
SHARED_MEMORY = "mode=1777,size=1g"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

TERMINATE, KILL, CONNECT = b"t", b"k", b"c"
CONNECTED, REFUSED = b"+", b"-"

CANNOT_START = 125
NOT_FOUND = 127


def main() -> None:
    """Set the container up, run its command and leave with its exit code, or 128 and the signal that ended it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    outlet = socket.socket(fileno=int(sys.argv[2]))
    outlet.set_inheritable(False)
    spec = json.loads(sys.argv[3])
    listeners: dict[int, socket.socket] = {}
    # When memory runs out the kernel takes a container rather than the server.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
    try:
        if spec["mounts"]:
            own_opt(spec["staging"], spec["mounts"])
        if spec["writable"]:
            seal(spec["tmp"], spec["seen"], [*spec["writable"], *spec["mounts"]])
        if spec["private"]:
            loopback_up()
            listeners = {port: listening(port) for port in spec["reach"]}
    except OSError as error:
        os.write(2, f"The container cannot be set up: {error}\n".encode())
        os._exit(CANNOT_START)
    waker = woken_by_signals()
    child = os.fork()
    if child == 0:
        run(spec)
    signal.signal(signal.SIGTERM, lambda *_: send(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda *_: send(child, signal.SIGINT))
    code = serve(control, waker, child, spec["port"], outlet, listeners)
    # Whatever the command left behind ends with it; inside a PID namespace the kernel sees to that.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os._exit(code)


def run(spec: dict[str, Any]) -> None:
    """Become the command. Never returns."""
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if spec["writable"]:
            # Whoever may mount could undo the seal.
            for capability in (CAP_SYS_PTRACE, CAP_SYS_ADMIN):
                ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.chdir(spec["cwd"])
        os.execvp(spec["argv"][0], spec["argv"])  # noqa: S606
    except OSError as error:
        os.write(2, f"{spec['argv'][0]} cannot be started: {error}\n".encode())
        os._exit(NOT_FOUND)


def serve(
    control: socket.socket,
    waker: int,
    child: int,
    port: int,
    outlet: socket.socket,
    listeners: dict[int, socket.socket],
) -> int:
    """Take orders, and calls to the machine's ports, until the command ends; return its exit code."""
    watched = [control.fileno(), waker, *(listener.fileno() for listener in listeners.values())]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if waker in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(waker, 4096)
            code = reap(child)
            if code is not None:
                return code
        if control.fileno() in ready:
            order = control.recv(1)
            if order == TERMINATE:
                send(child, signal.SIGTERM)
            elif order == CONNECT:
                connect(control, port)
            else:  # KILL, or the end of the server
                return 128 + signal.SIGKILL
        for target, listener in listeners.items():
            if listener.fileno() in ready:
                reach(outlet, listener, target)


def listening(port: int) -> socket.socket:
    """Listen on the container's own loopback, in the place of a port of the machine's."""
    made = socket.create_server(("127.0.0.1", port), backlog=128)
    made.setblocking(False)
    return made


def reach(outlet: socket.socket, listener: socket.socket, port: int) -> None:
    """Join a caller inside with a connection that the server makes outside."""
    import threading  # most containers never need it

    try:
        caller, _ = listener.accept()
    except OSError:
        return  # it hung up
    caller.setblocking(True)
    outlet.sendall(struct.pack("!H", port))
    said, descriptors, _, _ = socket.recv_fds(outlet, 1, 1)
    if said != CONNECTED or not descriptors:
        caller.close()
        return
    other = socket.socket(fileno=descriptors[0])
    for one, another in ((caller, other), (other, caller)):
        threading.Thread(target=pump, args=(one, another), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes from one side, and its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(256 * 1024):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def connect(control: socket.socket, port: int) -> None:
    """Hand the server a connection to the command's port: a socket keeps the network it was made in."""
    try:
        made = socket.create_connection(("127.0.0.1", port), timeout=2)
    except OSError:
        control.sendall(REFUSED)
        return
    with made:
        made.settimeout(None)
        socket.send_fds(control, [CONNECTED], [made.fileno()])


def reap(child: int) -> int | None:
    """Collect who has ended; return the exit code of the command if it is among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == child:
            code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def send(child: int, number: int) -> None:
    """Send the command a signal, if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def woken_by_signals() -> int:
    """Return a descriptor that becomes readable when a signal arrives."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def own_opt(staging: str, mounts: dict[str, str]) -> None:
    """Put a fresh /opt over the machine's, with what the machine has there and the container's own folders.

    The machine's /opt may be read-only to us and have no `ml`, so nothing can be mounted below it directly.
    """
    os.makedirs(staging, exist_ok=True)
    mount("/opt", staging, flags=MS_BIND | MS_REC)
    mount("tmpfs", "/opt", kind="tmpfs", options="mode=755,size=1m")
    own = {target.split("/")[2] for target in mounts}
    for entry in os.scandir(staging):
        if entry.name in own:
            continue
        place = f"/opt/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir():
            os.mkdir(place)
            mount(entry.path, place, flags=MS_BIND | MS_REC)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY))
            mount(entry.path, place, flags=MS_BIND)
    for target, source in mounts.items():  # an outer folder comes before one inside it
        os.makedirs(target, exist_ok=True)
        mount(source, target, flags=MS_BIND | MS_REC)


def seal(tmp: str, seen: list[str], writable: list[str]) -> None:
    """Make all that the container sees read-only, but for its own folders; /tmp is one of its own.

    Args:
        tmp: Folder that becomes /tmp.
        seen: What of the machine's /tmp stays to be seen in it, names of its entries.
        writable: The container's own folders.
    """
    for name in seen:
        os.makedirs(f"{tmp}/{name}", exist_ok=True)
        mount(f"/tmp/{name}", f"{tmp}/{name}", flags=MS_BIND | MS_REC)  # noqa: S108
    mount(tmp, "/tmp", flags=MS_BIND | MS_REC)  # noqa: S108
    read_only("/", value=True)
    if os.path.isdir("/dev/shm"):  # noqa: S108, PTH112
        mount("tmpfs", "/dev/shm", kind="tmpfs", options=SHARED_MEMORY)  # noqa: S108
    for place in writable:
        mount(place, place, flags=MS_BIND)
        read_only(place, value=False)
    read_only("/tmp", value=False)  # noqa: S108


def read_only(place: str, *, value: bool) -> None:
    """Make a mount and all below it read-only, or one mount writable, by mount_setattr(2) of Linux 5.12.

    Raises:
        OSError: The kernel does not have it.
    """
    attributes = struct.pack("QQQQ", *((MOUNT_ATTR_RDONLY, 0) if value else (0, MOUNT_ATTR_RDONLY)), 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    flags = AT_RECURSIVE if value else 0
    arguments = (ctypes.c_long(MOUNT_SETATTR), ctypes.c_int(AT_FDCWD), place.encode(), ctypes.c_uint(flags))
    if libc.syscall(*arguments, attributes, ctypes.c_size_t(len(attributes))) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"sealing {place}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Call mount(2).

    Raises:
        OSError: The kernel refuses; the message names both places.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    words = [word.encode() if word is not None else None for word in (source, target, kind, options)]
    if libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mounting {source} at {target}: {os.strerror(number)}")


def loopback_up() -> None:
    """Switch on the loopback interface, the only one that a network namespace of its own has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


if __name__ == "__main__":
    main()
