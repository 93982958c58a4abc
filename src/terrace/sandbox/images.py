"""What an image URI stands for on this machine: files, a Python environment and how it is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox import prebuilt
from terrace.sandbox.builds.environments import Environments, check_interpreter, unmet
from terrace.sandbox.builds.manifest import image_folder
from terrace.sandbox.containers import SYSTEM_PATH, Command, capabilities
from terrace.sandbox.room import Server

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>[a-z0-9][a-z0-9._/-]*)"
    r"(:(?P<tag>[\w.-]{1,128}))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_PYTHON = re.compile(r"(.*/)?python3?(\.\d+)?")
_REMEDY = (
    "Build it with `terrace up ENV --project PATH`, or name its environment: `terrace sandbox image URI --python`."
)


class ImageError(SandboxError):
    """An image that cannot be run here. Says why, in words that fit AWS's own reasons."""


@dataclass(frozen=True)
class Image:
    """An image as it runs on this machine.

    Attributes:
        uri: As it was asked for.
        resolved: By digest, where a repository holds it; else the same as `uri`.
        python: The interpreter that its `python` stands for.
        entrypoint: What it runs; the arguments of a container follow.
        env: Its own variables.
        workdir: Its working folder, a path of the image.
        installed: Projects that it has installed from source, paths of the image.
        root: Folder that holds the image's files by their paths; None has no files of its own.
        toolkit: Whether it runs scripts as AWS's prebuilt images do.
    """

    uri: str
    resolved: str
    python: Path
    entrypoint: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    installed: tuple[str, ...] = ()
    root: Path | None = None
    toolkit: bool = False

    def private(self, folder: Path) -> Image:
        """Return the same image with files of its own, copied to a folder: what a container changes is its own."""
        if self.root is None:
            return self
        shutil.copytree(self.root, folder, symlinks=True)
        return replace(self, root=folder)

    def command(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        *,
        isolated: bool = False,
        serves: bool = False,
        reach: tuple[int, ...] = (),
        sealed: bool = False,
    ) -> Command:
        """Return what a container of this image runs.

        Args:
            arguments: They follow the entrypoint, in the place of the image's own command.
            env: Variables beside the image's own; they win.
            isolated: Whether the container has no network.
            serves: Whether it listens on a port.
            reach: Ports of this machine that it may reach from a network of its own.
            sealed: Whether it may write nowhere but in its own folders.
        """
        argv = [self._here(word) for word in (*self.entrypoint, *arguments)]
        if argv and _PYTHON.fullmatch(argv[0]):
            argv[0] = str(self.python)
        own = {name: self._here_all(value) for name, value in self.env.items() if name != "PATH"}
        own["PATH"] = f"{self.python.parent}:{SYSTEM_PATH}"
        places = [*self._sources(), *(place for place in own.get("PYTHONPATH", "").split(":") if place)]
        if places:
            own["PYTHONPATH"] = ":".join(dict.fromkeys(places))
        return Command(
            argv=argv,
            env={**own, **env},
            cwd=Path(self._here(self.workdir)) if self.root else None,
            isolated=isolated,
            serves=serves,
            reach=reach,
            mounts=self._mounts(),
            sealed=sealed,
        )

    def _sources(self) -> list[str]:
        """Return where Python finds the image's own packages: in `src`, where there is one."""
        if self.root is None:
            return []
        found = []
        for place in dict.fromkeys((self.workdir, *self.installed)):
            if self._file(f"{place}/src").is_dir():
                found.append(self._here(f"{place.rstrip('/')}/src"))
            elif place in self.installed:
                found.append(self._here(place))
        return found

    def _here_all(self, value: str) -> str:
        return ":".join(self._here(part) for part in value.split(":"))

    def _here(self, path: str) -> str:
        """Return where a path of the image is on this machine; what is no such path stays as it is."""
        if self.root is None or not path.startswith("/") or path == "/":
            return str(self.root) if self.root and path == "/" else path
        if self._mounted(path):
            return path
        found = self._file(path)
        return str(found) if found.exists() else path

    def _file(self, path: str) -> Path:
        assert self.root is not None  # noqa: S101  (the callers' condition)
        return self.root / os.path.normpath(path).lstrip("/")

    def _mounted(self, path: str) -> bool:
        return any(path == place or path.startswith(f"{place}/") for place in self._mounts())

    def _mounts(self) -> dict[str, Path]:
        """Return what the image has below /opt: a container sees it in its place, if it can see /opt/ml in its."""
        if self.root is None or not capabilities().namespaces:
            return {}
        tops = sorted((self.root / "opt").glob("*"))
        inner = [top for top in tops if top.name != "ml"] + sorted((self.root / "opt" / "ml").glob("*"))
        return {f"/{place.relative_to(self.root)}": place for place in inner if place.is_dir()}


class Images:
    """The room that knows images: those that builds made, and those that a person named."""

    name = "images"

    def __init__(self) -> None:
        self._home = Path()
        self._lock = threading.Lock()
        self.environments = Environments(Path())
        self._sound: dict[tuple[Path, str], tuple[int, ...]] = {}
        """Interpreter and lock → when its packages changed last, as they were found to be what the lock pins."""

    def install(self, server: Server) -> None:
        """Take the folders, and answer the routes `environments` and `images`."""
        self._home = server.home
        self.environments = Environments(server.home)
        from terrace.sandbox.builds import registry

        registry.install()
        server.routes["environments"] = self._register_environment
        server.routes["images"] = self._register_image

    def resolve(self, uri: str) -> Image:
        """Return what an image URI stands for.

        Raises:
            ImageError: No repository of the sandbox holds it, or this machine cannot run it.
        """
        named = self._named().get(uri)
        found = self._pushed(uri)
        if named is not None:
            python = Path(named["python"])
            if not python.exists():
                raise ImageError(f"{python}, which was to stand for the image {uri}, is gone.", _REMEDY)
            entrypoint = tuple(named.get("entrypoint") or ())
            if prebuilt.family(uri) and found is None and not entrypoint:
                return Image(uri, uri, python, prebuilt.entrypoint(), toolkit=True)
            if found is None or entrypoint:
                return Image(uri, uri, python, entrypoint)
            return self._image(uri, *found, python)
        if found is None:
            return self._prebuilt(uri)
        return self._image(uri, *found, None)

    def status(self) -> Any:
        """Return which URIs were named, and the images that builds have left."""
        built = [path.parent.name for path in sorted((self._home / "images").glob("*/image.json"))]
        return {"named": self._named(), "built": [f"sha256:{digest}" for digest in built]}

    def reset(self) -> None:
        """Keep all: what was built or named is of this machine, and is found again by digest."""

    def stop(self) -> None:
        """Do nothing: images do not run."""

    def _prebuilt(self, uri: str) -> Image:
        """Return what one of AWS's prebuilt images stands for: an environment that has its library."""
        family = prebuilt.family(uri)
        if family is None:
            raise ImageError(f"The image '{uri}' does not exist.", _REMEDY)
        python = prebuilt.find_python(family, self._named(), self.environments.pythons())
        if python is None:
            raise ImageError(
                f"No environment of this machine has {prebuilt.DISTRIBUTIONS[family]}, which the image '{uri}' has.",
                "Name one: `terrace sandbox image URI --python PATH`.",
            )
        return Image(uri, uri, python, prebuilt.entrypoint(), toolkit=True)

    def _image(self, uri: str, repository: str, digest: str, python: Path | None) -> Image:
        folder = image_folder(self._home, digest)
        try:
            said = json.loads((folder / "image.json").read_text())
        except (OSError, ValueError) as error:
            raise ImageError(f"The files of the image '{uri}' are not on this machine.", _REMEDY) from error
        python = python or self._python(uri, said["lock"], folder)
        return Image(
            uri=uri,
            resolved=f"{repository}@{digest}",
            python=python,
            entrypoint=tuple(said["entrypoint"]),
            env=said["env"],
            workdir=said["workdir"],
            installed=tuple(said["installed"]),
            root=folder / "root",
        )

    def _python(self, uri: str, lock: str, folder: Path) -> Path:
        """Return an interpreter that has, now, what the image's lock pins."""
        python = self.environments.find(lock)
        if python is None:
            raise ImageError(f"The Python environment of the image '{uri}' is gone.", _REMEDY)
        changed = _changed(python)
        if changed is not None and self._sound.get((python, lock)) == changed:
            return python
        wrong = unmet(python, (folder / "lock.txt").read_text())
        if not wrong and changed is not None:
            self._sound[python, lock] = changed
        if wrong:
            told = f"The environment of {python} no longer has what the image '{uri}' pins: {'; '.join(wrong[:3])}."
            raise ImageError(told, "Run `make setup` in the project.")
        return python

    def _pushed(self, uri: str) -> tuple[str, str] | None:
        """Return the repository and the digest of an image that a repository holds."""
        parts = _ECR.fullmatch(uri)
        if parts is None:
            return None
        from moto.ecr.models import ecr_backends

        repository = ecr_backends[parts["account"]][parts["region"]].repositories.get(parts["name"])
        for image in repository.images if repository else ():
            digest = str(image.get_image_digest())
            tag = parts["tag"] or "latest"
            if digest == parts["digest"] or (not parts["digest"] and tag in image.image_tags):
                return uri.partition("@")[0].removesuffix(f":{parts['tag']}"), digest
        return None

    def _named(self) -> dict[str, dict[str, Any]]:
        try:
            said: dict[str, dict[str, Any]] = json.loads((self._home / "images" / "named.json").read_text())
        except FileNotFoundError:
            return {}
        return said

    def _register_environment(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        lock, python = str(said.get("lock", "")), Path(str(said.get("python", "")))
        self.environments.register(lock, python)
        return {"lock": lock, "python": str(python)}

    def _register_image(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        uri, python = str(said.get("uri", "")), Path(str(said.get("python", "")))
        if not uri or any(sign.isspace() for sign in uri):
            raise SandboxError(
                f"{uri!r} is no image URI.", "One is like 123456789012.dkr.ecr.REGION.amazonaws.com/x:y."
            )
        check_interpreter(python)
        entrypoint = [str(word) for word in said.get("entrypoint") or ()]
        with self._lock:
            (self._home / "images").mkdir(parents=True, exist_ok=True)
            draft = self._home / "images" / "named.json.new"
            draft.write_text(
                json.dumps({**self._named(), uri: {"python": str(python), "entrypoint": entrypoint}}, indent=2)
            )
            draft.replace(draft.with_suffix(""))
        return {"uri": uri, "python": str(python)}


def _changed(python: Path) -> tuple[int, ...] | None:
    """Return when packages of an environment were last added or taken away, None where that cannot be told."""
    places = sorted(python.parent.parent.glob("lib/python*/site-packages"))
    return tuple(place.stat().st_mtime_ns for place in places) or None
