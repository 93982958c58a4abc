"""Pulumi's provider protocol over the sandbox's handlers.

An attached provider is one process for every provider instance of every program: instances are told apart by the
connection, because the engine opens one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from terrace.engine.pulumi.peers import Peers
from terrace.errors import TerraceError
from terrace.sandbox.plugin.wire import plain, struct
from terrace.sandbox.provider.base import InvokeError, Props, Provider
from terrace.sandbox.provider.drift import drifted, imported

PLACE = ("region", "allowedAccountIds")
"""Settings of a provider that decide where its resources are: they cannot follow one that moves."""


@dataclass
class Instance:
    """One provider resource of a program: its provider once it is configured, and whether its run was cancelled."""

    provider: Provider | None = None
    cancelled: bool = False


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers Pulumi's engine.

    Args:
        connect: Returns a configured provider for the inputs of a provider resource.
    """

    def __init__(self, connect: Callable[[Props], Provider]) -> None:
        self._connect = connect
        self._instances: Peers[Instance] = Peers()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        before, after = plain(request.old_inputs), plain(request.news)
        changed = sorted(name for name in {*before, *after} - {"version"} if before.get(name) != after.get(name))
        moved = [name for name in changed if name in PLACE]
        if moved:
            changes = ", ".join(f"{name} from {before.get(name)!r} to {after.get(name)!r}" for name in moved)
            _refuse(
                context,
                f"The provider would change {changes}, and its resources cannot move with it. "
                "Put the old value back, or destroy the stack first.",
            )
        return _difference(changed, [])

    def Configure(self, request: Any, context: Any) -> Any:
        try:
            provider = self._connect(plain(request.args))
        except TerraceError as error:
            _refuse(context, str(error), grpc.StatusCode.INVALID_ARGUMENT)
        self._instances.keep(context.peer(), Instance(provider))
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        with _told(context):
            failures = self._provider(context).check(request.urn, _type(request), plain(request.news))
        return provider_pb2.CheckResponse(
            inputs=request.news,
            failures=[provider_pb2.CheckFailure(property=one.property, reason=one.reason) for one in failures],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        with _told(context):
            found = self._provider(context).diff(
                request.urn,
                _type(request),
                plain(request.old_inputs),
                plain(request.news),
                list(request.ignoreChanges),
                id=request.id,
            )
        return _difference(found.changed, found.replace, found.delete_before_replace)

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        with _told(context):
            made = self._working(context).create(request.urn, _type(request), plain(request.properties))
        return provider_pb2.CreateResponse(id=made.id, properties=struct(made.outputs))

    def Read(self, request: Any, context: Any) -> Any:
        with _told(context):
            provider, type = self._provider(context), _type(request)
            inputs = plain(request.inputs)
            found = provider.read(request.urn, type, request.id, inputs)
            if found is None:
                return provider_pb2.ReadResponse()
            known = inputs or plain(request.properties)
            present = drifted(provider, request.urn, type, found, inputs) if known else imported(provider, type, found)
        return provider_pb2.ReadResponse(id=found.id, properties=struct(found.outputs), inputs=struct(present))

    def Update(self, request: Any, context: Any) -> Any:
        old, new = plain(request.old_inputs), plain(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=struct({**plain(request.olds), **new}))
        with _told(context):
            made = self._working(context).update(request.urn, _type(request), request.id, old, new)
        return provider_pb2.UpdateResponse(properties=struct(made.outputs))

    def Delete(self, request: Any, context: Any) -> Any:
        with _told(context):
            inputs = plain(request.old_inputs) or plain(request.properties)
            self._working(context).delete(request.urn, _type(request), request.id, inputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        try:
            with _told(context):
                found = self._provider(context).invoke(request.tok, plain(request.args))
        except InvokeError as error:
            return provider_pb2.InvokeResponse(failures=[provider_pb2.CheckFailure(reason=str(error))])
        return provider_pb2.InvokeResponse(**{"return": struct(found)})

    def Cancel(self, request: Any, context: Any) -> Any:
        self._instances.setdefault(context.peer(), Instance).cancelled = True
        return empty_pb2.Empty()

    def _provider(self, context: Any, *, works: bool = False) -> Provider:
        instance = self._instances.get(context.peer())
        if instance is None or instance.provider is None:
            _refuse(context, "The provider is used before it is configured.", grpc.StatusCode.FAILED_PRECONDITION)
        if works and instance.cancelled:
            _refuse(context, "The run was cancelled.", grpc.StatusCode.CANCELLED)
        return instance.provider

    def _working(self, context: Any) -> Provider:
        """Return the provider of a call that changes something: none is begun after a cancellation."""
        return self._provider(context, works=True)


@contextmanager
def _told(context: Any) -> Iterator[None]:
    """Answer an error of a handler with its sentence, and one that nobody foresaw with its name."""
    try:
        yield
    except TerraceError as error:
        _refuse(context, str(error))
    except InvokeError:
        raise
    except Exception as error:
        if type(error) is Exception:  # what `abort` raises: the call is answered already
            raise
        _refuse(context, f"{type(error).__name__}: {error}", grpc.StatusCode.INTERNAL)


def _refuse(context: Any, text: str, code: Any = grpc.StatusCode.UNKNOWN) -> NoReturn:
    context.abort(code, text)
    raise AssertionError("abort returns never")


def _type(request: Any) -> str:
    """Return the type of a request's resource, which old engines tell by the URN alone."""
    given: str = request.type
    return given or str(request.urn).split("::")[2].rpartition("$")[2]


def _difference(changed: Any, replaces: Any, delete_before_replace: bool = False) -> Any:
    some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some, diffs=list(changed), replaces=list(replaces), deleteBeforeReplace=delete_before_replace
    )
