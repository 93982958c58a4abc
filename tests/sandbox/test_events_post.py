"""Letters are tried again while that may help, and end in the dead-letter queue otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from events_case import eventually

from terrace.sandbox.events import post as module
from terrace.sandbox.events.post import Letter, Post, UndeliverableError


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A post that waits little between attempts."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    office = Post()
    yield office
    office.stop()


class _Target:
    """Fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.attempts: list[int] = []
        self.outcomes: list[str] = []
        self.dead: list[dict[str, str]] = []

    def deliver(self, attempt: int) -> None:
        self.attempts.append(attempt)
        if self.failures:
            raise self.failures.pop(0)

    def bury(self, body: str, attributes: Mapping[str, str]) -> None:
        self.dead.append({"body": body, **attributes})

    def letter(self, retries: int = 185, age: float = 60.0, *, dead: bool = True) -> Letter:
        bury: Callable[[str, Mapping[str, str]], None] | None = self.bury if dead else None
        return Letter(self.deliver, "text", bury, {"RULE_ARN": "r"}, retries, age, self.outcomes.append)


def _error(code: str, status: int = 400) -> ClientError:
    said = {"Error": {"Code": code, "Message": "said"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Do")  # type: ignore[arg-type]


def test_what_may_pass_is_tried_again(post: Post) -> None:
    """A target that is busy, fails or cannot be reached is called again until it answers."""
    target = _Target(
        _error("ThrottlingException"), _error("InternalFailure", 500), EndpointConnectionError(endpoint_url="here")
    )
    post.send(target.letter())
    eventually(lambda: "delivered" in target.outcomes)
    assert target.attempts == [1, 2, 3, 4]
    assert target.outcomes == ["retried"] * 3 + ["delivered"]
    assert target.dead == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_error("ResourceNotFoundException", 404), "NO_RESOURCE"),
        (_error("AccessDeniedException", 403), "NO_PERMISSIONS"),
        (_error("ValidationException"), "INVALID_PARAMETER"),
        (UndeliverableError("INVALID_JSON", "said"), "INVALID_JSON"),
    ],
)
def test_what_will_not_pass_is_buried_at_once(post: Post, error: Exception, code: str) -> None:
    """A target that is not there or refuses is not called twice, and the dead letter says why."""
    target = _Target(error)
    post.send(target.letter())
    eventually(lambda: target.outcomes == ["failed", "buried"])
    (dead,) = target.dead
    assert (dead["body"], dead["ERROR_CODE"], dead["RETRY_ATTEMPTS"]) == ("text", code, "0")
    assert "said" in dead["ERROR_MESSAGE"]
    assert "EXHAUSTED_RETRY_CONDITION" not in dead


def test_retries_end_with_their_number(post: Post) -> None:
    """After as many retries as the policy allows the letter is buried, with that as the reason."""
    target = _Target(*[_error("ThrottlingException") for _ in range(9)])
    post.send(target.letter(retries=2))
    eventually(lambda: target.dead)
    assert target.attempts == [1, 2, 3]
    assert target.dead[0]["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert target.dead[0]["RETRY_ATTEMPTS"] == "2"


def test_retries_end_with_their_age(post: Post) -> None:
    """A letter that would be too old by its next attempt is buried, with that as the reason."""
    target = _Target(*[_error("ThrottlingException") for _ in range(99)])
    post.send(target.letter(age=0.1))
    eventually(lambda: target.dead)
    assert target.dead[0]["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


def test_a_letter_without_a_queue_is_dropped(post: Post) -> None:
    """Without a dead-letter queue a failure is counted, and that is all."""
    target = _Target(_error("ValidationException"))
    post.send(target.letter(dead=False))
    eventually(lambda: target.outcomes == ["failed"])


def test_a_dead_letter_that_fails_is_counted(post: Post) -> None:
    """A queue that is not there either is told by a count of its own."""
    target = _Target(_error("ValidationException"))

    def gone(body: str, attributes: Mapping[str, str]) -> None:
        raise _error("AWS.SimpleQueueService.NonExistentQueue")

    target.bury = gone  # type: ignore[method-assign]
    post.send(target.letter())
    eventually(lambda: target.outcomes == ["failed", "lost"])


def test_one_that_waits_keeps_no_other_waiting(post: Post) -> None:
    """Letters that are tried again and again hold up nobody."""
    stubborn = [_Target(*[_error("ThrottlingException") for _ in range(99)]) for _ in range(20)]
    for target in stubborn:
        post.send(target.letter())
    quick = _Target()
    began = time.monotonic()
    post.send(quick.letter())
    eventually(lambda: quick.outcomes == ["delivered"])
    assert time.monotonic() - began < 5.0


def test_letters_of_one_lane_keep_their_order(post: Post) -> None:
    """What came first is tried first, and one that is to be tried again does not hold up those behind it."""
    order: list[int] = []
    failing = {3}

    def deliver(number: int) -> Callable[[int], None]:
        def call(attempt: int) -> None:
            time.sleep(0.001 * (number % 3))
            if number in failing:
                failing.discard(number)
                raise _error("ThrottlingException")
            order.append(number)

        return call

    for number in range(30):
        post.send(Letter(deliver(number), "", None, {}, 9, 60.0, lambda outcome: None, lane="one"))
    eventually(lambda: len(order) == 30)
    assert [number for number in order if number != 3] == [number for number in range(30) if number != 3]
    assert eventually(lambda: post.waiting() == 0)


def test_what_is_cleared_is_never_delivered(post: Post) -> None:
    """A reset throws away what waits, and what is under way is not tried again."""
    under_way, gate, later = threading.Event(), threading.Event(), _Target()

    def deliver(attempt: int) -> None:
        under_way.set()
        gate.wait(5)
        raise _error("ThrottlingException")

    outcomes: list[str] = []
    post.send(Letter(deliver, "text", None, {}, 9, 60.0, outcomes.append))
    assert under_way.wait(5)
    post.send(later.letter(), after=0.05)
    post.clear()
    gate.set()
    eventually(lambda: outcomes == ["retried"])
    time.sleep(0.15)
    assert (later.attempts, outcomes, post.waiting()) == ([], ["retried"], 0)
