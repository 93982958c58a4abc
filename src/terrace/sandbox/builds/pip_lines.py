"""What a RUN instruction of a Dockerfile installs with pip: the one thing in it that the sandbox acts on."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_OPERATORS = {"&&", "||", ";", "|", "&"}
_WITH_VALUE = {
    "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target",
    "--prefix", "--python", "--root", "--only-binary", "--no-binary", "--timeout", "--cache-dir", "--trusted-host",
    "--retries", "--platform", "--implementation", "--python-version", "--abi", "--progress-bar", "--group",
}  # fmt: skip
_PIP = re.compile(r"(.*/)?pip3?(\.\d+)?")
_MOUNT = re.compile(r"--mount=(\S+)\s*")


@dataclass(frozen=True)
class Installs:
    """What a RUN installs, and what else it does.

    Attributes:
        locks: Files after `-r`.
        projects: Folders that are installed from source, such as `.`.
        packages: Packages that are named on the command line, without a lock.
        others: Commands that are not pip's.
        binds: Target → source of the files that the instruction mounts from the context.
    """

    locks: tuple[str, ...]
    projects: tuple[str, ...]
    packages: tuple[str, ...]
    others: tuple[str, ...]
    binds: dict[str, str]


def read_run(value: str) -> Installs:
    """Read the value of a RUN instruction."""
    text = re.sub(r"--(network|security)=\S+\s*", "", value.strip())
    binds = {}
    for mount in _MOUNT.findall(text):
        fields = dict(part.partition("=")[::2] for part in mount.split(","))
        target = fields.get("target") or fields.get("dst") or fields.get("destination")
        if fields.get("type", "bind") == "bind" and target and "from" not in fields:
            binds[target] = fields.get("source") or fields.get("src") or "."
    text = _MOUNT.sub("", text)
    locks: list[str] = []
    projects: list[str] = []
    packages: list[str] = []
    others: list[str] = []
    for words in _commands(text):
        arguments = _after_install(words)
        if arguments is None:
            others.append(shlex.join(words))
            continue
        rest = iter(arguments)
        for word in rest:
            if word in ("-r", "--requirement", "--requirements"):
                locks.append(next(rest, ""))
            elif word.startswith(("--requirement=", "-r=")):
                locks.append(word.partition("=")[2])
            elif word.startswith("-r") and not word.startswith("-r="):
                locks.append(word[2:])
            elif word in ("-e", "--editable"):
                projects.append(_folder(next(rest, ".")))
            elif word in _WITH_VALUE:
                next(rest, None)
            elif word.startswith("-"):
                continue
            elif word.startswith((".", "/")):
                projects.append(_folder(word))
            else:
                packages.append(word)
    return Installs(tuple(locks), tuple(projects), tuple(packages), tuple(others), binds)


def _commands(text: str) -> list[list[str]]:
    """Split a shell line into its commands."""
    if text.startswith("["):
        return [[word.strip().strip('"') for word in text.strip("[]").split(",")]]
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word in _OPERATORS:
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def _after_install(words: list[str]) -> list[str] | None:
    """Return the arguments of `pip install`, `python -m pip install` or `uv pip install`; None for another command."""
    for place, word in enumerate(words[:-1]):
        if word == "install" and place and _PIP.fullmatch(words[place - 1]):
            return words[place + 1 :]
    return None


def _folder(word: str) -> str:
    return re.sub(r"\[[^\]]*\]$", "", word) or "."
