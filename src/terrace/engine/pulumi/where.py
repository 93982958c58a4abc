"""Where Pulumi's command line is, and which life of the sandbox its states are of."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from terrace.engine.model import Program


def find_cli() -> Path | None:
    """Return where Pulumi's command is: on the PATH, else where its installer puts it; None if it is in neither."""
    found = shutil.which("pulumi")
    if found:
        return Path(found)
    installed = pulumi_home() / "bin" / "pulumi"
    return installed if os.access(installed, os.X_OK) else None


def find_host() -> Path | None:
    """Return where Pulumi's host for Python is, which its installer puts beside the command; None if it is missing."""
    beside = find_cli()
    folders = [str(beside.resolve().parent)] if beside else []
    folders.append(str(pulumi_home() / "bin"))
    for path in (None, os.pathsep.join(folders)):
        found = shutil.which("pulumi-language-python", path=path)
        if found:
            return Path(found)
    return None


def pulumi_home() -> Path:
    """Return the folder where Pulumi keeps plugins and who is logged in where."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def life_of(home: Path, program: Program) -> str | None:
    """Return which life of the sandbox Pulumi's state of a program is of; None if Terrace has none there."""
    try:
        found = json.loads(_note(home, program).read_text(encoding="utf-8")).get("incarnation")
    except (FileNotFoundError, ValueError):
        return None
    return str(found) if found else None


def sign(home: Path, program: Program, incarnation: str | None) -> None:
    """Write down which life of the sandbox a program's state is of; None when nothing is left of it."""
    note = _note(home, program)
    if incarnation is None:
        note.unlink(missing_ok=True)
        return
    fresh = note.with_suffix(".new")
    fresh.write_text(json.dumps({"incarnation": incarnation}), encoding="utf-8")
    fresh.replace(note)


def _note(home: Path, program: Program) -> Path:
    return home / "state" / program.project / program.stack / "pulumi.json"
