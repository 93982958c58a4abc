"""The room of the server in which SageMaker's endpoints live."""

from __future__ import annotations

import re
import threading
from typing import Any

from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from terrace.sandbox.bus import Happening
from terrace.sandbox.containers import Containers
from terrace.sandbox.endpoints.fleet import Home
from terrace.sandbox.endpoints.invocations import invoke, refuse_async
from terrace.sandbox.endpoints.live import LiveEndpoint
from terrace.sandbox.endpoints.operations import install
from terrace.sandbox.images import Images
from terrace.sandbox.room import Server

Key = tuple[str, str, str]
"""Account, region and name of an endpoint."""

WATCH_SECONDS = 2.0
"""How often the memory of serverless containers is looked at."""


class Endpoints:
    """Lets endpoints serve the models that they name, where moto only says that they do.

    Args:
        images: What an image URI stands for.
        containers: The room that the endpoints' containers live in.
    """

    name = "endpoints"

    def __init__(self, images: Images, containers: Containers) -> None:
        self._images = images
        self._containers = containers
        self._server: Server | None = None
        self._live: dict[Key, LiveEndpoint] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def install(self, server: Server) -> None:
        """Put the operations of endpoints and of the runtime in moto's place."""
        self._server = server
        install(self)

        def invoke_endpoint(response: Any) -> Any:
            return invoke(self, response)

        setattr(SageMakerRuntimeResponse, "invoke_endpoint", invoke_endpoint)  # noqa: B010
        setattr(SageMakerRuntimeResponse, "invoke_endpoint_async", refuse_async)  # noqa: B010
        threading.Thread(target=self._watch, daemon=True).start()

    def home(self, account: str, region: str, endpoint: str) -> Home:
        """Return what an endpoint's fleets need."""
        assert self._server is not None  # noqa: S101  (install comes first)
        return Home(self._server, self._images, self._containers, account, region, endpoint)

    def find(self, account: str, region: str, endpoint: str) -> LiveEndpoint | None:
        """Return an endpoint."""
        return self._live.get((account, region, endpoint))

    def keep(self, account: str, region: str, endpoint: str, live: LiveEndpoint) -> None:
        """Keep a new endpoint."""
        with self._lock:
            self._live[account, region, endpoint] = live

    def forget(self, account: str, region: str, endpoint: str) -> None:
        """Forget an endpoint that has ended."""
        with self._lock:
            self._live.pop((account, region, endpoint), None)

    def tell(self, account: str, region: str, endpoint: str, status: str) -> None:
        """Publish a change of status, as AWS tells it: its event says `IN_SERVICE` where Describe says `InService`."""
        live = self.find(account, region, endpoint)
        if live is None or self._server is None:
            return
        detail = {
            "EndpointName": endpoint,
            "EndpointArn": live.arn,
            "EndpointConfigName": live.config,
            "EndpointStatus": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper(),
        }
        kind = "SageMaker Endpoint State Change"
        self._server.bus.publish(Happening(account, region, "aws.sagemaker", kind, detail, (live.arn,)))

    def status(self) -> Any:
        """Return each endpoint with its status and what serves it."""
        with self._lock:
            live = dict(self._live)
        return [
            {
                "account": account,
                "region": region,
                "endpoint": name,
                "status": endpoint.status,
                "config": endpoint.config,
                "variants": [
                    {
                        "name": variant.name,
                        "image": variant.image.resolved,
                        "serving": variant.server.serving,
                        "restarts": variant.server.restarts,
                        "trouble": variant.server.trouble,
                        "memory_mb": variant.server.memory() // 2**20,
                    }
                    for variant in (endpoint.fleet.variants if endpoint.fleet else ())
                ],
            }
            for (account, region, name), endpoint in sorted(live.items())
        ]

    def reset(self) -> None:
        """End all endpoints and forget them."""
        with self._lock:
            live, self._live = list(self._live.values()), {}
        ends = [threading.Thread(target=endpoint.abandon) for endpoint in live]
        for end in ends:
            end.start()
        for end in ends:
            end.join()

    def stop(self) -> None:
        """End all endpoints, because the server ends."""
        self._ended.set()
        self.reset()

    def _watch(self) -> None:
        """Kill containers that take more memory than they may, as the kernel does on AWS."""
        while not self._ended.wait(WATCH_SECONDS):
            with self._lock:
                fleets = [endpoint.fleet for endpoint in self._live.values() if endpoint.fleet is not None]
            for variant in (variant for fleet in fleets for variant in fleet.variants):
                limit = variant.memory_limit
                if limit is not None and variant.server.memory() > limit:
                    variant.server.kill(f"It took more memory than its {limit // 2**20} MB.")
