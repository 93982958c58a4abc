"""Says where in the user's program an exception came from."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from pulumi.errors import RunError

from terrace.engine.model import Program
from terrace.errors import EngineError

_UNSUPPORTED = re.compile(
    r"The Pulumi CLI does not support (?:the )?(.+?)(?: option)?\. Please update the Pulumi CLI\."
)


def explain(error: BaseException, program: Program) -> EngineError:
    """Return the error to show for an exception of the program: its name, its text and its place."""
    if isinstance(error, SystemExit):
        return EngineError(f"The program {program.main} ended itself with exit code {error.code}.")
    text = str(error).strip()
    unsupported = _UNSUPPORTED.fullmatch(text)
    if unsupported:
        return EngineError(
            f"{_place(error, program)}The embedded engine does not have {unsupported.group(1)}.",
            "Remove the option, or run with Pulumi's engine: --engine pulumi.",
        )
    # These carry nothing in their name that the text does not say.
    if type(error) not in (Exception, RunError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return EngineError(f"{_place(error, program)}{text}")


def _place(error: BaseException, program: Program) -> str:
    """Return `file:line: ` of the innermost frame in the program's folder, or nothing."""
    if isinstance(error, SyntaxError) and error.filename and _is_ours(error.filename, program):
        return f"{_shown(error.filename)}:{error.lineno}: "
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(frame.filename, program)]
    return f"{_shown(ours[-1].filename)}:{ours[-1].lineno}: " if ours else ""


def _is_ours(file: str, program: Program) -> bool:
    path = Path(file)
    return program.folder in path.parents and "site-packages" not in path.parts


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
