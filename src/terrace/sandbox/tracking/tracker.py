"""One MLflow App or tracking server: what Describe shows of it, its changes, and its process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.tracking.process import MlflowProcess

BUSY = ("Creating", "Updating", "Deleting", "Starting", "Stopping")
ASLEEP = ("Stopped", "Stopping", "Starting", "CreateFailed", "StartFailed", "Creating", "Deleting")
"""Statuses in which AWS answers no call of an MLflow client."""


class Tracker:
    """One App or server. Its changes run in threads of their own; one at a time, as AWS has it.

    Args:
        record: What Describe answers; kept up to date here, and held by moto's backend.
        status: The name of the status in it.
        process: Its MLflow server.
        serverless: Whether it may rest while nobody calls, as an App does; a tracking server runs until it is stopped.
    """

    def __init__(self, record: dict[str, Any], status: str, process: MlflowProcess, *, serverless: bool) -> None:
        self.record = record
        self.process = process
        self.serverless = serverless
        self.reason = ""
        """Why the last change failed. AWS has no place for it; `terrace sandbox status` shows it."""
        self.tags: dict[str, str] = {}
        self._status = status
        self._gone = False

    @property
    def status(self) -> str:
        """Where it stands, in AWS's word."""
        return str(self.record[self._status])

    @property
    def busy(self) -> bool:
        """Whether a change goes on, so that AWS refuses another."""
        return self.status in BUSY

    @property
    def asleep(self) -> bool:
        """Whether it answers no calls of MLflow's clients, as it stands."""
        return self.status in ASLEEP

    def begin(self, during: str, done: str, failed: str, work: Callable[[], object]) -> None:
        """Begin a change: say that it goes on, do the work in a thread, and say how it ended."""
        self._set(during)
        self.reason = ""

        def run() -> None:
            try:
                work()
            except SandboxError as error:
                self.reason = str(error)
            except Exception as error:
                # Whatever went wrong in the sandbox itself must end the change, or who waits for it waits for ever.
                self.reason = f"The sandbox failed: {error!r}"
                raise
            finally:
                if not self._gone:
                    self._set(failed if self.reason else done)

        threading.Thread(target=run, daemon=True).start()

    def end(self) -> None:
        """End its process for good."""
        self._gone = True
        self.process.end()

    def _set(self, status: str) -> None:
        self.record[self._status] = status
        self.record["LastModifiedTime"] = datetime.now(UTC)
