"""Tags between the provider's maps and AWS's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from terrace.sandbox.provider.base import Props


def tag_list(inputs: Props, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return the `tags` of inputs as AWS takes them; some services spell the two names in lower case."""
    return [{key: k, value: v} for k, v in (inputs.get("tags") or {}).items()]


def tag_map(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Return AWS's list of tags as a map."""
    return {tag[key]: tag[value] for tag in tags}


def tag_changes(old: Props, new: Props) -> tuple[dict[str, str], list[str]]:
    """Return which tags to set and which keys to remove, to come from the old inputs to the new ones."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    return {k: v for k, v in after.items() if before.get(k) != v}, [k for k in before if k not in after]


def tagged(inputs: Props) -> dict[str, Any]:
    """Return the outputs of a taggable resource: its inputs and `tagsAll`, which without default tags are `tags`."""
    return {**inputs, "tagsAll": dict(inputs.get("tags") or {})}
