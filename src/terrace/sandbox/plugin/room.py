"""The room of the plugin: its port is opened when the first engine asks for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from terrace.sandbox.provider.base import Props, Provider
from terrace.sandbox.room import Server

WORKERS = 32
"""How many calls are worked on at a time; Pulumi's engine asks for as many as there are resources."""
LARGEST = 64 * 2**20
"""Bytes of a message: room for the inputs of any resource, gRPC's own limit being 4 MB."""


class Plugin:
    """Serves Pulumi's engine on a port of 127.0.0.1.

    gRPC and Pulumi's SDK are loaded when the first engine asks: most sandboxes never see one.
    """

    name = "plugin"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: Any = None
        self._port = 0
        self._server: Server | None = None

    def install(self, server: Server) -> None:
        """Answer `plugin` with the port that an engine attaches to."""
        self._server = server
        server.routes["plugin"] = self._open

    def status(self) -> Any:
        """Return the port, once there is one."""
        return {"port": self._port} if self._port else {}

    def reset(self) -> None:
        """Do nothing: what the plugin knows is its connections."""

    def stop(self) -> None:
        """Close the port; calls under way are cut."""
        if self._served is not None:
            self._served.stop(grace=None)

    def _open(self, _said: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            if self._served is None:
                self._serve()
        return {"port": self._port}

    def _serve(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        import grpc  # type: ignore[import-untyped]
        from pulumi.runtime.proto import language_pb2_grpc, provider_pb2_grpc

        from terrace.sandbox.plugin.language import Language
        from terrace.sandbox.plugin.servicer import Servicer

        options = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]
        served = grpc.server(ThreadPoolExecutor(WORKERS, thread_name_prefix="plugin"), options=options)
        provider: Any = provider_pb2_grpc.add_ResourceProviderServicer_to_server
        provider(Servicer(self._connect), served)
        language: Any = language_pb2_grpc.add_LanguageRuntimeServicer_to_server
        language(Language(), served)
        self._port = served.add_insecure_port("127.0.0.1:0")
        served.start()
        self._served = served

    def _connect(self, inputs: Props) -> Provider:
        from terrace.sandbox.provider.facade import SandboxProvider

        assert self._server is not None  # noqa: S101  (installed before it is asked)
        provider = SandboxProvider(self._server.url, self._server.home)
        provider.configure(inputs)
        return provider
