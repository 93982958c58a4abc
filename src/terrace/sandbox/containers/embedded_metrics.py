"""Metrics that a container prints: CloudWatch reads them from lines of its embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

POINTS = 50_000
"""How many data points CloudWatch keeps in an account and region of the sandbox; the oldest go first."""
_MOST_VALUES = 100


def put_embedded(account: str, region: str, line: str) -> None:
    """Put the metrics of a line into CloudWatch. A line that has none, or is not of the format, is just a line."""
    if not line.startswith("{") or '"_aws"' not in line:
        return
    from moto.cloudwatch.models import cloudwatch_backends

    backend: Any = cloudwatch_backends[account][region]
    for namespace, data in read_embedded(line):
        backend.put_metric_data(namespace, data)
    if len(backend.metric_data) > POINTS:
        del backend.metric_data[: POINTS // 10]


def read_embedded(line: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the metrics of a line: namespace, and metrics as PutMetricData takes them. None if it is malformed."""
    try:
        said = json.loads(line)
        about = said["_aws"]
        # moto keeps times in UTC that say no zone.
        when = datetime.fromtimestamp(about["Timestamp"] / 1000, UTC).replace(tzinfo=None)
        return [
            (str(directive["Namespace"]), list(_data(said, directive, when)))
            for directive in about["CloudWatchMetrics"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
        return []


def _data(said: Mapping[str, Any], directive: Mapping[str, Any], when: datetime) -> Iterator[dict[str, Any]]:
    for names in directive["Dimensions"] or [[]]:
        dimensions = [{"Name": name, "Value": str(said[name])} for name in names]
        for metric in directive["Metrics"]:
            given = said[metric["Name"]]
            values = [float(value) for value in (given if isinstance(given, list) else [given])][:_MOST_VALUES]
            for value in values:
                yield {
                    "MetricName": metric["Name"],
                    "Dimensions": dimensions,
                    "Timestamp": when,
                    "Unit": metric.get("Unit", "None"),
                    "Value": value,
                }
