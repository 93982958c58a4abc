"""Delivers letters to targets: later, again after a failure that may pass, and at the end to a dead-letter queue."""

from __future__ import annotations

import collections
import heapq
import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

_LOG = logging.getLogger(__name__)
WORKERS = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds before the first retry, and at most. AWS waits longer, up to hours, and gives up no sooner."""

_NOT_THERE = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch")
_NOT_ALLOWED = ("AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden")
_BUSY = ("Throttl", "TooManyRequests", "LimitExceeded", "Unavailable", "SlowDown", "Busy")


class UndeliverableError(Exception):
    """A letter did not arrive.

    Args:
        code: As EventBridge names it in the attributes of a dead letter.
        message: What the target answered.
        passing: It may arrive another time.
    """

    def __init__(self, code: str, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.passing = passing


@dataclass
class Letter:
    """Something that one target is to be told.

    Attributes:
        deliver: Calls the target; its argument is the number of the attempt, 1 for the first.
        body: What a dead letter says.
        dead: Sends a dead letter: its body, its attributes. None where there is no queue for it.
        attributes: What a dead letter tells beside the error.
        retries: How many more attempts there are after the first.
        age: Seconds after which there are no more attempts.
        count: Told the outcome: `delivered`, `failed`, `retried`, `buried` (in the queue), `lost` (not even there).
        lane: Letters of one lane are tried in the order they came, one after the other; a second attempt is not waited
            for. AWS promises no order, but mostly keeps it.
    """

    deliver: Callable[[int], None]
    body: str
    dead: Callable[[str, Mapping[str, str]], None] | None
    attributes: Mapping[str, str]
    retries: int
    age: float
    count: Callable[[str], None]
    lane: str = ""
    attempt: int = 1
    born: float = field(default_factory=time.monotonic)


class Post:
    """Delivers in threads of its own, which begin with the first letter."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Letter]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._lanes: dict[str, collections.deque[Letter]] = {}
        self._generation = 0
        self._ended = False

    def send(self, letter: Letter, after: float = 0.0) -> None:
        """Take a letter; it is delivered after so many seconds."""
        with self._changed:
            if self._ended:
                return
            if not self._threads:
                for number in range(WORKERS):
                    thread = threading.Thread(target=self._work, name=f"events-{number}", daemon=True)
                    self._threads.append(thread)
                    thread.start()
            heapq.heappush(self._due, (time.monotonic() + after, next(self._numbers), letter))
            self._changed.notify()

    def waiting(self) -> int:
        """Return how many letters are under way, those that wait for another attempt included."""
        with self._changed:
            return len(self._due) + self._busy + sum(map(len, self._lanes.values()))

    def clear(self) -> None:
        """Throw away what is under way."""
        with self._changed:
            self._due.clear()
            for waiting in self._lanes.values():
                waiting.clear()
            self._generation += 1

    def stop(self) -> None:
        """Deliver nothing any more."""
        self.clear()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (letter := self._next()) is not None:
            # Whoever has a lane delivers what came into it meanwhile.
            while letter is not None:
                generation = self._generation
                try:
                    pause = self._attempt(letter)
                except Exception:
                    _LOG.exception("A letter is lost: %s", letter.attributes)
                    pause = None
                if pause is not None and generation == self._generation:
                    self.send(letter, pause)
                letter = self._following(letter)

    def _next(self) -> Letter | None:
        """Wait for a letter that is due and whose lane is free, None at the end."""
        with self._changed:
            while not self._ended:
                if not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                    continue
                _, _, letter = heapq.heappop(self._due)
                if letter.lane in self._lanes:
                    self._lanes[letter.lane].append(letter)
                    continue
                if letter.lane:
                    self._lanes[letter.lane] = collections.deque()
                self._busy += 1
                return letter
        return None

    def _following(self, letter: Letter) -> Letter | None:
        """Return what waits in the lane of a letter that was tried; the lane is free when there is nothing."""
        with self._changed:
            waiting = self._lanes.get(letter.lane)
            if waiting and not self._ended:
                return waiting.popleft()
            self._lanes.pop(letter.lane, None)
            self._busy -= 1
            return None

    def _attempt(self, letter: Letter) -> float | None:
        """Try once; return the seconds until the next attempt, None when it is over."""
        try:
            with _told():
                letter.deliver(letter.attempt)
        except UndeliverableError as failed:
            spent = time.monotonic() - letter.born
            pause: float = min(FIRST_PAUSE * 2 ** (letter.attempt - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311
            if not failed.passing:
                self._bury(letter, failed, "")
            elif letter.attempt > letter.retries:
                self._bury(letter, failed, "MaximumRetryAttempts")
            elif spent + pause > letter.age:
                self._bury(letter, failed, "MaximumEventAgeInSeconds")
            else:
                letter.attempt += 1
                letter.count("retried")
                return pause
            return None
        letter.count("delivered")
        return None

    def _bury(self, letter: Letter, failed: UndeliverableError, exhausted: str) -> None:
        letter.count("failed")
        _LOG.warning("Not delivered: %s: %s: %s", dict(letter.attributes), failed.code, failed)
        if letter.dead is None:
            return
        told = {
            **letter.attributes,
            "ERROR_CODE": failed.code,
            "ERROR_MESSAGE": str(failed) or failed.code,
            "RETRY_ATTEMPTS": str(letter.attempt - 1),
        }
        if exhausted:
            told["EXHAUSTED_RETRY_CONDITION"] = exhausted
        try:
            with _told():
                letter.dead(letter.body, told)
        except UndeliverableError as lost:
            letter.count("lost")
            _LOG.warning("Not even in the dead-letter queue: %s: %s", dict(letter.attributes), lost)
        else:
            letter.count("buried")


class _told:  # noqa: N801  (reads as a word: `with _told():`)
    """Turns what boto3 raises into `UndeliverableError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ClientError):
            raise _refused(error) from error
        if isinstance(error, ParamValidationError):
            raise UndeliverableError("INVALID_PARAMETER", str(error)) from error
        if isinstance(error, BotoCoreError | HTTPClientError):
            raise UndeliverableError("CONNECTION_FAILURE", str(error), passing=True) from error


def _refused(error: ClientError) -> UndeliverableError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if any(word in code for word in _NOT_THERE) or "does not exist" in message or "not found" in message.lower():
        return UndeliverableError("NO_RESOURCE", message)
    if any(word in code for word in _NOT_ALLOWED):
        return UndeliverableError("NO_PERMISSIONS", message)
    if any(word in code for word in _BUSY):
        return UndeliverableError("THROTTLING", message, passing=True)
    if status >= 500:
        return UndeliverableError("INTERNAL_ERROR", message, passing=True)
    return UndeliverableError("INVALID_PARAMETER", message)
