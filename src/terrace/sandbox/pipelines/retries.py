"""Retry policies: which failures of a step are tried again, after how long, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SERVICE_FAULT, THROTTLING = "Step.SERVICE_FAULT", "Step.THROTTLING"
INTERNAL_ERROR, CAPACITY_ERROR = "SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
EXCEPTIONS = (SERVICE_FAULT, THROTTLING, INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)
RANGES = (
    ("IntervalSeconds", 0, 43_200),
    ("BackoffRate", 1.0, 100.0),
    ("MaxAttempts", 1, 20),
    ("ExpireAfterMin", 1, 14_400),
)
"""Member of a policy, the least and the most that it may be."""
VALIDATION = "SAGEMAKER_VALIDATION_EXCEPTION"
"""What AWS calls a failure that no policy covers."""

_OF_CALL = {
    "ThrottlingException": THROTTLING,
    "TooManyRequestsException": THROTTLING,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
    "InternalFailure": SERVICE_FAULT,
    "ServiceUnavailable": SERVICE_FAULT,
}
_OF_JOB = {"InternalServerError": INTERNAL_ERROR, "CapacityError": CAPACITY_ERROR}


@dataclass(frozen=True)
class Policy:
    """One retry policy of a step, as the definition has it.

    Attributes:
        exceptions: Which failures it covers.
        interval: Seconds before the first retry.
        backoff: By how much each wait is longer than the one before.
        attempts: How many retries, None as many as there is time for.
        expire: Minutes after the step's start in which a retry may begin, None for ever.
    """

    exceptions: tuple[str, ...]
    interval: float = 1.0
    backoff: float = 2.0
    attempts: int | None = None
    expire: float | None = None

    def wait(self, retries: int, seconds: float) -> float | None:
        """Return how long to wait before the next retry; None when there is to be none.

        Args:
            retries: How many there were.
            seconds: How long ago the step began.
        """
        if self.attempts is not None and retries >= self.attempts:
            return None
        pause = min(self.interval * self.backoff ** min(retries, 64), 86_400.0)
        if self.expire is not None and seconds + pause > self.expire * 60:
            return None
        return pause


def policies(said: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """Return the policies of a step; `RetryPolicies` of a definition that was found to be good."""
    return tuple(
        Policy(
            exceptions=tuple(one["ExceptionType"]),
            interval=float(one.get("IntervalSeconds", 1)),
            backoff=float(one.get("BackoffRate", 2.0)),
            attempts=one.get("MaxAttempts"),
            expire=one.get("ExpireAfterMin"),
        )
        for one in said
    )


def of_call(code: str, status: int) -> str:
    """Return what kind of failure an error code and HTTP status of an AWS call are."""
    return _OF_CALL.get(code, SERVICE_FAULT if status >= 500 else VALIDATION)


def of_job(reason: str) -> str:
    """Return what kind of failure the failure reason of a job tells. What the job's own code did is not retried."""
    return _OF_JOB.get(reason.partition(":")[0].strip(), "ALGORITHM_ERROR")


def covering(found: Sequence[Policy], exception: str) -> Policy | None:
    """Return the first policy that covers a kind of failure."""
    return next((policy for policy in found if exception in policy.exceptions), None)
