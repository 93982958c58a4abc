"""A running component host, and the engine's side of the conversation with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
    status_pb2,
)

from components import recorder

ROOT = Path(__file__).parents[2]
PROVIDER = "urn:pulumi:dev::app::pulumi:providers:aws::mine::provider-id"
PARENT = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
UNKNOWN: str = rpc.UNKNOWN


@dataclass(frozen=True)
class Built:
    """What came of one call of `Construct`."""

    urn: str
    state: dict[str, Any]
    graph: recorder.Graph


@dataclass
class Refused(Exception):  # noqa: N818  (a refusal is an answer)
    """What the host said of inputs that it does not take."""

    code: grpc.StatusCode
    message: str
    properties: dict[str, str]


class Monitor(recorder._Monitor):
    """Records what is registered; in a preview, what AWS would decide is not known."""

    def __init__(self, parameters: dict[str, str], *, preview: bool) -> None:
        super().__init__(parameters, [f"eu-central-1{letter}" for letter in "abc"])
        self._preview = preview

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        answer = super().RegisterResource(request)
        if self._preview and request.custom:
            known = json_format.MessageToDict(request.object)
            answer.id = ""
            answer.object.update({key: UNKNOWN for key in answer.object if key not in known})
        return answer

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        if request.tok != "pulumi:pulumi:getResource":
            return super().Invoke(request)
        # The host asks what is behind the references that it was given: here, the provider.
        urn, _, id = PROVIDER.rpartition("::")
        return resource_pb2.ResourceInvokeResponse(**{"return": struct({"urn": urn, "id": id, "state": {}})})


class _MonitorService(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def __getattribute__(self, name: str) -> Any:
        asked = ("RegisterResource", "RegisterResourceOutputs", "Invoke", "GetDeploymentInfo", "RegisterPackage")
        if name in asked:
            answer = getattr(self._monitor, name)
            return lambda request, _context: answer(request)
        return super().__getattribute__(name)

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)


class _EngineService(engine_pb2_grpc.EngineServicer):
    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=PARENT)


class Host:
    """A component host that runs.

    Args:
        port: Where it listens.
        open: Holds what is open until the host ends: like the engine's, a monitor outlives the calls that name it.
    """

    def __init__(self, port: int, open: ExitStack) -> None:
        self._open = open
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)

    def schema(self) -> str:
        """Return the schema that it serves."""
        return str(self.stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=20).schema)

    def construct(
        self,
        kind: str,
        inputs: Mapping[str, Any],
        *,
        name: str = "it",
        preview: bool = False,
        parameters: dict[str, str] | None = None,
    ) -> Built:
        """Have a component built.

        Args:
            kind: Its name in the package.
            inputs: By the names of the schema, as they go over the wire.
            name: Name of the resource.
            preview: Nothing is to be built.
            parameters: What is in SSM's parameter store.

        Raises:
            Refused: It cannot be built from these inputs.
        """
        monitor = Monitor(parameters or {}, preview=preview)
        endpoint = self._open.enter_context(_serve(monitor))
        request = provider_pb2.ConstructRequest(
            project="app",
            stack="dev",
            organization="organization",
            parallel=8,
            dryRun=preview,
            monitorEndpoint=endpoint,
            type=f"terrace:index:{kind}",
            name=name,
            parent=PARENT,
            inputs=struct(inputs),
            providers={"aws": PROVIDER},
            accepts_output_values=True,
        )
        try:
            answer = self.stub.Construct(request, timeout=60)
        except grpc.RpcError as error:
            raise _refused(error) from None
        return Built(answer.urn, recorder._plain(json_format.MessageToDict(answer.state)), monitor.graph)


@contextmanager
def running(*command: str, cwd: Path = ROOT) -> Iterator[Host]:
    """Run a host inside the block, as Pulumi does: it prints its port and serves until it is told to end."""
    with ExitStack() as open:
        engine = open.enter_context(_serve(None))
        process = subprocess.Popen(
            [*(command or (sys.executable, str(ROOT / "components"))), engine],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.isdigit(), process.communicate(timeout=20)[1]
            yield Host(int(line), open)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def secret(value: Any) -> dict[str, Any]:
    """Return a value as it goes over the wire when it is secret."""
    return {rpc._special_sig_key: rpc._special_secret_sig, "value": value}


def output(value: Any = None, *dependencies: str) -> dict[str, Any]:
    """Return another resource's output as it goes over the wire; without a value it is not known yet."""
    known = {} if value is None else {"value": value}
    return {rpc._special_sig_key: rpc._special_output_value_sig, "dependencies": list(dependencies), **known}


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a mapping as protobuf has it, in which all numbers are floats."""
    made = struct_pb2.Struct()
    made.update(dict(values))
    return made


@contextmanager
def _serve(monitor: Monitor | None) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(8))
    engine: Any = engine_pb2_grpc.add_EngineServicer_to_server
    engine(_EngineService(), server)
    if monitor is not None:
        add: Any = resource_pb2_grpc.add_ResourceMonitorServicer_to_server
        add(_MonitorService(monitor), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _refused(error: Any) -> Refused:
    properties = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                found = errors_pb2.InputPropertiesError()
                assert detail.Unpack(found)
                properties = {one.property_path: one.reason for one in found.errors}
    return Refused(error.code(), error.details(), properties)
