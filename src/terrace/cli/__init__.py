"""The `terrace` command."""

from __future__ import annotations

import sys

from terrace.cli.group import run


def main() -> None:
    """Run the command line and exit: 0 done, 1 refused or failed, 2 a usage error."""
    sys.exit(run(sys.argv[1:]))


__all__ = ["main"]
