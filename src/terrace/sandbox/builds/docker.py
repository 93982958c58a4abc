"""The `docker` of a build: it builds images from Dockerfiles, tags them, logs in and pushes. It runs no container.

`python -m terrace.sandbox.builds.docker CONTEXT …` is what the build's `docker` calls; the rest is docker's own.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from terrace.errors import SandboxError
from terrace.sandbox.builds.context import Context
from terrace.sandbox.builds.dockerfile import Recipe
from terrace.sandbox.builds.environments import Environments
from terrace.sandbox.builds.manifest import MEDIA_TYPE, Manifest, image_folder, keep

_REFERENCE = re.compile(r"(?P<repository>(?:[\w.-]+(?::\d+)?/)?[a-z0-9][a-z0-9._/-]*)(?::(?P<tag>[\w][\w.-]{0,127}))?")
KNOWN = ("build", "login", "push", "tag")


class Parser(argparse.ArgumentParser):
    """Refuses as docker does: on standard error, with exit code 125."""

    def error(self, message: str) -> NoReturn:
        """End with the reason."""
        self.exit(125, f"{self.prog}: {message}\n")


class Docker:
    """The images of one build."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tags = Path(context.folder) / "tags.json"

    def build(self, words: Sequence[str]) -> None:
        """Make an image of a Dockerfile, and push it if asked to."""
        parser = Parser("docker build", allow_abbrev=False)
        parser.add_argument("-t", "--tag", action="append", default=[])
        parser.add_argument("-f", "--file")
        parser.add_argument("--build-arg", action="append", default=[])
        parser.add_argument("--target")
        parser.add_argument("-q", "--quiet", action="store_true")
        parser.add_argument("--push", action="store_true")
        for ignored in ("--no-cache", "--pull", "--rm", "--force-rm", "--load"):
            parser.add_argument(ignored, action="store_true")
        for ignored in ("--platform", "--progress", "--provenance", "--sbom", "--label", "--cache-from", "--cache-to"):
            parser.add_argument(ignored, action="append")
        parser.add_argument("path")
        given = parser.parse_args(words)
        for tag in given.tag:
            _reference(tag)
        place = Path(given.path)
        if not place.is_dir():
            raise SandboxError(f"unable to prepare context: path {given.path!r} is no folder")
        file = Path(given.file) if given.file else place / "Dockerfile"
        if not file.is_file():
            raise SandboxError(f"failed to read dockerfile: {file} does not exist")
        digest = self._make(place, file.read_text(), dict(_args(given.build_arg)), given.target, quiet=given.quiet)
        self._write({_full(tag): digest for tag in given.tag})
        _say(digest if given.quiet else f"writing image {digest}")
        for tag in given.tag:
            if not given.quiet:
                _say(f"naming to {_full(tag)}")
            if given.push:
                self.push([tag])

    def tag(self, words: Sequence[str]) -> None:
        """Give an image a second name."""
        parser = Parser("docker tag", allow_abbrev=False)
        parser.add_argument("source")
        parser.add_argument("target")
        given = parser.parse_args(words)
        _reference(given.target)
        self._write({_full(given.target): self._digest(given.source)})

    def login(self, words: Sequence[str]) -> None:
        """Take the password of the account's registry; others are refused."""
        parser = Parser("docker login", allow_abbrev=False)
        parser.add_argument("-u", "--username", required=True)
        parser.add_argument("-p", "--password")
        parser.add_argument("--password-stdin", action="store_true")
        parser.add_argument("server", nargs="?", default="")
        given = parser.parse_args(words)
        password = sys.stdin.read().strip() if given.password_stdin else given.password
        server = given.server.removeprefix("https://").rstrip("/")
        if given.username != "AWS" or not password:
            raise SandboxError(f"login attempt to {server} failed: the user is AWS, the password is a token of ECR")
        if server != self._context.registry:
            raise SandboxError(f"login attempt to {server or 'docker.io'} failed: {_only(self._context)}")
        _say("Login Succeeded")

    def push(self, words: Sequence[str]) -> None:
        """Put an image into its repository."""
        parser = Parser("docker push", allow_abbrev=False)
        parser.add_argument("-q", "--quiet", action="store_true")
        parser.add_argument("name")
        given = parser.parse_args(words)
        digest = self._digest(given.name)
        repository, tag = _reference(_full(given.name))
        host, _, name = repository.partition("/")
        if host != self._context.registry:
            raise SandboxError(f"{repository} cannot be pushed to: {_only(self._context)}")
        _say(f"The push refers to repository [{repository}]")
        ecr = self._context.client("ecr")
        try:
            ecr.describe_repositories(repositoryNames=[name])
            ecr.put_image(
                repositoryName=name,
                imageTag=tag,
                imageManifest=self._manifest(digest),
                imageManifestMediaType=MEDIA_TYPE,
            )
        except ecr.exceptions.RepositoryNotFoundException as error:
            raise SandboxError(f"name unknown: {error.response['Error']['Message']}") from error
        except ecr.exceptions.ImageTagAlreadyExistsException as error:
            raise SandboxError(f"tag invalid: {error.response['Error']['Message']}") from error
        except ecr.exceptions.ImageAlreadyExistsException:
            pass  # the same image under the same tag: docker has nothing to push then
        _say(f"{tag}: digest: {digest}")

    def _make(self, place: Path, text: str, args: dict[str, str], target: str | None, *, quiet: bool) -> str:
        say = (lambda _text: None) if quiet else _say
        home = Path(self._context.home)
        with tempfile.TemporaryDirectory(dir=self._context.folder) as work:
            stage = Recipe(place.resolve(), Path(work), args, say).follow(text, target)
            lock, python = Environments(home).ensure(stage.locks, self._context.pip, say)
            version = re.match(r"(?:.*/)?python:(\d+\.\d+)", stage.base)
            if version and not _is(python, version[1]):
                say(f"  note: the image is of Python {version[1]}; {python} is another")
            manifest = Manifest.of(stage, lock)
            keep(image_folder(home, manifest.digest), stage, lock, stage.locks, manifest)
        return manifest.digest

    def _manifest(self, digest: str) -> str:
        folder = image_folder(Path(self._context.home), digest)
        return str(json.loads((folder / "image.json").read_text())["manifest"])

    def _digest(self, name: str) -> str:
        found = self._read().get(_full(name))
        if found is None:
            raise SandboxError(f"An image does not exist locally with the tag: {name}")
        return found

    def _read(self) -> dict[str, str]:
        return dict(json.loads(self._tags.read_text())) if self._tags.exists() else {}

    def _write(self, more: dict[str, str]) -> None:
        self._tags.write_text(json.dumps({**self._read(), **more}))


def _args(words: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def _reference(name: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(name)
    if found is None:
        raise SandboxError(f"invalid reference format: {name!r}")
    return found["repository"], found["tag"] or "latest"


def _full(name: str) -> str:
    repository, tag = _reference(name)
    return f"{repository}:{tag}"


def _only(context: Context) -> str:
    return f"the sandbox has the account's own registry {context.registry} and no other"


def _is(python: Path, version: str) -> bool:
    """Tell whether an interpreter is of a version, by the folder of its packages."""
    return shutil.which(f"python{version}", path=str(python.parent)) is not None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Do what a docker command says; return its exit code."""
    docker = Docker(Context.read(words[0]))
    command, *rest = words[1:] or [""]
    if command in ("buildx", "image") and rest and rest[0] in KNOWN:
        command, *rest = rest
    if command not in KNOWN:
        sys.stderr.write(f"docker {command}: the sandbox's docker knows {', '.join(KNOWN)} and nothing else.\n")
        return 125
    try:
        getattr(docker, command)(rest)
    except SandboxError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
