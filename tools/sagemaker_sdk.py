"""Print the interpreter of an environment that has the SageMaker SDK, as projects lock it; make it where there is none.

It weighs a gigabyte, so it is kept in the user's cache and made once for a machine and a lock.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from filelock import FileLock

LOCK = Path(__file__).parent.parent / "templates/model/project/requirements/pipeline.txt"


def ensure() -> Path:
    """Return the interpreter; the first time on a machine this takes a minute, and a package index."""
    key = f"{LOCK.read_text()} {sys.implementation.cache_tag} {platform.system()} {platform.machine()}"
    base = Path(platformdirs.user_cache_dir("terrace")) / "sagemaker-sdk"
    folder = base / hashlib.sha256(key.encode()).hexdigest()[:16]
    python = folder / "bin" / "python"
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / "lock"):
        ready = folder / ".ready"
        if not ready.exists():
            # Whole or not at all: what a cut-off installation left is no environment.
            shutil.rmtree(folder, ignore_errors=True)
            print(f"installing the SageMaker SDK into {folder}, once for this machine", file=sys.stderr)  # noqa: T201
            uv = str(Path(sys.executable).with_name("uv"))
            install = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "--no-deps"]
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
            subprocess.run([*install, "-r", str(LOCK)], check=True)
            ready.touch()
    return python


if __name__ == "__main__":
    print(ensure())  # noqa: T201  (it is a command)
