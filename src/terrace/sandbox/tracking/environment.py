"""The Python environment that MLflow servers run in: its own, made once for a machine and kept in the user's cache.

MLflow brings seventy packages that nothing else here needs, some of them of other versions than moto takes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import platformdirs
from filelock import FileLock

from terrace.errors import SandboxError

LOCK = Path(__file__).parent / "requirements.txt"
FOLDER = "TERRACE_TRACKING_ENVIRONMENTS"
"""Variable that names the folder of these environments, in the place of the user's cache."""
REMEDY = "With a package index in reach, run: python -m terrace.sandbox.tracking.install"
_CURRENT = "current"
_SHOWN = 3


def location() -> Path:
    """Return the folder of the environment for this lock, this Python and this machine. It need not exist."""
    text = f"{LOCK.read_text()} {sys.implementation.cache_tag} {platform.system()} {platform.machine()}"
    named = os.environ.get(FOLDER)
    base = Path(named) if named else Path(platformdirs.user_cache_dir("terrace")) / "tracking"
    return base / f"{sys.implementation.cache_tag}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def find() -> Path | None:
    """Return the interpreter of the environment, None when it is not there or not complete."""
    try:
        python = _python(location() / (location() / _CURRENT).read_text())
    except OSError:
        return None
    return python if python.exists() else None


def version() -> str:
    """Return the version of MLflow that the lock pins."""
    pins = (line.split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    return next(said[1].split()[0] for said in pins if said[0] == "mlflow")


def ensure(say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the interpreter of the environment; make the environment when it is not there.

    Two at once: the second waits for the first. One that was cut short is made again, quicker by pip's cache.

    Args:
        say: Told that the environment is being made, which takes about a minute.

    Raises:
        SandboxError: It cannot be made, for example because no package index is reached. The hint says what to do.
    """
    made = find()
    if made is not None:
        return made
    folder = location()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            return find() or _make(folder, say)
    except OSError as error:
        raise SandboxError(f"MLflow cannot be installed in {folder}: {error}", REMEDY) from error


def _make(folder: Path, say: Callable[[str], None]) -> Path:
    """Make an environment in a folder that nobody else writes to, and only then say that it is the one.

    A pip whose parent was killed may go on for a while: it must not meet another in the same folder.
    """
    say(f"installing MLflow {version()} into {folder}, once for this machine")
    for left in folder.glob("made-*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = folder / f"made-{uuid.uuid4().hex[:8]}"
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for command in (
        [sys.executable, "-m", "venv", str(draft)],
        [str(_python(draft)), *pip, "--require-hashes", "--no-deps", "-r", str(LOCK)],
    ):
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise SandboxError(f"MLflow cannot be installed: {' | '.join(said[-_SHOWN:])}", REMEDY)
    named = folder / f"{_CURRENT}.new"
    named.write_text(draft.name)
    named.replace(folder / _CURRENT)
    return _python(draft)


def _environment() -> dict[str, str]:
    """Return the user's variables, where pip finds its index and certificates, less those that mislead a Python."""
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in misleading}


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
