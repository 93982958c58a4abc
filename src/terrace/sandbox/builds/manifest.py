"""The manifest of an image: its digest is the identity of the code and the packages that the image holds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.sandbox.builds.dockerfile import Stage

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SOURCE, LOCK, BASE = "terrace.source", "terrace.lock", "org.opencontainers.image.base.name"


@dataclass(frozen=True)
class Manifest:
    """What is pushed for an image.

    Attributes:
        text: The manifest, JSON; the same source, lock and Dockerfile give the same text.
        digest: `sha256:` and its hash.
    """

    text: str
    digest: str

    @classmethod
    def of(cls, stage: Stage, lock: str) -> Manifest:
        """Return the manifest of what a Dockerfile made, with the packages of a lock, given by its hash."""
        source, size = tree_hash(stage.root)
        config = _json(
            {
                "os": "linux",
                "architecture": "amd64",
                "config": {
                    "Cmd": stage.command,
                    "Entrypoint": stage.entrypoint,
                    "Env": [f"{name}={value}" for name, value in stage.env.items()],
                    "User": stage.user,
                    "WorkingDir": stage.workdir,
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{source}", f"sha256:{lock}"]},
            }
        )
        text = _json(
            {
                "schemaVersion": 2,
                "mediaType": MEDIA_TYPE,
                "config": {
                    "mediaType": _CONFIG,
                    "digest": f"sha256:{hashlib.sha256(config.encode()).hexdigest()}",
                    "size": len(config),
                },
                "layers": [
                    {"mediaType": _LAYER, "digest": f"sha256:{source}", "size": size},
                    {"mediaType": _LAYER, "digest": f"sha256:{lock}", "size": 0},
                ],
                "annotations": {SOURCE: source, LOCK: lock, BASE: stage.base},
            }
        )
        return cls(text, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def tree_hash(root: Path) -> tuple[str, int]:
    """Return a hash of the files below a folder, by name, mode and content, and their size in bytes."""
    whole, size = hashlib.sha256(), 0
    for path in sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file()):
        if path.is_symlink():
            kind, content = "link", os.readlink(path).encode()  # noqa: PTH115
        else:
            kind, content = "program" if path.stat().st_mode & 0o100 else "file", path.read_bytes()
        size += len(content)
        name = path.relative_to(root).as_posix()
        whole.update(f"{name}\0{kind}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest(), size


def image_folder(home: Path, digest: str) -> Path:
    """Return the folder of an image: `image.json`, and its files below `root`."""
    return home / "images" / digest.removeprefix("sha256:")


def keep(folder: Path, stage: Stage, lock: str, locks: Sequence[Path], manifest: Manifest) -> None:
    """Keep an image in its folder, whole or not at all; one that is there already stays."""
    if (folder / "image.json").exists():
        return
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    shutil.copytree(stage.root, draft / "root", symlinks=True)
    (draft / "lock.txt").write_text("".join(file.read_text() for file in locks))
    said: Mapping[str, Any] = {
        "entrypoint": stage.entrypoint,
        "command": stage.command,
        "env": stage.env,
        "installed": stage.installed,
        "lock": lock,
        "manifest": manifest.text,
        "workdir": stage.workdir,
    }
    (draft / "image.json").write_text(json.dumps(said, indent=2))
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
