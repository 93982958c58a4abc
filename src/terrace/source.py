"""The source of a model project as a build sees it: which files, which version, one zip."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from terrace.errors import ProjectError

LOCK = Path("requirements/runtime.txt")
"""The hashed lock of what the image installs, inside a project."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Source:
    """What one version of a project is made of.

    Attributes:
        root: The project's folder.
        files: Files of this version, relative to `root`, sorted: what git tracks, or neither tracks nor ignores.
        version: Commit id where the work tree is that commit; else `work-` and twelve digits of a hash of the files.
            It becomes the tag of the image.
    """

    root: Path
    files: tuple[Path, ...]
    version: str

    @property
    def lock_hash(self) -> str:
        """SHA-256 of the image's lock, in hex: the identity of the environment that the image holds."""
        return hashlib.sha256((self.root / LOCK).read_bytes()).hexdigest()

    def zip(self) -> bytes:
        """Return the files as a zip whose bytes depend on nothing but the files' names, modes and contents."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in self.files:
                path = self.root / name
                entry = zipfile.ZipInfo(name.as_posix(), _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
                archive.writestr(entry, path.read_bytes())
        return buffer.getvalue()


def read_source(root: Path) -> Source:
    """Read which files make up the project in `root`, and which version they are.

    Raises:
        ProjectError: The folder is no git repository, or lacks its lock or Dockerfile.
    """
    for needed in (Path("Dockerfile"), LOCK):
        if not (root / needed).is_file():
            raise ProjectError(
                f"{root / needed} is missing: an image is built from it.",
                "Is this a model project? `terrace new` makes one.",
            )
    listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--deduplicate", ".")
    files = tuple(sorted(Path(name) for name in listed.split("\0") if name and (root / name).is_file()))
    if _git(root, "status", "--porcelain", "--", ".").strip():
        return Source(root, files, f"work-{_content_hash(root, files)[:12]}")
    return Source(root, files, _git(root, "rev-parse", "HEAD").strip())


def _content_hash(root: Path, files: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for name in files:
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{name.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _git(root: Path, *args: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *args], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ProjectError("git is not installed: the version of an image is a commit.", "Install git.") from error
    if done.returncode != 0:
        raise ProjectError(
            f"git cannot read {root}: {done.stderr.strip()}",
            "A project is a git repository with a commit: try `git init && git add -A && git commit -m 'Begin'`.",
        )
    return done.stdout
