"""How an operation is added to a service of moto, with state that moto's reset wipes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """An error as AWS answers it: a code of the service's API model, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def add(response: type, operations: Iterable[Callable[..., Any]]) -> None:
    """Add operations to a response class of moto, each under its function's name; one that is there is replaced."""
    for operation in operations:
        setattr(response, operation.__name__, operation)


def state(backend: Any, name: str) -> dict[str, Any]:
    """Return a dictionary of ours on a backend of moto: one for each account and region, gone with a reset."""
    held: dict[str, dict[str, Any]] = backend.__dict__.setdefault("_terrace", {})
    return held.setdefault(name, {})


def merge_tags(tags: dict[str, str], given: Iterable[Mapping[str, str]] | None) -> None:
    """Put tags in AWS's form into a map."""
    for tag in given or ():
        tags[tag.get("Key", tag.get("key", ""))] = tag.get("Value", tag.get("value", ""))


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return a map of tags in AWS's form."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def when(said: Any) -> datetime | None:
    """Return a time of a request, None for none: moto reads some as a time without a zone, which is UTC's."""
    if said is None:
        return None
    if isinstance(said, datetime):
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    if isinstance(said, str):
        return when(datetime.fromisoformat(said))
    return datetime.fromtimestamp(float(said), UTC)


def page(
    items: list[Any], size: int | None, token: str | None, default: int = 100, *, code: str = "ValidationException"
) -> tuple[list[Any], str | None]:
    """Return one page of a listing, and the token of the next one.

    Args:
        items: All there are.
        size: How many the call wants on a page, None for the default.
        token: What the page before said, None for the first page.
        default: How many are on a page by default.
        code: What the service calls a token that is none.

    Raises:
        Refusal: No listing said the token.
    """
    if token and not re.fullmatch(r"[0-9]{1,9}", token):
        raise Refusal(code, "The token is invalid: it must be one that the page before this one returned.")
    start = int(token or 0)
    end = start + int(size or default)
    return items[start:end], str(end) if end < len(items) else None
