"""Metrics that a training job prints, found by the regular expressions of its metric definitions."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import regex

from terrace.sandbox.containers.embedded_metrics import POINTS
from terrace.sandbox.jobs.job import now

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_SECONDS = 0.2
"""How long an expression may take for a line."""


class Metrics:
    """The metrics of one job: the last value of each, and all of them in CloudWatch.

    Args:
        place: Account and region.
        job: Name of the training job.
        definitions: As CreateTrainingJob takes them; their expressions have been compiled before.
    """

    def __init__(self, place: tuple[str, str], job: str, definitions: Iterable[Mapping[str, str]]) -> None:
        self._place = place
        self._dimensions = [{"Name": "TrainingJobName", "Value": job}]
        self._definitions = [(one["Name"], regex.compile(one["Regex"])) for one in definitions]
        self._last: dict[str, tuple[float, datetime]] = {}
        self._lock = threading.Lock()

    def read(self, lines: Sequence[str]) -> None:
        """Find the metrics of lines. What is no finite number is no value, on AWS as here."""
        if not self._definitions:
            return
        found: list[dict[str, Any]] = []
        for line in lines:
            for name, expression in self._definitions:
                value = _value(expression, line)
                if value is not None:
                    with self._lock:
                        self._last[name] = (value, now())
                    found.append({"MetricName": name, "Value": value})
        if found:
            self._put(found)

    def final(self) -> list[dict[str, Any]]:
        """Return the last values, as DescribeTrainingJob shows them."""
        with self._lock:
            return [
                {"MetricName": name, "Value": value, "Timestamp": when} for name, (value, when) in self._last.items()
            ]

    def value(self, name: str) -> float | None:
        """Return the last value of a metric."""
        with self._lock:
            return self._last[name][0] if name in self._last else None

    def _put(self, found: list[dict[str, Any]]) -> None:
        from moto.cloudwatch.models import cloudwatch_backends

        account, region = self._place
        backend: Any = cloudwatch_backends[account][region]
        # CloudWatch in moto keeps times in UTC that say no zone.
        when = now().replace(tzinfo=None)
        data = [{**one, "Dimensions": self._dimensions, "Timestamp": when, "Unit": "None"} for one in found]
        backend.put_metric_data(NAMESPACE, data)
        if len(backend.metric_data) > POINTS:
            del backend.metric_data[: POINTS // 10]


def _value(expression: regex.Pattern[str], line: str) -> float | None:
    try:
        match = expression.search(line, timeout=_SECONDS)
        value = float(match[1]) if match else math.nan
    except (TimeoutError, ValueError, IndexError, TypeError):
        return None
    return value if math.isfinite(value) else None
