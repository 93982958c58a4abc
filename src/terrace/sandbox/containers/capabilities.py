"""What this machine gives to containers, found out by trying it once."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SWITCH = "TERRACE_SANDBOX_NAMESPACES"
"""Set to `off`, it makes the sandbox do without namespaces, as on a machine that has none."""

_NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_TRY = "import ctypes; import sys; sys.exit(ctypes.CDLL(None).mount(b'tmpfs', b'/opt', b'tmpfs', 0, None) != 0)"
_SEAL = "import sys; sys.path.insert(0, sys.argv[1]); import init; init.read_only('/', value=True)"
_SECONDS = 10.0


@dataclass(frozen=True)
class Capabilities:
    """What containers get on this machine.

    Attributes:
        namespaces: Their own /opt/ml and their own processes.
        network: A network of their own, where they serve or a model asks for isolation.
        sealed: Whether those that ask for it can write nowhere but in their own folders.
        missing: What they do not get and what happens instead, one sentence each.
    """

    namespaces: bool
    network: bool
    sealed: bool
    missing: tuple[str, ...]

    def prefix(self, *, private: bool) -> list[str]:
        """Return the words to put before a command so that it runs in namespaces of its own.

        Args:
            private: Whether it gets a network of its own too.
        """
        if not self.namespaces:
            return []
        network = ["--net"] if private and self.network else []
        return [str(shutil.which("unshare")), *_NAMESPACES, *network, "--"]


@functools.cache
def capabilities() -> Capabilities:
    """Return what this machine gives, tried once in a process."""
    missing = []
    namespaces = os.environ.get(SWITCH) != "off" and Path("/opt").is_dir() and _works()
    network = namespaces and _works("--net")
    sealed = namespaces and _works(script=_SEAL)
    if not namespaces:
        missing.append(
            "This machine gives no namespaces: containers have no /opt/ml of their own and find their folders by "
            "SM_MODEL_DIR, SM_INPUT_DIR and SM_OUTPUT_DIR."
        )
    if not network:
        missing.append(
            "This machine gives no networks: isolation is not enforced, and a server that listens on every address is "
            "open to the network that this machine is in."
        )
    if not sealed:
        missing.append("This machine cannot make what a job sees read-only: a job can write wherever its user may.")
    return Capabilities(namespaces, network, sealed, tuple(missing))


def _works(*more: str, script: str = _TRY) -> bool:
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    command = [unshare, *_NAMESPACES, *more, "--", sys.executable, "-SE", "-c", script, str(Path(__file__).parent)]
    try:
        return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
