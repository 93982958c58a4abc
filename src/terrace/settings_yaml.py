"""YAML as settings allow it: a mapping without duplicate keys, aliases, tabs or numbers that are none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

from terrace.errors import SettingsError

LARGEST = 256 * 1024
"""Bytes of a settings file that are read at most; real ones have a few thousand."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses what would be read as something else than it looks."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _refuse(key_node, f"the key {key!r} must be text")
            if key in seen:
                raise _refuse(key_node, f"the key {key!r} is there twice; keep one of them")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=f"the alias *{event.anchor} is not allowed; write the value out", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


def _refuse(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that must be a mapping. An empty file is an empty mapping; a byte order mark is taken.

    Raises:
        SettingsError: The file cannot be read, or is no such YAML; the message has the line.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            raise SettingsError([f"{path} has {len(raw)} bytes; settings have at most {LARGEST}."])
        found = yaml.load(raw.decode("utf-8-sig"), _Loader)  # noqa: S506  (a subclass of the safe loader)
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path} is not UTF-8 (byte {error.start})."], "Save it as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise SettingsError([f"{where}: {_say(error)}."]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SettingsError([f"{path} is no YAML: {str(error).splitlines()[0]}."]) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SettingsError([f"{path} must be a mapping of keys to values, not a {type(found).__name__}."])
    _finite(found, path, ())
    return found


def _say(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or str(error)
    if "'\\t'" in problem:
        return "a tab; indent with spaces"
    return f"{error.context} {problem}" if error.context and problem.startswith("but ") else problem


def _finite(value: Any, path: Path, keys: tuple[str, ...]) -> None:
    """Refuse NaN and infinity, which YAML also makes of numbers that are too large."""
    if isinstance(value, dict):
        for key, item in value.items():
            _finite(item, path, (*keys, key))
    elif isinstance(value, list):
        for item in value:
            _finite(item, path, keys)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SettingsError([f"{path}: {'.'.join(keys)} is {value}, which is no number that can be used."])
