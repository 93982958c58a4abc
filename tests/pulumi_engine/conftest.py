"""A small cloud behind gRPC, and whole sandboxes, for Pulumi's own engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from engine.world import World
from pulumi.runtime.proto import provider_pb2_grpc
from pulumi_engine.shell import Shell

from terrace.engine.pulumi.engine import PulumiEngine
from terrace.engine.pulumi.where import find_cli
from terrace.sandbox import Sandbox
from terrace.sandbox.plugin.servicer import Servicer

MISSING = "Pulumi's command line is not on this machine; `make test-pulumi` builds it"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the ring, in words, where there is no command line."""
    if find_cli() is None:
        for item in items:
            if "pulumi_engine" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason=MISSING))


class RealWorld(World):
    """The world of the embedded engine's tests, with Pulumi's engine in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = grpc.server(ThreadPoolExecutor(16))
        register: Any = provider_pb2_grpc.add_ResourceProviderServicer_to_server
        register(Servicer(self.cloud.connect), self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.variables = {"PULUMI_DEBUG_PROVIDERS": f"aws:{port}", "PULUMI_BACKEND_URL": self.backend.as_uri()}

    @property
    def backend(self) -> Path:
        """Where the state is."""
        folder = self.folder / "backend"
        folder.mkdir(exist_ok=True)
        return folder

    def engine(self, **options: Any) -> Any:
        options = {"lock_timeout": 0, **options}
        return PulumiEngine(self.home, self.variables, self.incarnation, self.purge, **options)

    def purge(self, resource: Any) -> None:
        self.cloud.connect({}).purge(resource.urn, resource.type, resource.id, resource.inputs)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealWorld]:
    """Return an empty cloud with Pulumi's engine."""
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    made = RealWorld(tmp_path)
    yield made
    made.server.stop(grace=None)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Return a fresh platform."""
    made = Shell(tmp_path)
    monkeypatch.setenv("TERRACE_HOME", str(made.home))
    monkeypatch.setenv("PULUMI_HOME", made.environment["PULUMI_HOME"])
    yield made
    Sandbox(made.home).stop()
