"""Makes the files of an image from a Dockerfile: what COPY copies, what ENTRYPOINT and ENV say, what pip installs.

Nothing else of a Dockerfile is run: a RUN that is not `pip install` is told of and left out.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

from terrace.errors import SandboxError
from terrace.sandbox.builds.ignore import ignored
from terrace.sandbox.builds.pip_lines import read_run

_VARIABLE = re.compile(r"\\(.)|\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")
_HARMLESS = {"COMMENT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL", "VOLUME"}
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S+))?\s*")
_COPY_FLAGS = {"chown", "chmod", "link", "from"}


class DockerfileError(SandboxError):
    """A Dockerfile that the sandbox cannot make an image of. Names the line's instruction."""


@dataclass
class Stage:
    """What one stage of a Dockerfile makes.

    Attributes:
        base: The image it starts from.
        root: Folder of its files, by their paths in the image.
        locks: Files that pip installs from.
        installed: Folders, in the image, that pip installs from source.
    """

    base: str
    root: Path
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=lambda: ["python3"])
    locks: list[Path] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)

    def path(self, place: str) -> str:
        """Return a path of the image, from one that may be relative to the working folder."""
        return os.path.normpath("/" + os.path.join(self.workdir, place)).replace("//", "/")  # noqa: PTH118

    def file(self, place: str) -> Path:
        """Return where a path of the image is."""
        return self.root / self.path(place).lstrip("/")


class Recipe:
    """A Dockerfile being followed.

    Args:
        context: Folder that COPY copies from.
        work: Folder for the files of the stages.
        args: Values of `--build-arg`.
        say: Told each step, and what is left out.
    """

    def __init__(self, context: Path, work: Path, args: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._context = context
        self._work = work
        self._args = dict(args)
        self._say = say
        self._stages: dict[str, Stage] = {}
        self._defaults: dict[str, str] = {}
        rules = context / ".dockerignore"
        self._ignored = ignored(rules.read_text().splitlines() if rules.is_file() else ())

    def follow(self, text: str, target: str | None = None) -> Stage:
        """Return what the last stage, or the one named `target`, makes.

        Raises:
            DockerfileError: An instruction is wrong, or the sandbox has no answer to it.
        """
        stage: Stage | None = None
        steps = DockerfileParser(fileobj=io.BytesIO(text.encode())).structure
        for step in steps:
            name, value = step["instruction"], step["value"]
            if name in _HARMLESS:
                continue
            self._say(f"{name} {' '.join(value.split())}")
            if name == "FROM":
                if target is not None and stage is not None and self._stages.get(target) is stage:
                    return stage
                stage = self._from(value)
            elif name == "ARG":
                self._arg(stage, value)
            elif stage is None:
                raise DockerfileError(f"{name} comes before the first FROM.")
            else:
                self._in_stage(stage, name, value)
        if stage is None:
            raise DockerfileError("The Dockerfile has no FROM.")
        if target is not None and self._stages.get(target) is not stage:
            raise DockerfileError(f"The Dockerfile has no stage {target}.")
        return stage

    def _in_stage(self, stage: Stage, name: str, value: str) -> None:
        known = {**stage.args, **stage.env}
        if name == "ENV":
            for key, text in _pairs(value):
                stage.env[key] = _filled(text, {**known, **stage.env})
        elif name == "WORKDIR":
            stage.workdir = stage.path(_filled(value, known))
            stage.file("").mkdir(parents=True, exist_ok=True)
        elif name in ("COPY", "ADD"):
            self._copy(stage, name, _filled(value, known))
        elif name == "RUN":
            self._run(stage, _filled(value, known, keep_unknown=True))
        elif name == "ENTRYPOINT":
            stage.entrypoint, stage.command = _words(value), []
        elif name == "CMD":
            stage.command = _words(value)
        elif name == "USER":
            stage.user = _filled(value, known)
        else:
            raise DockerfileError(f"The sandbox's docker has no answer to the instruction {name}: {value}")

    def _from(self, value: str) -> Stage:
        words = [word for word in _filled(value, {**self._defaults, **self._args}).split() if not word.startswith("--")]
        if not words or (len(words) > 1 and (len(words) != 3 or words[1].lower() != "as")):
            raise DockerfileError(f"FROM {value} is not understood.")
        before = self._stages.get(words[0])
        root = self._work / str(len(list(self._work.iterdir())))
        if before is None:
            root.mkdir(parents=True)
            stage = Stage(words[0], root)
        else:
            shutil.copytree(before.root, root, symlinks=True)
            stage = Stage(before.base, root, dict(before.env), {}, before.workdir, before.user)
            stage.entrypoint, stage.command = list(before.entrypoint), list(before.command)
            stage.locks, stage.installed = list(before.locks), list(before.installed)
        for name in {str(len(self._stages)), words[-1] if len(words) == 3 else ""} - {""}:
            self._stages[name] = stage
        return stage

    def _arg(self, stage: Stage | None, value: str) -> None:
        for word in shlex.split(value):
            name, given, default = word.partition("=")
            if stage is None:
                self._defaults[name] = self._args.get(name, default)
            elif name in self._args or given or name in self._defaults:
                stage.args[name] = self._args.get(name, default if given else self._defaults.get(name, ""))

    def _run(self, stage: Stage, value: str) -> None:
        try:
            found = read_run(value)
        except ValueError as error:
            raise DockerfileError(f"RUN {value} is not understood: {error}") from error
        for lock in found.locks:
            bound = found.binds.get(lock)
            file = self._source(bound) if bound else stage.file(lock)
            if not file.is_file():
                raise DockerfileError(f"pip cannot open {lock}: no COPY before this RUN has brought it.")
            stage.locks.append(file)
        stage.installed.extend(stage.path(project) for project in found.projects)
        for package in found.packages:
            self._say(f"  not installed here, as no lock pins it: {package}")
        for other in found.others:
            self._say(f"  not run here: {other}")

    def _copy(self, stage: Stage, name: str, value: str) -> None:
        flags = {}
        while found := _FLAG.match(value):
            flags[found[1]] = found[2] or ""
            value = value[found.end() :]
        unknown = set(flags) - _COPY_FLAGS
        if unknown:
            raise DockerfileError(f"The sandbox's docker does not know {name} --{min(unknown)}.")
        *sources, destination = json.loads(value) if value.startswith("[") else shlex.split(value)
        if not sources:
            raise DockerfileError(f"{name} {value} needs a source and a destination.")
        other = self._stages.get(flags["from"]) if "from" in flags else None
        if "from" in flags and other is None:
            self._say(f"  not copied here: the files of the image {flags['from']}")
            return
        for source in sources:
            if "://" in source:
                raise DockerfileError(f"The sandbox's docker downloads nothing: {name} {source}")
            self._copy_one(stage, other, source, destination, into=len(sources) > 1)

    def _copy_one(self, stage: Stage, other: Stage | None, source: str, destination: str, *, into: bool) -> None:
        origin = other.root if other else self._context
        pattern = os.path.normpath("/" + source).lstrip("/") or "."
        found = sorted(origin.glob(pattern)) if pattern != "." else [origin]
        found = [path for path in found if other or path == origin or not self._ignored(_relative(path, origin))]
        if not found and other is not None:
            self._say(f"  not copied here, as an earlier RUN would have made it: {source}")
            return
        if not found:
            raise DockerfileError(
                f"COPY failed: {source} is not in the build's context, or .dockerignore leaves it out."
            )
        target = stage.file(destination)
        into = into or destination.endswith("/") or destination in (".", "..") or target.is_dir()
        for path in found:
            if path.is_dir():
                self._copy_tree(path, target, origin, checked=other is not None)
            else:
                place = target / path.name if into or len(found) > 1 else target
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place, follow_symlinks=False)

    def _copy_tree(self, folder: Path, target: Path, origin: Path, *, checked: bool) -> None:
        """Copy what is in a folder, without what `.dockerignore` leaves out."""
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.rglob("*")):
            place = target / path.relative_to(folder)
            if not checked and self._ignored(_relative(path, origin)):
                continue
            if path.is_dir() and not path.is_symlink():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place, follow_symlinks=False)

    def _source(self, place: str) -> Path:
        return self._context / os.path.normpath("/" + place).lstrip("/")


def _relative(path: Path, origin: Path) -> str:
    return path.relative_to(origin).as_posix()


def _pairs(value: str) -> list[tuple[str, str]]:
    """Return the names and values of ENV, in its form with `=` and in the old one without."""
    if "=" not in value.split(None, 1)[0]:
        name, _, text = value.partition(" ")
        return [(name, text.strip())]
    return [(name, text) for name, _, text in (word.partition("=") for word in shlex.split(value))]


def _words(value: str) -> list[str]:
    """Return a command: its own words, or those of the shell that runs it."""
    try:
        found: Any = json.loads(value)
    except ValueError:
        found = None
    if isinstance(found, list) and all(isinstance(word, str) for word in found):
        return found
    return ["/bin/sh", "-c", value]


def _filled(text: str, values: Mapping[str, str], *, keep_unknown: bool = False) -> str:
    """Put the values of ARG and ENV in; other variables are empty, or left for the shell where there is one."""

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return found[0]
        known = values.get(found[2] or found[5])
        if found[3] in ("-", ":-"):
            return known or str(found[4])
        if found[3] in ("+", ":+"):
            return str(found[4]) if known else ""
        if known is None:
            return found[0] if keep_unknown else ""
        return known

    return _VARIABLE.sub(value, text)
