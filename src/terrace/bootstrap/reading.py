"""Reading an account that may not let us: what cannot be read is said, never taken as absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

T = TypeVar("T")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What a call said, or why it said nothing.

    Attributes:
        value: What was read; None where it could not be.
        why: Why it could not be read; None where it was.
    """

    value: T | None
    why: str | None = None

    @property
    def known(self) -> bool:
        """Whether it was read."""
        return self.why is None


def read(call: Callable[[], T]) -> Reading[T]:
    """Return what a call of AWS says; its refusal, or an unreachable service, becomes the reason.

    Other errors are ours and are raised.
    """
    try:
        return Reading(call())
    except ClientError as error:
        said = error.response.get("Error", {})
        return Reading(None, f"{said.get('Code', 'error')}: {said.get('Message', '') or error}")
    except BotoCoreError as error:
        return Reading(None, f"{type(error).__name__}: {error}")


def pages(client: Any, operation: str, key: str, **given: Any) -> list[Any]:
    """Return all pages of a listing, whether botocore knows how to page it or not."""
    if client.can_paginate(operation):
        found = client.get_paginator(operation).paginate(**given)
        return [item for page in found for item in page.get(key, [])]
    return list(getattr(client, operation)(**given).get(key, []))
