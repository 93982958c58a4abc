"""`python -m terrace.sandbox.tracking.install`: install MLflow for the sandbox. Quick when it is there."""

from __future__ import annotations

import sys

from terrace.errors import SandboxError
from terrace.sandbox.tracking import environment


def main() -> int:
    """Make the environment, say where it is, and return the exit code."""
    try:
        python = environment.ensure(lambda text: print(text, file=sys.stderr))  # noqa: T201  (it is a command)
    except SandboxError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(python)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
