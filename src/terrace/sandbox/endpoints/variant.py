"""One variant of an endpoint: what it runs, how much of the traffic it takes, what is told of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.endpoints.metrics import Metrics
from terrace.sandbox.endpoints.model_server import ModelServer
from terrace.sandbox.images import Image


class ClosedError(SandboxError):
    """A variant that takes no more invocations."""


@dataclass
class Variant:
    """One variant of an endpoint, being served.

    Attributes:
        settings: The production variant, as CreateEndpointConfig takes it.
        image: What it runs.
        server: What answers.
        metrics: Where its invocations are counted.
        resolved: When the image was resolved.
        weight: Its share of the invocations, against the weights of the others.
        instances: How many instances it is said to have; one process stands for all.
        log_group: Log group of the endpoint.
    """

    settings: Mapping[str, Any]
    image: Image
    server: ModelServer
    metrics: Metrics
    folder: Path
    resolved: datetime = field(default_factory=lambda: datetime.now(UTC))
    weight: float = 1.0
    instances: int = 1
    log_group: str = ""
    _busy: int = 0
    _closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.settings["VariantName"])

    @property
    def serverless(self) -> Mapping[str, Any] | None:
        """Its serverless settings, None when it has instances."""
        return self.settings.get("ServerlessConfig")

    def enter(self) -> bool:
        """Begin an invocation; tell whether there is room for it. A serverless variant takes so many at once.

        Raises:
            ClosedError: Another variant has taken its place.
        """
        most = int(self.serverless["MaxConcurrency"]) if self.serverless else None
        with self._lock:
            if self._closed:
                raise ClosedError("Another variant has taken its place.")
            if most is not None and self._busy >= most:
                return False
            self._busy += 1
            return True

    def drain(self, seconds: float) -> None:
        """Let no invocation begin any more, and wait for those that go on, at most so long."""
        deadline = time.monotonic() + seconds
        with self._lock:
            self._closed = True
        while self._busy and time.monotonic() < deadline:
            time.sleep(0.02)

    @property
    def memory_limit(self) -> int | None:
        """How much memory its container may take, in bytes; None is as much as there is."""
        return int(self.serverless["MemorySizeInMB"]) * 2**20 if self.serverless else None

    def leave(self) -> None:
        """End an invocation."""
        with self._lock:
            self._busy -= 1

    def set_instances(self, count: int) -> None:
        """Change how many instances it is said to have."""
        self.instances = count
        self.metrics.share(count)

    def describe(self) -> dict[str, Any]:
        """Return it as DescribeEndpoint shows it."""
        said: dict[str, Any] = {
            "VariantName": self.name,
            "DeployedImages": [
                {
                    "SpecifiedImage": self.image.uri,
                    "ResolvedImage": self.image.resolved,
                    "ResolutionTime": self.resolved,
                }
            ],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
        }
        if self.serverless:
            said["CurrentServerlessConfig"] = said["DesiredServerlessConfig"] = dict(self.serverless)
            said["CurrentInstanceCount"] = 0
        else:
            said["CurrentInstanceCount"] = said["DesiredInstanceCount"] = self.instances
        for name in ("ManagedInstanceScaling", "RoutingConfig"):
            if self.settings.get(name):
                said[name] = self.settings[name]
        return said
