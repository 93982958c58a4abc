"""The room of the server that keeps the model registry."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.bus import Happening
from terrace.sandbox.registry.operations import install
from terrace.sandbox.registry.package import ModelPackage
from terrace.sandbox.room import Server

CHANGE = "SageMaker Model Package State Change"


class Registry:
    """Keeps model packages and tells each change of them. It runs nothing: its state is moto's and goes with it."""

    name = "registry"

    def __init__(self) -> None:
        self._server: Server | None = None

    def install(self, server: Server) -> None:
        """Put the operations on model packages in moto's place."""
        self._server = server
        install(self)

    def tell(self, response: Any, package: ModelPackage, changed: list[str]) -> None:
        """Publish that a package was made, or that members of it changed."""
        assert self._server is not None  # noqa: S101  (install comes first)
        detail = package.detail(changed)
        place = (response.current_account, response.region)
        self._server.bus.publish(Happening(*place, "aws.sagemaker", CHANGE, detail, (package.arn,)))

    def status(self) -> Any:
        """Return nothing: the registry runs nothing."""
        return {}

    def reset(self) -> None:
        """Do nothing: the packages are in moto's backends, which forget by themselves."""

    def stop(self) -> None:
        """Do nothing."""
