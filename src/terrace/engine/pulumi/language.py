"""What Pulumi's engine asks of the host of a language, and a host that runs one program in this process.

The Automation API has an inline host too. It stops its event loop in the middle when the engine has gone, which leaves
coroutines that Python complains of long after; and `pulumi import`, which runs no program, has no use of it.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi
from pulumi.runtime import settings
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
from pulumi.runtime.stack import run_in_stack

from terrace import __version__
from terrace.engine.pulumi.peers import Peers


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """What every host of ours answers alike: nothing is to be installed, no plugin is to be downloaded."""

    def __init__(self) -> None:
        self.engines: Peers[str] = Peers()
        """Connection → address of the engine behind it."""

    def Handshake(self, request: Any, context: Any) -> Any:
        self.engines.keep(context.peer(), request.engine_address)
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=__version__)

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        return iter(())

    def About(self, request: Any, context: Any) -> Any:
        version = ".".join(map(str, sys.version_info[:3]))
        return language_pb2.AboutResponse(executable=sys.executable, version=version)


class Inline(Host):
    """Runs one program in this process, whatever program the engine names.

    Args:
        program: Declares the resources.
        raised: Takes what the program raised.
    """

    def __init__(self, program: Callable[[], None], raised: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._program = program
        self._raised = raised

    def Run(self, request: Any, context: Any) -> Any:
        failed: list[BaseException] = []
        engine = self.engines.get(context.peer()) or ""
        thread = threading.Thread(target=lambda: contextvars.Context().run(self._run, request, engine, failed))
        thread.start()
        thread.join()
        if not failed:
            return language_pb2.RunResponse()
        self._raised(failed[0])
        return language_pb2.RunResponse(error=f"{type(failed[0]).__name__}: {failed[0]}")

    def _run(self, request: Any, engine: str, failed: list[BaseException]) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        gone: list[BaseException] = []

        def unheard(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            # What depends on a resource that the engine refused waits for ever; anything else nobody awaits is noise.
            if isinstance(context.get("exception"), grpc.RpcError):
                gone.append(context["exception"])
                loop.stop()

        loop.set_exception_handler(unheard)
        # A registration waits in a thread for the engine's answer: as many as the engine works on, and then some.
        loop.set_default_executor(ThreadPoolExecutor(max(request.parallel, 1) * 4))
        settings.ROOT.set(None)
        settings.configure(
            settings.Settings(
                project=request.project,
                stack=request.stack,
                monitor=request.monitor_address,
                engine=engine,
                parallel=request.parallel,
                dry_run=request.dryRun,
                organization=request.organization or "organization",
                root_directory=request.info.root_directory,
            )
        )
        pulumi.runtime.set_all_config(dict(request.config), list(request.configSecretKeys))
        try:
            loop.run_until_complete(run_in_stack(self._once))
        except BaseException as error:
            failed.append(gone[0] if gone else error)
        finally:
            loop.set_exception_handler(lambda _loop, _context: None)
            _end(loop)

    def _once(self) -> None:
        self._program()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Let every task see that it is cancelled, so that none is left for Python to complain of."""
    for _ in range(10):
        tasks = asyncio.all_tasks(loop)
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        with suppress(BaseException):
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    with suppress(BaseException):
        loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    asyncio.set_event_loop(None)


@contextmanager
def serve(host: Host) -> Iterator[int]:
    """Serve a host on a port of 127.0.0.1 inside the block; yields the port."""
    server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="language"))
    register: Any = language_pb2_grpc.add_LanguageRuntimeServicer_to_server
    register(host, server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
