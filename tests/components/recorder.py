"""Runs a program against nothing and records every resource as the engine would be asked for it."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.stack import run_in_stack

ACCOUNT = "123456789012"
PARAMETERS: dict[str, str] = {}


@dataclass(frozen=True)
class Recorded:
    """One resource as it was declared."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    provider: str
    protect: bool
    retain: bool
    ignored: tuple[str, ...]
    custom: bool
    dependencies: tuple[str, ...] = ()


@dataclass
class Graph:
    """All that a program declared, and what it exported."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recorded]:
        """Go through the resources of AWS."""
        return (r for r in self.resources if r.custom and r.type.startswith("aws:"))

    def of(self, kind: str) -> list[Recorded]:
        """Return the resources of a type, by the last part of its token: `Bucket`."""
        return [r for r in self if r.type.split(":")[-1] == kind]

    def one(self, name: str) -> Recorded:
        """Return the resource with a logical name."""
        (found,) = [r for r in self.resources if r.name == name]
        return found

    def names(self) -> list[str]:
        """Return what the golden lists hold: type and logical name of every resource, sorted."""
        return sorted(f"{r.type} {r.name}" for r in self.resources if not r.type.startswith("pulumi:"))


class _Monitor(mocks.MockMonitor):
    def __init__(
        self, parameters: dict[str, str], zones: list[str], log_groups: dict[str, dict[str, str]] | None = None
    ) -> None:
        super().__init__(_NoMocks())
        self.graph = Graph()
        self._parameters, self._zones, self._log_groups = parameters, zones, log_groups or {}
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        inputs = _plain(json_format.MessageToDict(request.object))
        with self._lock:
            self.graph.resources.append(
                Recorded(
                    type=request.type,
                    name=request.name,
                    inputs=inputs,
                    parent=request.parent.split("::")[-1],
                    provider=request.provider,
                    protect=request.protect,
                    retain=request.retainOnDelete,
                    ignored=tuple(request.ignoreChanges),
                    custom=request.custom,
                    dependencies=tuple(urn.split("::")[-1] for urn in request.dependencies),
                )
            )
        urn = f"urn:pulumi:dev::terrace::{request.type}::{request.name}"
        out = struct_pb2.Struct()
        out.update({**inputs, **_computed(request.type, request.name, inputs)} if request.custom else {})
        return resource_pb2.RegisterResourceResponse(urn=urn, id=_id(request.type, request.name, inputs), object=out)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.graph.outputs = _plain(json_format.MessageToDict(request.outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        out = struct_pb2.Struct()
        args = json_format.MessageToDict(request.args)
        if request.tok == "aws:ssm/getParameter:getParameter":
            if args["name"] not in self._parameters:
                # A failure, unlike an exception, is one that the program may catch.
                failure = provider_pb2.CheckFailure(property="name", reason=f"ParameterNotFound: {args['name']}")
                return resource_pb2.ResourceInvokeResponse(failures=[failure])
            out.update({"name": args["name"], "value": self._parameters[args["name"]]})
        elif request.tok == "aws:index/getAvailabilityZones:getAvailabilityZones":
            out.update({"names": self._zones})
        elif request.tok == "aws:cloudwatch/getLogGroup:getLogGroup":
            if args["name"] not in self._log_groups:
                reason = "reading CloudWatch Logs Log Group: couldn't find resource"
                failure = provider_pb2.CheckFailure(property="name", reason=reason)
                return resource_pb2.ResourceInvokeResponse(failures=[failure])
            out.update({"name": args["name"], "tags": self._log_groups[args["name"]]})
        else:
            raise AssertionError(f"an invoke that no test knows: {request.tok}")
        return resource_pb2.ResourceInvokeResponse(**{"return": out})


class _NoMocks(mocks.Mocks):
    def new_resource(self, args: Any) -> tuple[str, dict[Any, Any]]:
        raise AssertionError("registered through another way than the monitor's")

    def call(self, args: Any) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError("called through another way than the monitor's")


def record(
    program: Callable[[], object],
    *,
    stack: str = "dev",
    config: dict[str, str] | None = None,
    parameters: dict[str, str] | None = None,
    zones: int = 3,
    log_groups: dict[str, dict[str, str]] | None = None,
) -> Graph:
    """Run a program and return what it declared; what it raises is raised.

    Args:
        program: What is run.
        stack: Name of the stack.
        config: Its configuration.
        parameters: Parameters that are there already, name to value.
        zones: How many availability zones the region has.
        log_groups: Log groups that are there already, name to tags.
    """
    names = [f"eu-central-1{letter}" for letter in "abcdef"[:zones]]
    monitor = _Monitor(parameters or {}, names, log_groups)
    raised: list[BaseException] = []

    def body() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda _loop, _context: None)
        pool = ThreadPoolExecutor(4)
        loop.set_default_executor(pool)
        settings.configure(_settings(monitor, stack))
        settings.ROOT.set(None)
        pulumi.runtime.set_all_config(config or {})
        try:
            loop.run_until_complete(run_in_stack(lambda: (program(), None)[1]))
        except BaseException as error:
            raised.append(error)
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            pool.shutdown(wait=True)
            loop.close()
            asyncio.set_event_loop(None)

    thread = threading.Thread(target=lambda: contextvars.Context().run(body))
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return monitor.graph


def _settings(monitor: _Monitor, stack: str) -> Any:
    features = set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures)
    return mocks.MockSettings(
        monitor=monitor,
        monitor_features=features,
        engine=mocks.MockEngine(None),
        project="terrace",
        stack=stack,
        dry_run=False,
        organization="organization",
        root_directory="/",
        callbacks=None,
        outputs=set(),
        lock=threading.Lock(),
        package_refs={},
        base_providers_by_ref={},
        legacy_apply_enabled=False,
        parallel=4,
    )


def _id(type: str, name: str, inputs: dict[str, Any]) -> str:
    return str(inputs.get("bucket") or inputs.get("name") or f"{name}-id")


def _computed(type: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    kind = type.split(":")[-1]
    service = type.split(":")[1].split("/")[0]
    called = inputs.get("name") or inputs.get("bucket") or name
    arns = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/{called}",
        "Policy": f"arn:aws:iam::{ACCOUNT}:policy/{called}",
        "Bucket": f"arn:aws:s3:::{called}",
        "Key": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/{name}",
        "MlflowApp": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:mlflow-app/app-ABCDEFGHIJKL",
        "MlflowTrackingServer": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:mlflow-tracking-server/tracking",
        "Pipeline": f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:pipeline/{inputs.get('pipelineName')}",
        "Secret": f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:{called}-AbCdEf",
    }
    return {
        "arn": arns.get(kind, f"arn:aws:{service}:eu-central-1:{ACCOUNT}:{called}"),
        "keyId": f"{name}-id",
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/{called}",
        "prefixListId": "pl-s3",
        "url": f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/{called}",
    }


def _plain(value: Any) -> Any:
    """Undo what only the wire needs: secrets' wrappings, and whole numbers as floats."""
    if isinstance(value, dict):
        if rpc._special_sig_key in value:
            return _plain(value.get("value"))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
