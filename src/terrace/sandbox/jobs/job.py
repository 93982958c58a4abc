"""A job: what was asked for, where it stands, and how it ends."""

from __future__ import annotations

import copy
import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from terrace.errors import SandboxError
from terrace.sandbox.bus import Happening
from terrace.sandbox.jobs.home import Home

_LOG = logging.getLogger(__name__)
_REASON_CHARACTERS = 1024
ENDED = ("Completed", "Failed", "Stopped")


class JobFailedError(SandboxError):
    """A job that fails. The message is its failure reason, in SageMaker's words."""


class JobGoneError(SandboxError):
    """A job whose sandbox was emptied or ends: nothing is to be told of it any more."""


@dataclass(frozen=True)
class Kind:
    """A kind of job, in AWS's words.

    Attributes:
        title: Begins the names of its parameters: `Training` for `TrainingJobName`.
        resource: As in ARNs.
        shelf: Attribute of moto's backend that holds the jobs of this kind by name.
        words: As in sentences.
        event: Detail type of its events.
    """

    title: str
    resource: str
    shelf: str
    words: str
    event: str

    @property
    def name(self) -> str:
        """The parameter that names a job."""
        return f"{self.title}JobName"

    @property
    def arn(self) -> str:
        """The parameter that has its ARN."""
        return f"{self.title}JobArn"

    @property
    def status(self) -> str:
        """The parameter that has its status."""
        return f"{self.title}JobStatus"


class Job(ABC):
    """A job that runs in a thread of its own.

    Args:
        home: Where it lives.
        request: The call that made it.
    """

    kind: ClassVar[Kind]
    takes_slot: ClassVar[bool] = True
    """Whether it counts among those that run at once."""

    def __init__(self, home: Home, request: Mapping[str, Any]) -> None:
        self.home = home
        self.request: dict[str, Any] = copy.deepcopy(dict(request))
        self.tags: list[dict[str, str]] = self.request.pop("Tags", None) or []
        self.name = str(request[self.kind.name])
        self.arn = home.arn(self.kind.resource, self.name)
        self.status = "InProgress"
        self.reason: str | None = None
        self.created = self.modified = now()
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.stopping = threading.Event()
        """Set when it is to end: it was stopped, or its sandbox is gone."""
        self.gone = threading.Event()
        self.done = threading.Event()
        self.lock = threading.RLock()
        self._thread = threading.Thread(target=self._live, name=f"{self.kind.resource} {self.name}", daemon=True)

    @abstractmethod
    def work(self) -> str:
        """Do what was asked for; return the status that it ends with.

        Raises:
            JobFailedError: It fails.
            JobGoneError: Its sandbox is gone.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return it as AWS describes it; times are datetimes."""

    @abstractmethod
    def kill(self) -> None:
        """End what runs, at once."""

    def start(self) -> None:
        """Begin."""
        self.publish()
        self._thread.start()

    def stop(self) -> None:
        """Have it end by itself, as Stop does."""
        with self.lock:
            if self.status != "InProgress":
                return
            self.change("Stopping")
            self.stopping.set()

    def abandon(self) -> None:
        """End it at once and tell nobody; returns when nothing of it runs any more."""
        with self.lock:
            self.gone.set()
            self.stopping.set()
        self.kill()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(10)

    def change(self, status: str, reason: str | None = None) -> None:
        """Note that its status has changed, and tell others."""
        with self.lock:
            if self.gone.is_set():
                return
            self.status, self.modified = status, now()
            if reason is not None:
                self.reason = reason[:_REASON_CHARACTERS]
            if status in ENDED:
                self.ended = self.modified
            self.publish()

    def publish(self) -> None:
        """Put an event on the bus of the account."""
        detail = milliseconds({**self.describe(), "Tags": {tag["Key"]: tag["Value"] for tag in self.tags}})
        place = self.home.account, self.home.region
        self.home.server.bus.publish(Happening(*place, "aws.sagemaker", self.kind.event, detail, (self.arn,)))

    def identity(self) -> dict[str, Any]:
        """Return what tells this job from others, and its times."""
        said: dict[str, Any] = {
            self.kind.name: self.name,
            self.kind.arn: self.arn,
            self.kind.status: self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            f"{self.kind.title}StartTime": self.started,
            f"{self.kind.title}EndTime": self.ended,
            "FailureReason": self.reason,
        }
        return {name: value for name, value in said.items() if value is not None}

    def seconds(self) -> int | None:
        """Return how many seconds it ran, whole ones and at least one; None if it has not begun or not ended."""
        if self.started is None or self.ended is None:
            return None
        return max(1, math.ceil((self.ended - self.started).total_seconds()))

    def _live(self) -> None:
        try:
            with self.home.slots.taken(self.stopping) if self.takes_slot else nullcontext(True) as there_is_one:
                status = self.work() if there_is_one else "Stopped"
            if self.stopping.is_set():
                status = "Stopped"
            self.finish(status)
        except JobGoneError:
            self.finish("Stopped")  # which nobody hears if the sandbox is gone
        except JobFailedError as failed:
            self.finish("Failed", failed.message)
        except Exception as error:
            if not self.gone.is_set():
                _LOG.exception("%s failed in the sandbox itself", self.arn)
                self.finish("Failed", f"InternalServerError: We encountered an internal error. ({error})")
        finally:
            self.done.set()

    def finish(self, status: str, reason: str | None = None) -> None:
        """End with a status."""
        self.change(status, reason)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def plain(value: Any) -> Any:
    """Return a description as moto serialises it: times in UTC that say no zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def milliseconds(value: Any) -> Any:
    """Return a description as it is in events: times in milliseconds since 1970."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, Mapping):
        return {name: milliseconds(inner) for name, inner in value.items()}
    return [milliseconds(inner) for inner in value] if isinstance(value, list) else value
