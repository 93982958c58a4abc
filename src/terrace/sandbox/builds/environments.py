"""Python environments that stand for what an image has installed, found by the hash of the lock."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from terrace.errors import SandboxError

_HASH = re.compile(r"[0-9a-f]{64}")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)\s*(?P<marker>;[^\\]*)?")
_LIST = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)
_SECONDS = 60
REMEDY = "Run `make setup` in the project, or name an environment that has them: `terrace sandbox image URI --python`."


class Environments:
    """The environments of this machine. What is registered outlives the server.

    Args:
        home: `TERRACE_HOME`.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "environments"

    def register(self, lock: str, python: Path) -> None:
        """Say which interpreter has the packages of a lock.

        Raises:
            SandboxError: The hash is none, or there is no such interpreter.
        """
        if not _HASH.fullmatch(lock):
            raise SandboxError(f"{lock!r} is no SHA-256 of a lock: it has 64 digits, 0 to f.")
        check_interpreter(python)
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{lock}.json.new"
        draft.write_text(json.dumps({"python": str(python)}))
        draft.replace(draft.with_suffix(""))

    def find(self, lock: str) -> Path | None:
        """Return the interpreter for a lock, of an environment made here or as registered; None when it is gone."""
        if self._made(lock):
            return self._python(lock)
        try:
            python = Path(json.loads((self._folder / f"{lock}.json").read_text())["python"])
        except (OSError, ValueError, KeyError):
            return None
        return python if python.exists() else None

    def pythons(self) -> list[Path]:
        """Return the interpreters of all environments, the latest first."""
        files = sorted(self._folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        locks = dict.fromkeys(path.name.partition(".")[0] for path in files)
        return [python for lock in locks if _HASH.fullmatch(lock) and (python := self.find(lock)) is not None]

    def ensure(self, files: Sequence[Path], pip: Mapping[str, str], say: Callable[[str], None]) -> tuple[str, Path]:
        """Return the hash of a lock and an interpreter that has what it pins; make an environment where there is none.

        Args:
            files: The lock; none at all is an environment without packages.
            pip: The variables that tell pip where packages come from.
            say: Told what happens, line by line.

        Raises:
            SandboxError: The packages cannot be installed.
        """
        lock = lock_hash(files)
        known = self.find(lock)
        if known is not None:
            wrong = [] if self._made(lock) else unmet(known, "\n".join(file.read_text() for file in files))
            if not wrong:
                say(f"the environment of {known} has what the lock pins")
                return lock, known
            say(f"the environment of {known} has not what the lock pins: {'; '.join(wrong[:3])}")
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / f"{lock}.lock"):
            if not self._made(lock):
                shutil.rmtree(self._folder / lock, ignore_errors=True)
                self._make(self._folder / lock, files, pip, say)
                (self._folder / lock / "complete").touch()
        return lock, self._python(lock)

    def _made(self, lock: str) -> bool:
        return (self._folder / lock / "complete").exists()

    def _python(self, lock: str) -> Path:
        return self._folder / lock / "bin" / "python"

    def _make(self, folder: Path, files: Sequence[Path], pip: Mapping[str, str], say: Callable[[str], None]) -> None:
        say(f"making an environment for the lock in {folder}")
        files = [file for file in files if _PIN.search(file.read_text())]
        bare = [] if files else ["--without-pip"]
        env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ} | dict(pip)
        commands = [[sys.executable, "-m", "venv", *bare, str(folder)]]
        if files:
            wanted = [word for file in files for word in ("-r", str(file))]
            python = str(folder / "bin" / "python")
            commands.append(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *wanted]
            )
        for command in commands:
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                shutil.rmtree(folder, ignore_errors=True)
                last = (done.stderr or done.stdout).strip().splitlines()[-15:]
                raise SandboxError("\n".join([*last, "The packages of the lock cannot be installed here."]), REMEDY)


def lock_hash(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a lock, in hex: of the file, or of several one after the other."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def unmet(python: Path, lock: str) -> list[str]:
    """Return what an environment lacks of what a lock pins, in words; a pin for other machines is not missed."""
    done = subprocess.run(
        [str(python), "-I", "-c", _LIST], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        return ["its interpreter does not start"]
    has = {_normal(name): version for name, version in json.loads(done.stdout).items()}
    wrong = []
    for line in lock.splitlines():
        pin = _PIN.match(line)
        if pin is None:
            continue
        version = has.get(_normal(pin["name"]))
        if version is None and not pin["marker"]:
            wrong.append(f"{pin['name']} {pin['version']} is missing")
        elif version is not None and version != pin["version"] and not pin["marker"]:
            wrong.append(f"{pin['name']} is {version}, not {pin['version']}")
    return wrong


def check_interpreter(python: Path) -> None:
    """Refuse a path that is no Python interpreter, by asking it.

    Raises:
        SandboxError: It names what is wrong with the path.
    """
    if not python.is_absolute() or not python.is_file() or not os.access(python, os.X_OK) or not _answers(python):
        raise SandboxError(f"{python} is no Python interpreter.", "Give the path of one, such as .venv/bin/python.")


def _answers(python: Path) -> bool:
    question = [str(python), "-I", "-c", "import sys; print(sys.implementation.name)"]
    try:
        said = subprocess.run(question, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and said.stdout.strip().isidentifier()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
