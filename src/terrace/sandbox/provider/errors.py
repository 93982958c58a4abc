"""AWS's refusals as one sentence for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from terrace.errors import SandboxError


class RefusedError(SandboxError):
    """AWS refused a call. `code` is AWS's error code, empty when the call did not reach it."""

    def __init__(self, message: str, code: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.code = code


def error_code(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def already_there(error: ClientError) -> bool:
    """Tell whether AWS refused to make something because it exists, by the words that services use for it."""
    text = error_code(error) + str(error.response.get("Error", {}).get("Message", ""))
    return any(word in text for word in ("Already", "already exist", "Duplicate", "ResourceInUse"))


@contextmanager
def absent_ok(*codes: str) -> Iterator[None]:
    """Pass over the error that says a resource is not there: what was to be deleted is gone."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn botocore's exceptions into `RefusedError`: what cannot be done, the operation, AWS's code and words."""
    try:
        yield
    except ClientError as error:
        text = error.response.get("Error", {}).get("Message") or str(error)
        code = error_code(error)
        raise RefusedError(f"{what}: {error.operation_name} says {code}: {text}", code) from error
    except EndpointConnectionError as error:
        raise RefusedError(
            f"{what}: nothing answers at the sandbox's address", hint="Run 'terrace sandbox start'."
        ) from error
    except BotoCoreError as error:
        raise RefusedError(f"{what}: {error}") from error
