"""What making one thing comes to, and what a refusal by AWS means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from terrace.errors import TerraceError

Outcome = Literal["made", "changed", "unchanged", "left out"]
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "Forbidden", "403")


class NotAllowedError(TerraceError):
    """The caller may not make something. Says what, and how somebody who may can make it instead."""


@dataclass(frozen=True)
class Step:
    """One thing that bootstrap makes, and what came of it.

    Attributes:
        what: What it is: `state bucket`.
        id: Its name or ARN in AWS.
        outcome: `made`, `changed` to what it must be, `unchanged`, or `left out`.
        note: What was changed, or why it was left out.
    """

    what: str
    id: str
    outcome: Outcome
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the step as plain data."""
        return {"what": self.what, "id": self.id, "outcome": self.outcome, "note": self.note}


def code_of(error: ClientError) -> str:
    """Return the code of an error as the service says it."""
    return str(error.response.get("Error", {}).get("Code", ""))


def outcome(made: bool, changed: list[str]) -> tuple[Outcome, str]:
    """Return what came of a step: new, or what of it was changed."""
    if made:
        return "made", ""
    return ("changed", ", ".join(changed)) if changed else ("unchanged", "")


@contextmanager
def making(what: str, environment: str) -> Iterator[None]:
    """Turn a refusal of AWS into what a person can do about it.

    Raises:
        NotAllowedError: The caller may not make it.
        TerraceError: AWS refuses for another reason.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        why = f"{error.operation_name}: {said.get('Code')}: {said.get('Message')}"
        if code_of(error) in DENIED:
            raise NotAllowedError(
                f"These credentials may not make the {what}: {why}",
                f"Sign in as an administrator and run the same command, which finishes what was begun; or run "
                f"`terrace bootstrap {environment} --write PATH` and give what it writes to whoever may.",
            ) from error
        raise TerraceError(
            f"The {what} could not be made: {why}", "What was made stays; the same command finishes it."
        ) from error
