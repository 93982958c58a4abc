"""Retry policies: what they cover, how long they wait, and when they end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrace.sandbox.pipelines import retries
from terrace.sandbox.pipelines.retries import Policy, covering, of_call, of_job

SERVICE, LIMIT = (retries.SERVICE_FAULT,), (retries.RESOURCE_LIMIT,)


@given(st.floats(0, 100), st.floats(1, 10), st.integers(1, 20))
def test_waits_grow_by_the_backoff_and_end(interval: float, backoff: float, attempts: int) -> None:
    """So many retries and no more; the first after the interval; none waits more than a day."""
    policy = Policy(SERVICE, interval, backoff, attempts)
    waits = [policy.wait(number, 0) for number in range(attempts + 3)]
    assert waits[0] == interval
    assert waits[attempts:] == [None] * 3
    found = [wait for wait in waits if wait is not None]
    assert found == sorted(found)
    for before, after in itertools.pairwise(found):
        assert after == pytest.approx(min(before * backoff, 86_400))


@given(st.floats(0, 1000), st.floats(1, 10))
def test_no_retry_begins_after_the_expiry(seconds: float, minutes: float) -> None:
    """Counted from the step's start, with the wait before it."""
    wait = Policy(SERVICE, 30, 2, None, minutes).wait(0, seconds)
    assert (wait is None) == (seconds + 30 > minutes * 60)


@pytest.mark.parametrize(
    ("code", "status", "wanted"),
    [
        ("ThrottlingException", 400, retries.THROTTLING),
        ("ResourceLimitExceeded", 400, retries.RESOURCE_LIMIT),
        ("InternalFailure", 500, retries.SERVICE_FAULT),
        ("Whatever", 503, retries.SERVICE_FAULT),
        ("ValidationException", 400, retries.VALIDATION),
    ],
)
def test_an_error_of_a_call_has_a_kind(code: str, status: int, wanted: str) -> None:
    """By its code, or because the service failed."""
    assert of_call(code, status) == wanted


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("InternalServerError: We encountered an internal error. Please try again.", retries.INTERNAL_ERROR),
        ("CapacityError: Unable to provision requested ML compute capacity", retries.CAPACITY_ERROR),
        ("AlgorithmError: See job logs for more information, exit code: 1", "ALGORITHM_ERROR"),
        ("", "ALGORITHM_ERROR"),
    ],
)
def test_a_failure_of_a_job_has_a_kind(reason: str, wanted: str) -> None:
    """What the job's own code did is none that a policy covers."""
    assert of_job(reason) == wanted
    assert (covering([Policy(retries.EXCEPTIONS)], wanted) is None) == (wanted == "ALGORITHM_ERROR")


def test_the_first_policy_that_covers_a_failure_is_taken() -> None:
    """As the definition orders them."""
    first, second = Policy(LIMIT, 1), Policy((*LIMIT, *SERVICE), 2)
    assert covering([first, second], retries.RESOURCE_LIMIT) is first
    assert covering([first, second], retries.SERVICE_FAULT) is second
