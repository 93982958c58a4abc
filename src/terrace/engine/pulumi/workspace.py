"""The folder that a run of Pulumi works in, and the variables it gets.

A run has a folder of its own with the configuration of this once, so that `--level 3` never reaches the settings in
the checkout. Project and stack have the names that `pulumi up` typed in the checkout gives them: it is one stack.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from terrace.engine.model import Program
from terrace.engine.pulumi.where import pulumi_home

HEADERS = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""What a stack's settings file says of how its secrets are kept."""


def write(folder: Path, program: Program) -> str | None:
    """Write project and stack settings into an empty folder.

    Returns:
        The stack's secrets provider, where its settings file names one.
    """
    project: dict[str, Any] = {"name": program.project, "runtime": "python"}
    declared = _read(_above(program.folder, "Pulumi.yaml"))
    if "backend" in declared:
        project["backend"] = declared["backend"]
    headers = _read(program.folder / f"Pulumi.{program.stack}.yaml")
    secret = set(program.secret_keys)
    settings: dict[str, Any] = {key: headers[key] for key in HEADERS if key in headers}
    settings["config"] = {key: _value(text) for key, text in program.config.items() if key not in secret}
    _save(folder / "Pulumi.yaml", project)
    _save(folder / f"Pulumi.{program.stack}.yaml", settings)
    return settings.get("secretsprovider")


def variables(home: Path, program: Program, *, passphrase: bool) -> dict[str, str]:
    """Return the variables that a run of Pulumi needs besides those of this process.

    State goes where `PULUMI_BACKEND_URL`, the project or `pulumi login` say; where none does, to a folder of
    `TERRACE_HOME`.

    Args:
        home: `TERRACE_HOME`.
        program: What is run.
        passphrase: Let an empty passphrase protect secrets where none is set: in the sandbox, which has none worth it.
    """
    found = {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Without a network Pulumi tries for minutes; a plugin that is missing is told with the command to install it.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    named = os.environ.get("PULUMI_BACKEND_URL") or _read(_above(program.folder, "Pulumi.yaml")).get("backend")
    if not named and not _logged_in():
        folder = home / "pulumi"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Beside each file Pulumi would write another with its attributes, and that one not whole or not at all: a run
        # that is killed meanwhile leaves a state that cannot be read.
        found["PULUMI_BACKEND_URL"] = f"{folder.as_uri()}?metadata=skip"
    if passphrase and not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(os.environ):
        found["PULUMI_CONFIG_PASSPHRASE"] = ""
    return found


def _logged_in() -> bool:
    try:
        said = json.loads((pulumi_home() / "credentials.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return bool(said.get("current"))


def _above(folder: Path, name: str) -> Path:
    return next((place / name for place in (folder, *folder.parents) if (place / name).is_file()), folder / name)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def _value(text: str) -> Any:
    """Return a configuration value as the file has it: lists and maps as such, all else as text."""
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _save(file: Path, said: Mapping[str, Any]) -> None:
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(dict(said), sort_keys=False), encoding="utf-8")
