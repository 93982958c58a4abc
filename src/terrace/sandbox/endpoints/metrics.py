"""The metrics of an endpoint in CloudWatch, as SageMaker writes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.containers.embedded_metrics import POINTS

NAMESPACE = "AWS/SageMaker"
SECONDS = 10.0
"""How long values are gathered into one data point. SageMaker gathers for a minute; here one looks sooner."""
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds", "ModelSetupTime": "Microseconds"}


class Metrics:
    """Writes what happens to one variant of an endpoint. Safe to use from several threads.

    Args:
        account: Account of the endpoint.
        region: Region of the endpoint.
        endpoint: Its name.
        variant: Name of the variant.
        instances: How many instances share its invocations.
    """

    def __init__(self, account: str, region: str, endpoint: str, variant: str, instances: int = 1) -> None:
        self._place = (account, region)
        self._dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        self._instances = max(1, instances)
        self._lock = threading.Lock()
        self._open: dict[str, Any] = {}
        self._until = 0.0

    def share(self, instances: int) -> None:
        """Set how many instances share the invocations."""
        self._instances = max(1, instances)

    def invocation(self, status: int, model_us: float | None, overhead_us: float) -> None:
        """Count an invocation.

        Args:
            status: HTTP status that the caller got, or the model's own where the model is to blame.
            model_us: Microseconds that the model took; None when it was not reached.
            overhead_us: Microseconds that were spent around it.
        """
        values: dict[str, float] = {
            "Invocations": 1,
            "InvocationsPerInstance": 1 / self._instances,
            "Invocation4XXErrors": float(400 <= status < 500),
            "Invocation5XXErrors": float(status >= 500),
            "OverheadLatency": overhead_us,
        }
        if model_us is not None:
            values["InvocationModelErrors"] = float(not 200 <= status < 300)
            values["ModelLatency"] = model_us
        self._put(values)

    def setup(self, seconds: float) -> None:
        """Note how long a serverless endpoint took to start what answers."""
        self._put({"ModelSetupTime": seconds * 1e6})

    def _put(self, values: Mapping[str, float]) -> None:
        from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

        account, region = self._place
        backend: Any = cloudwatch_backends[account][region]
        with self._lock:
            now = time.monotonic()
            if now >= self._until:
                self._open, self._until = {}, now + SECONDS
            for name, value in values.items():
                point = self._open.get(name)
                if point is None:
                    point = self._open[name] = MetricAggregatedDatum(
                        namespace=NAMESPACE,
                        name=name,
                        min_stat=value,
                        max_stat=value,
                        sample_count=0.0,
                        sum_stat=0.0,
                        dimensions=self._dimensions,
                        # CloudWatch in moto keeps times in UTC that say no zone.
                        timestamp=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
                        unit=_UNITS.get(name, "None" if name == "InvocationsPerInstance" else "Count"),
                    )
                    backend.metric_data.append(point)
                point.min, point.max = min(point.min, value), max(point.max, value)
                point.sum += value
                point.sample_count += 1
            if len(backend.metric_data) > POINTS:
                del backend.metric_data[: POINTS // 10]
