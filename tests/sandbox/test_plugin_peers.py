"""What the plugin knows of an engine goes with its connection."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from events_case import eventually
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2, provider_pb2_grpc

from terrace.engine.pulumi import peers
from terrace.sandbox.plugin.language import Language
from terrace.sandbox.plugin.servicer import Servicer


class Plugin:
    """A server as the sandbox's plugin has it."""

    def __init__(self) -> None:
        self.servicer, self.language = Servicer(lambda inputs: Any), Language()  # type: ignore[arg-type,return-value]
        self.server = grpc.server(ThreadPoolExecutor(4))
        provider: Any = provider_pb2_grpc.add_ResourceProviderServicer_to_server
        language: Any = language_pb2_grpc.add_LanguageRuntimeServicer_to_server
        provider(self.servicer, self.server)
        language(self.language, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def known(self) -> tuple[int, int, int]:
        """Tell of how many peers something is kept: provider instances, engines, running programs."""
        return len(self.servicer._instances), len(self.language.engines), len(self.language._running)

    def engine(self) -> grpc.Channel:
        """Connect as one more engine does, configure a provider and run a plugin."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options)
        provider: Any = provider_pb2_grpc.ResourceProviderStub(channel)
        language: Any = language_pb2_grpc.LanguageRuntimeStub(channel)
        provider.Configure(provider_pb2.ConfigureRequest())
        language.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:1"))
        info = language_pb2.ProgramInfo(root_directory="/", program_directory="-c", entry_point=".")
        said = language.RunPlugin(language_pb2.RunPluginRequest(pwd="/", info=info, args=["print(1)"]))
        assert [answer.exitcode for answer in said if not (answer.stdout or answer.stderr)] == [0]
        return channel


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """A plugin that looks often at who is there."""
    monkeypatch.setattr(peers, "INTERVAL", 0.05)
    made = Plugin()
    yield made
    made.server.stop(grace=None).wait()


def test_what_is_known_of_an_engine_goes_with_it(plugin: Plugin) -> None:
    """Of those that hung up nothing is kept; one that is there still is not forgotten."""
    stays, goes = plugin.engine(), plugin.engine()
    assert plugin.known() == (2, 2, 2)
    goes.close()
    eventually(lambda: plugin.known() == (1, 1, 1))
    provider: Any = provider_pb2_grpc.ResourceProviderStub(stays)
    provider.Cancel(empty_pb2.Empty())
    assert plugin.known() == (1, 1, 1)
    stays.close()
    eventually(lambda: plugin.known() == (0, 0, 0))


def test_an_engine_that_was_killed_is_forgotten(plugin: Plugin) -> None:
    """Its connection ends without a word."""
    script = (
        "import grpc, os, signal\n"
        "from google.protobuf import empty_pb2\n"
        "from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc\n"
        f"stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel('127.0.0.1:{plugin.port}'))\n"
        "stub.Configure(provider_pb2.ConfigureRequest())\n"
        "print('configured', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "configured\n", done.stderr
    eventually(lambda: plugin.known()[0] == 0)
