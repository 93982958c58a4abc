"""Counts in CloudWatch, gathered by the minute as AWS's own services do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.containers.embedded_metrics import POINTS

_lock = threading.Lock()


def count(place: tuple[str, str], namespace: str, name: str, dimensions: Mapping[str, str], value: float = 1.0) -> None:
    """Count something that happened.

    Args:
        place: Account and region.
        namespace: Such as `AWS/Events`.
        name: Name of the metric.
        dimensions: Its dimensions.
        value: How often.
    """
    from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

    account, region = place
    backend: Any = cloudwatch_backends[account][region]
    # CloudWatch in moto keeps times in UTC that say no zone.
    minute = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
    key = (namespace, name, tuple(sorted(dimensions.items())))
    with _lock:
        # Kept on the backend, so that a reset forgets it with everything else.
        points = backend.__dict__.setdefault("_terrace_counts", {})
        point = points.get(key)
        if point is None or point.timestamp != minute:
            point = points[key] = MetricAggregatedDatum(
                namespace=namespace,
                name=name,
                min_stat=value,
                max_stat=value,
                sample_count=0.0,
                sum_stat=0.0,
                dimensions=[{"Name": label, "Value": text} for label, text in dimensions.items()],
                timestamp=minute,
                unit="Count",
            )
            backend.metric_data.append(point)
        point.min, point.max = min(point.min, value), max(point.max, value)
        point.sum += value
        point.sample_count += 1
        if len(backend.metric_data) > POINTS:
            del backend.metric_data[: POINTS // 10]
