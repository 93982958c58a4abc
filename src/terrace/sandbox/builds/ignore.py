"""What `.dockerignore` leaves out of a build."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable


def ignored(lines: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a path, relative to the context, is left out.

    The last pattern that matches a path, or a folder above it, decides, as in Docker; `!` brings back.
    """
    rules = []
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        back = text.startswith("!")
        pattern = text.lstrip("!").strip().strip("/").removeprefix("./")
        if pattern:
            rules.append((re.compile(_regex(pattern) + r"(/.*)?"), not back))

    def leaves_out(path: str) -> bool:
        out = False
        for pattern, leaves in rules:
            if pattern.fullmatch(path):
                out = leaves
        return out

    return leaves_out


def _regex(pattern: str) -> str:
    parts = []
    for word in re.findall(r"\*\*/?|\*|\?|\[[^\]]*\]|.", pattern):
        if word.startswith("**"):
            parts.append("(.*/)?" if word.endswith("/") else ".*")
        elif word == "*":
            parts.append("[^/]*")
        elif word == "?":
            parts.append("[^/]")
        elif word.startswith("[") and len(word) > 1:
            parts.append(word.replace("[!", "[^"))
        else:
            parts.append(re.escape(word))
    return "".join(parts)
