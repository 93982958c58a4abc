"""Where things are: Terrace's own folder on this machine, the program and the templates."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def home() -> Path:
    """Return the folder that holds the sandbox and the states of the embedded engine.

    The environment variable `TERRACE_HOME` names it; without it, the user's state folder of the operating system.
    It is not created here.
    """
    named = os.environ.get("TERRACE_HOME")
    return Path(named).expanduser().resolve() if named else Path(platformdirs.user_state_dir("terrace"))


def in_checkout() -> bool:
    """Tell whether this package runs from a checkout (or an editable install) rather than from a wheel."""
    return (_CHECKOUT / "copier.yml").is_file() and (_CHECKOUT / "stacks" / "__main__.py").is_file()


def bundle() -> Path:
    """Return the folder that holds `copier.yml`, `templates/`, `stacks/` and `Pulumi.yaml`."""
    return _CHECKOUT if in_checkout() else _PACKAGE / "_bundled"
