"""The one tree of errors. The CLI catches `TerraceError` alone and prints what is wrong and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TerraceError(Exception):
    """Something a person can act on.

    Args:
        message: What is wrong and where, in one sentence: file, key and value where there are any.
        hint: What to do next, in one sentence. Printed after the message.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class SettingsError(TerraceError):
    """Settings that cannot be built from: each problem names file, key, value and what is allowed."""

    def __init__(self, problems: Sequence[str], hint: str | None = None) -> None:
        super().__init__("\n".join(problems), hint)
        self.problems = tuple(problems)


class PlanError(TerraceError):
    """A combination of capabilities that cannot be built. Names the key, the cause and the way out."""


class SandboxError(TerraceError):
    """The sandbox cannot do what was asked."""


class EngineError(TerraceError):
    """A run of the program failed; what was made before is in the state, and the same command finishes it."""


class LockedError(EngineError):
    """Another process works on the same stack. Names the holder."""


class ProjectError(TerraceError):
    """A model project that cannot be built, scaffolded or released."""


class MissingExtraError(TerraceError):
    """A package of an optional extra is not installed. Says what to install."""


class RunError(TerraceError):
    """A run of a pipeline that did not come out well, or that nobody watches any more.

    Args:
        message: How it came out.
        hint: What to do next.
        details: What `--json` prints beside the error, such as the execution with its steps.
    """

    def __init__(self, message: str, hint: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, hint)
        self.details = dict(details or {})
