"""Pulumi's own engine: our components against a flat program, and against the embedded engine."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import psutil
from pulumi.runtime.proto import provider_pb2_grpc

from benchmarks.graph import Nothing, flat
from benchmarks.measure import Ratio, compare, seconds_of
from terrace import runs
from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.engine.pulumi.engine import PulumiEngine
from terrace.platform import open_platform
from terrace.project import Project
from terrace.sandbox import Sandbox
from terrace.sandbox.plugin.servicer import Servicer
from terrace.settings import program_config

STACKS = 25
"""How many model stacks are made; each is some seconds of Pulumi's command line."""


def against_flat(folder: Path) -> Iterator[Ratio]:
    """Components against a flat program with the same resources, over a provider that makes nothing."""
    settings = open_platform(folder / "platform", "dev", {"level": 1}).settings
    whole = Program("terrace", "dev", folder / "platform" / "stacks", program_config(settings))
    first = EmbeddedEngine(folder / "real-graph", lambda _inputs: Nothing())
    first.up(whole)
    plain = Program("flat", "dev", flat(first, whole, folder / "real-flat"))
    number = itertools.count()
    with _served() as variables:

        def engine() -> PulumiEngine:
            backend = folder / f"backend{next(number)}"
            backend.mkdir()
            said = {**variables, "PULUMI_BACKEND_URL": f"{backend.as_uri()}?metadata=skip"}
            return PulumiEngine(backend / "home", said, "bench")

        def timed(method: str, program: Program) -> Callable[[], float]:
            return lambda: seconds_of(lambda: getattr(engine(), method)(program))

        for method, name in (("up", "first `up`"), ("preview", "preview")):
            yield compare(
                f"Pulumi's engine, level 1, {name} / a flat program with the same resources",
                timed(method, whole),
                timed(method, plain),
                5,
                1.15,
            )
        ours, theirs = engine(), engine()
        ours.up(whole)
        theirs.up(plain)
        yield compare(
            "Pulumi's engine, level 1, `up` without a change / a flat program with the same resources",
            lambda: seconds_of(lambda: ours.up(whole)),
            lambda: seconds_of(lambda: theirs.up(plain)),
            5,
            1.15,
        )


def against_embedded(folder: Path, box: Sandbox) -> Iterator[Ratio]:
    """The embedded engine against Pulumi's, in the sandbox."""
    platform = open_platform(folder / "platform", "dev", {"level": 1})

    def fresh(engine: str) -> float:
        box.reset()
        (folder / "home" / "state" / "terrace" / "dev" / "pulumi.json").unlink(missing_ok=True)
        return again(engine)

    def again(engine: str) -> float:
        return seconds_of(lambda: runs.up_platform(platform, runs.Options(engine)))

    yield compare(
        "first `up` of level 1, embedded engine / Pulumi's", lambda: fresh("embedded"), lambda: fresh("pulumi"), 3, None
    )


def growth(folder: Path, box: Sandbox, project: Callable[[int], Project]) -> Iterator[tuple[int, float, float]]:
    """Return seconds a stack, and MB of this process and its children, as model stacks are made."""
    box.reset()
    runs.up_platform(open_platform(folder / "platform", "dev"), runs.Options("embedded"))
    took: list[float] = []
    for number in range(1, STACKS + 1):
        one = project(number)
        engine, program = runs.open_engine("pulumi", one.target()), runs.program_of(one)
        took.append(seconds_of(lambda engine=engine, program=program: engine.up(program)))  # type: ignore[misc]
        if number in (1, 10, STACKS):
            yield number, statistics.median(took[-10:]), psutil.Process().memory_info().rss / 2**20


@contextmanager
def _served() -> Iterator[dict[str, str]]:
    server = grpc.server(ThreadPoolExecutor(32))
    register: Any = provider_pb2_grpc.add_ResourceProviderServicer_to_server
    register(Servicer(lambda _inputs: Nothing()), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"PULUMI_DEBUG_PROVIDERS": f"aws:{port}"}
    finally:
        server.stop(grace=None)
