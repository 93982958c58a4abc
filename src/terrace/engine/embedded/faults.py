"""How a run stops: the first failure decides, what is under way ends, nothing new begins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from terrace.engine.model import ResourceError
from terrace.errors import EngineError, TerraceError

AGAIN = "What was done is in the state; the same command finishes the rest."


class Halted(EngineError):  # noqa: N818  (no error of its own: it only says that there was one)
    """The run had already failed or was interrupted when this resource's turn came. Never the error that is shown."""


class Halt:
    """The switch that stops a run. Safe between threads."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self._set = threading.Event()
        self._lock = threading.Lock()

    def fail(self, error: BaseException) -> None:
        """Stop the run because of an error; only the first is remembered."""
        with self._lock:
            if self.failure is None and not isinstance(error, Halted):
                self.failure = error
            self._set.set()

    def check(self) -> None:
        """Refuse to begin anything once the run was stopped.

        Raises:
            Halted: It was.
        """
        if self._set.is_set():
            raise Halted("The run was stopped.")

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Begin only if the run goes on, and stop it if the block fails."""
        self.check()
        try:
            yield
        except BaseException as error:
            self.fail(error)
            raise


@contextmanager
def attempt(urn: str, label: str, action: str) -> Iterator[None]:
    """Turn whatever a provider raises inside the block into an error that names the resource.

    Args:
        urn: Which resource.
        label: What to call it: type and name.
        action: What is tried: `create`, `read`, …

    Raises:
        ResourceError: The block raised something; it is the cause.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        # What Terrace itself says already names the resource and what was tried.
        if isinstance(error, TerraceError):
            raise ResourceError(urn, f"{error.message} ({urn})", error.hint or AGAIN, error) from error
        text = str(error).strip()
        if type(error) not in (Exception, RuntimeError) or not text:
            text = f"{type(error).__name__}: {text}"
        text += "" if text.endswith((".", "!", "?")) else "."
        raise ResourceError(urn, f"Could not {action} {label} ({urn}): {text}", AGAIN, error) from error
