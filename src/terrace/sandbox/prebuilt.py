"""AWS's prebuilt framework images: any of their URIs stands for an environment of this machine with the framework."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from terrace.sandbox import script_mode

# Each region has an account of its own for them, so the account says nothing.
_URI = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/(?P<name>sagemaker-scikit-learn|sagemaker-xgboost):[\w.-]+"
)
LIBRARIES = {"sagemaker-scikit-learn": "sklearn", "sagemaker-xgboost": "xgboost"}
"""Name of the repository → the module that an environment must have to stand for its images."""
DISTRIBUTIONS = {"sagemaker-scikit-learn": "scikit-learn", "sagemaker-xgboost": "xgboost"}
_SECONDS = 30.0


def family(uri: str) -> str | None:
    """Return the repository of a prebuilt image of AWS's, None for any other image."""
    found = _URI.fullmatch(uri)
    return found["name"] if found else None


def entrypoint() -> tuple[str, ...]:
    """Return what these images run: the contract of AWS's training toolkit."""
    return ("python", str(Path(script_mode.__file__)))


def find_python(name: str, named: Mapping[str, Mapping[str, Any]], registered: Iterable[Path]) -> Path | None:
    """Return an interpreter that has the framework.

    Args:
        name: Repository, of `LIBRARIES`.
        named: Image URI → what a person has named for it; an image of the same repository goes before all others.
        registered: Interpreters of the projects of this machine.
    """
    for uri, said in named.items():
        if family(uri) == name and Path(said["python"]).exists():
            return Path(said["python"])
    for python in (*registered, Path(sys.executable)):
        if _has(python, LIBRARIES[name], python.parent.stat().st_mtime_ns):
            return python
    return None


@functools.lru_cache(maxsize=64)
def _has(python: Path, module: str, _changed: int) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
