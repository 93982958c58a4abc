"""What serves one endpoint configuration: a model server for each of its variants."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.client import session
from terrace.sandbox.containers import Container, Containers, cloudwatch, role_environment
from terrace.sandbox.endpoints.artifact import place_model
from terrace.sandbox.endpoints.metrics import Metrics
from terrace.sandbox.endpoints.model_server import STARTUP_SECONDS, ModelServer, NotHealthyError
from terrace.sandbox.endpoints.variant import Variant
from terrace.sandbox.images import Image, Images
from terrace.sandbox.room import Server

_instance = random.SystemRandom()


@dataclass(frozen=True)
class Home:
    """Whose endpoint it is, and what every endpoint of the server needs."""

    server: Server
    images: Images
    containers: Containers
    account: str
    region: str
    endpoint: str

    @property
    def log_group(self) -> str:
        """Log group of the endpoint."""
        return f"/aws/sagemaker/Endpoints/{self.endpoint}"


class DeploymentError(SandboxError):
    """A configuration that cannot be served. Says why in SageMaker's words."""


class Fleet:
    """What serves one configuration of an endpoint.

    Args:
        home: Whose endpoint it is.
        config: Name of the endpoint configuration.
        variants: Its production variants.
        models: Name → model, as CreateModel takes it, for each model that a variant names.
        isolated: Whether the configuration itself asks for network isolation.
    """

    def __init__(
        self,
        home: Home,
        config: str,
        variants: list[Mapping[str, Any]],
        models: Mapping[str, Mapping[str, Any]],
        *,
        isolated: bool = False,
    ) -> None:
        self.home = home
        self.config = config
        self.variants: list[Variant] = []
        self._wanted = variants
        self._models = models
        self._isolated = isolated
        self._stopped = threading.Event()

    @property
    def names(self) -> list[str]:
        """Names of the variants, started or not."""
        return [str(variant["VariantName"]) for variant in self._wanted]

    def take_over(self, other: Fleet, excluded: set[str]) -> None:
        """Take weights and instance counts over from another fleet, but for the kinds of properties in `excluded`."""
        for number, wanted in enumerate(self._wanted):
            variant = other.choose(wanted["VariantName"])
            if variant is None:
                continue
            kept: dict[str, Any] = dict(wanted)
            if "DesiredWeight" not in excluded:
                kept["InitialVariantWeight"] = variant.weight
            if "DesiredInstanceCount" not in excluded and not variant.serverless:
                kept["InitialInstanceCount"] = variant.instances
            self._wanted[number] = kept

    def start(self) -> None:
        """Start all variants, and return when all are healthy.

        Raises:
            DeploymentError: One cannot be served. What was started is ended.
        """
        try:
            for wanted in self._wanted:
                variant = self._variant(wanted)
                self.variants.append(variant)
                if self._stopped.is_set():
                    raise DeploymentError("The endpoint was deleted.")
                seconds = variant.server.start()
                if variant.serverless:
                    variant.metrics.setup(seconds)
        except NotHealthyError as error:
            self.stop()
            raise DeploymentError(
                f"The primary container for production variant {variant.name} did not pass the ping health check. "
                f"Please check CloudWatch logs for this endpoint. ({error.message}; it printed: {error.hint})"
            ) from error
        except SandboxError:
            self.stop()
            raise

    def stop(self, drain: float = 0.0) -> None:
        """End all, and delete what they had.

        Args:
            drain: How many seconds the invocations that go on may take to end.
        """
        self._stopped.set()
        for variant in self.variants:
            variant.drain(drain)
        for variant in self.variants:
            variant.server.stop()
            self.home.containers.remove(variant.folder)

    def choose(self, target: str | None) -> Variant | None:
        """Return a variant by its weight, or the one that is asked for; None if there is no such one."""
        if target is not None:
            return next((variant for variant in self.variants if variant.name == target), None)
        if len(self.variants) == 1:
            return self.variants[0]
        weights = [variant.weight for variant in self.variants]
        return _instance.choices(self.variants, weights if any(weights) else None)[0]

    def describe(self) -> list[dict[str, Any]]:
        """Return the variants as DescribeEndpoint shows them."""
        return [variant.describe() for variant in self.variants]

    def _variant(self, wanted: Mapping[str, Any]) -> Variant:
        home, model = self.home, self._models[wanted["ModelName"]]
        definition = _definition(model)
        image = home.images.resolve(str(definition["Image"]))
        folder = home.containers.folder()
        image = image.private(folder / "image")
        serverless = wanted.get("ServerlessConfig")
        instances = int(wanted.get("InitialInstanceCount") or 1)
        seconds = wanted.get("ContainerStartupHealthCheckTimeoutInSeconds")
        variant = Variant(
            settings=wanted,
            image=image,
            server=ModelServer(
                self._maker(wanted, model, definition, image, folder),
                float(seconds or STARTUP_SECONDS["serverless" if serverless else "instance"]),
            ),
            metrics=Metrics(home.account, home.region, home.endpoint, wanted["VariantName"], instances),
            folder=folder,
            weight=float(wanted.get("InitialVariantWeight", 1.0)),
            instances=instances,
            log_group=home.log_group,
        )
        try:
            s3 = session(home.server.url, home.account, home.region).client("s3")
            place_model(s3, definition, folder / "opt_ml" / "model")
        except SandboxError:
            home.containers.remove(folder)
            raise
        return variant

    def _maker(
        self,
        wanted: Mapping[str, Any],
        model: Mapping[str, Any],
        definition: dict[str, Any],
        image: Image,
        folder: Path,
    ) -> Any:
        home = self.home
        isolated = bool(model.get("EnableNetworkIsolation")) or self._isolated

        def make() -> Container:
            env = {str(name): str(value) for name, value in (definition.get("Environment") or {}).items()}
            env |= {"AWS_REGION": home.region, "AWS_DEFAULT_REGION": home.region}
            if not isolated:
                # Network isolation also keeps the role's credentials from a container.
                role = str(model["ExecutionRoleArn"])
                env |= role_environment(home.server.url, home.account, role, home.region, "SageMaker")
            aws = (int(home.server.url.rpartition(":")[2]),)
            command = image.command(["serve"], env, isolated=isolated, serves=True, reach=aws)
            stream = f"{wanted['VariantName']}/i-{_instance.getrandbits(68):017x}"
            return home.containers.make(folder, command, cloudwatch(home.account, home.region, home.log_group, stream))

        return make


def _definition(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one container of a model.

    Raises:
        DeploymentError: It has several, or an image's place is taken by a model package.
    """
    containers = [one for one in (model.get("PrimaryContainer"), *(model.get("Containers") or ())) if one]
    if len(containers) != 1 or not containers[0].get("Image"):
        raise DeploymentError("The sandbox serves models of one container, which names its image.")
    return dict(containers[0])
