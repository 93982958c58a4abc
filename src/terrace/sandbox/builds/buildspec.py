"""Reads a buildspec: which commands a build runs, and with which variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from terrace.errors import SandboxError

PHASES = ("install", "pre_build", "build", "post_build")
_KNOWN = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
_KNOWN_PHASE = {"commands", "finally", "on-failure", "run-as", "runtime-versions"}
_KNOWN_ENV = {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"}
_SHELLS = {"bash": "bash", "/bin/sh": "sh", "sh": "sh"}


class BuildspecError(SandboxError):
    """A buildspec that cannot be run. Names the key and what is allowed."""


@dataclass(frozen=True)
class Phase:
    """A phase's commands, those that run in any case, and whether a failure ends it."""

    name: str
    commands: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    on_failure: str = "ABORT"


@dataclass(frozen=True)
class Buildspec:
    """What a build runs.

    Attributes:
        phases: All four, in CodeBuild's order; one that is not in the buildspec has no commands.
        shell: Runs the commands.
        variables: Name → value.
        parameters: Name → name of the parameter that has the value.
        secrets: Name → secret, as `id:key:stage:version`.
        exported: Names of the variables that the finished build shows.
        left_out: Keys of the buildspec that the sandbox does not act on.
    """

    phases: tuple[Phase, ...]
    shell: str
    variables: Mapping[str, str]
    parameters: Mapping[str, str]
    secrets: Mapping[str, str]
    exported: tuple[str, ...]
    left_out: tuple[str, ...]

    @classmethod
    def find(cls, given: str | None, source: Path) -> Buildspec:
        """Read the buildspec of a build.

        Args:
            given: What project or build say: the buildspec itself, or its path in the source; None is `buildspec.yml`.
            source: Folder of the source.

        Raises:
            BuildspecError: There is none, or it is wrong.
        """
        text = given or "buildspec.yml"
        if "\n" not in text and not text.lstrip().startswith("{"):
            file = (source / text).resolve()
            if not file.is_relative_to(source.resolve()) or not file.is_file():
                raise BuildspecError(f"YAML file does not exist: {text}")
            text = file.read_text()
        try:
            said = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise BuildspecError(f"The buildspec is no YAML: {' '.join(str(error).split())}") from error
        return cls._read(said)

    @classmethod
    def _read(cls, said: Any) -> Buildspec:
        spec = _mapping("the buildspec", said, _KNOWN)
        if str(spec.get("version")) not in ("0.1", "0.2"):
            raise BuildspecError(f"version is {spec.get('version')!r}; it is 0.2, or 0.1.")
        env = _mapping("env", spec.get("env") or {}, _KNOWN_ENV)
        shell = str(env.get("shell", "sh"))
        if shell not in _SHELLS:
            raise BuildspecError(f"env.shell is {shell!r}; the sandbox has {' and '.join(sorted(_SHELLS))}.")
        phases = _mapping("phases", spec.get("phases") or {}, set(PHASES))
        if not phases:
            raise BuildspecError("phases is missing: a buildspec has at least one.")
        left_out = [key for key in ("artifacts", "batch", "cache", "proxy", "reports", "run-as") if key in spec]
        left_out += [
            f"phases.{name}.{key}"
            for name, phase in phases.items()
            for key in ("run-as", "runtime-versions")
            if key in (phase or {})
        ]
        return cls(
            phases=tuple(_phase(name, phases.get(name)) for name in PHASES),
            shell=_SHELLS[shell],
            variables=_texts("env.variables", env),
            parameters=_texts("env.parameter-store", env),
            secrets=_texts("env.secrets-manager", env),
            exported=tuple(str(name) for name in env.get("exported-variables") or ()),
            left_out=tuple(left_out),
        )


def _phase(name: str, said: Any) -> Phase:
    phase = _mapping(f"phases.{name}", said or {}, _KNOWN_PHASE)
    on_failure = str(phase.get("on-failure", "ABORT"))
    if on_failure not in ("ABORT", "CONTINUE"):
        raise BuildspecError(f"phases.{name}.on-failure is {on_failure!r}; the sandbox knows ABORT and CONTINUE.")
    commands = _commands(f"phases.{name}.commands", phase.get("commands"))
    return Phase(name.upper(), commands, _commands(f"phases.{name}.finally", phase.get("finally")), on_failure)


def _commands(key: str, said: Any) -> tuple[str, ...]:
    if said is None:
        return ()
    if not isinstance(said, Sequence) or isinstance(said, str) or not all(isinstance(line, str) for line in said):
        raise BuildspecError(f"{key} is a list of commands, each of them text.")
    return tuple(said)


def _texts(key: str, env: Mapping[str, Any]) -> dict[str, str]:
    values = env.get(key.removeprefix("env.")) or {}
    if not isinstance(values, Mapping):
        raise BuildspecError(f"{key} maps names to values.")
    return {str(name): _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mapping(key: str, said: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise BuildspecError(f"{key} is no mapping.")
    unknown = [str(name) for name in said if name not in known]
    if unknown:
        raise BuildspecError(f"{key} has {unknown[0]!r}; it can have {', '.join(sorted(known))}.")
    return said
