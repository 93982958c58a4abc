"""What the Pulumi SDK talks to instead of Pulumi's engine: it turns registrations into steps."""

from __future__ import annotations

import threading
from typing import Any, cast

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import engine_pb2, resource_pb2

from terrace.engine.embedded import urns
from terrace.engine.embedded.faults import Halt, attempt
from terrace.engine.embedded.goals import Goal
from terrace.engine.embedded.names import Names
from terrace.engine.embedded.options import FEATURES, read_options
from terrace.engine.embedded.providers import Providers
from terrace.engine.embedded.records import Record
from terrace.engine.embedded.report import Report
from terrace.engine.embedded.state import State
from terrace.engine.embedded.steps import Steps
from terrace.engine.embedded.values import UNKNOWN_TEXT, from_struct, plain, to_struct
from terrace.engine.model import Program, ResourceError, Severity
from terrace.errors import EngineError, TerraceError


class Refusal(grpc.RpcError):  # type: ignore[misc]
    """A refused invoke. Of all errors only this kind reaches the program as one that it can catch."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def code(self) -> grpc.StatusCode:
        """Return the code that the SDK asks for."""
        return grpc.StatusCode.INVALID_ARGUMENT

    def details(self) -> str:
        """Return the text that the SDK shows."""
        return str(self)


class Monitor(MockMonitor):
    """Serves one run of one program. Its methods are called from many threads at once.

    Attributes:
        outputs: What the program exported, once it has ended.
    """

    def __init__(self, program: Program, state: State, providers: Providers, steps: Steps, names: Names, halt: Halt):
        super().__init__(cast(Any, None))
        self.outputs: dict[str, Any] = {}
        self._program = program
        self._state = state
        self._providers = providers
        self._steps = steps
        self._names = names
        self._halt = halt
        self._defaults: dict[str, Record] = {}
        self._lock = threading.Lock()
        stack = f"{program.project}-{program.stack}"
        self._stack_urn = urns.make(program.stack, program.project, "", urns.STACK_TYPE, stack)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Bring one resource about and answer with its id and outputs."""
        if request.type == urns.STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=self._stack_urn)
        with self._halt.guard():
            goal = self._goal(request)
            if not goal.custom:
                record = self._steps.component(goal)
            elif urns.is_provider(goal.type):
                record = self._steps.provider(goal)
            else:
                record = self._steps.custom(goal)
        return resource_pb2.RegisterResourceResponse(
            urn=record.urn, id=record.id, object=to_struct(record.outputs) if goal.custom else None
        )

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Look at a resource that the stack does not own (`Bucket.get`)."""
        with self._halt.guard():
            urn = self._urn(request)
            label = f"{request.type} {request.name!r}"
            if request.type == "pulumi:pulumi:StackReference":
                raise EngineError(
                    f"The stack reference {request.name!r} cannot be read by the embedded engine.",
                    "Read the platform contract instead, or run with Pulumi's engine: --engine pulumi.",
                )
            self._names.claim(urn)
            if self._state.get(urn) is not None:
                raise ResourceError(urn, f"{label} ({urn}) belongs to this stack; declare it instead of reading it.")
            if request.id == UNKNOWN_TEXT:
                return resource_pb2.ReadResourceResponse(urn=urn)
            inputs = plain(from_struct(request.properties))
            where = Record(urn, request.type, provider=self._provider(request))
            with attempt(urn, label, "read"):
                found = self._providers.of(where).read(urn, request.type, request.id, inputs)
            if found is None:
                raise ResourceError(urn, f"{label} ({urn}) cannot be read: there is no {request.id!r}.")
        return resource_pb2.ReadResourceResponse(urn=urn, id=found.id, properties=to_struct(found.outputs))

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Call a data source. What it refuses, the program can catch."""
        self._halt.check()
        try:
            where = Record("", request.tok, provider=self._provider(request))
            found = self._providers.of(where).invoke(request.tok, plain(from_struct(request.args)))
        except Exception as error:
            raise Refusal(error.message if isinstance(error, TerraceError) else str(error)) from error
        return resource_pb2.ResourceInvokeResponse(**{"return": to_struct(found)})

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Take the stack's outputs; those of components need no keeping."""
        if request.urn == self._stack_urn:
            self.outputs = from_struct(request.outputs)
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        """Refuse packages that are made from parameters."""
        raise EngineError(
            f"The embedded engine does not have parameterized packages ({request.name}).",
            "Run with Pulumi's engine: --engine pulumi.",
        )

    def ExistsResource(self, request: Any) -> Any:  # noqa: N802
        """Tell whether AWS has a resource of that id."""
        with self._halt.guard():
            where = Record("", request.type, provider=self._provider(request))
            with attempt("", f"{request.type} {request.id!r}", "read"):
                found = self._providers.of(where).read(
                    "", request.type, request.id, plain(from_struct(request.properties))
                )
        return resource_pb2.ExistsResourceResponse(exists=found is not None)

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: N802
        """Tell the SDK what this engine has."""
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)

    def _goal(self, request: Any) -> Goal:
        urn = self._urn(request)
        self._names.claim(urn)
        options = read_options(urn, request)
        former = self._names.former(urn, request.type, request.name, request.parent, options.aliases)
        made = request.custom and not urns.is_provider(request.type)
        return Goal(
            urn=urn,
            type=request.type,
            custom=request.custom,
            inputs=from_struct(request.object) if request.custom else {},
            options=options,
            parent=request.parent,
            provider=self._provider(request) if made else "",
            aliases=former,
        )

    def _urn(self, request: Any) -> str:
        parent = urns.qualified_type(request.parent)
        return urns.make(self._program.stack, self._program.project, parent, request.type, request.name)

    def _provider(self, request: Any) -> str:
        """Return the URN of the provider instance that a request names, or of the default one."""
        if request.provider:
            return urns.provider_of(request.provider)
        type = request.tok if isinstance(request, resource_pb2.ResourceInvokeRequest) else request.type
        with self._lock:
            if request.version not in self._defaults:
                made = self._providers.declare_default(
                    self._program.stack, self._program.project, type, request.version
                )
                self._names.claim(made.urn)
                self._state.put(made)
                self._defaults[request.version] = made
            return self._defaults[request.version].urn


class Log:
    """Takes what the program says through `pulumi.log` and hands it to the report."""

    _SEVERITIES: dict[int, Severity] = {
        engine_pb2.INFO: "info",
        engine_pb2.WARNING: "warning",
        engine_pb2.ERROR: "error",
    }

    def __init__(self, report: Report) -> None:
        self._report = report

    def Log(self, request: Any) -> None:  # noqa: N802
        """Take one message; debugging notes are dropped."""
        if request.severity in self._SEVERITIES:
            self._report.message(request.message, self._SEVERITIES[request.severity])

    def RequirePulumiVersion(self, request: Any) -> Any:  # noqa: N802
        """Accept any range: there is no CLI whose version it could mean."""
        return empty_pb2.Empty()
