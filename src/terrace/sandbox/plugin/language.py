"""Pulumi's protocol for languages, spoken for Python: runs programs of `pulumi up` where Pulumi's own host is missing.

Pulumi's installer brings a language host for Python. A command line that was built from its module alone has none; it
attaches to this one (`PULUMI_DEBUG_LANGUAGES`). It runs programs and component packages, and generates no code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2

from terrace.engine.pulumi.language import Host
from terrace.engine.pulumi.peers import Peers

RUNNER = Path(__file__).with_name("runner.py")


class Language(Host):
    """Runs programs and component packages as processes, each in the environment that its settings name."""

    def __init__(self) -> None:
        super().__init__()
        self._running: Peers[set[subprocess.Popen[str]]] = Peers()
        self._lock = threading.Lock()

    def Run(self, request: Any, context: Any) -> Any:
        engine = self.engines.get(context.peer()) or ""
        root = Path(request.info.root_directory)
        command = [str(_python(request.info, root)), "-P", str(RUNNER), str(root), _program(request.info)]
        settings = {
            "monitor": request.monitor_address,
            "engine": engine,
            "project": request.project,
            "stack": request.stack,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "organization": request.organization or "organization",
            "root_directory": str(root),
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
        }
        process = subprocess.Popen(
            command, cwd=request.pwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with self._under_way(context, process):
            assert process.stdin is not None  # noqa: S101  (it is piped)
            process.stdin.write(json_format.MessageToJson(_struct(settings)))
            process.stdin.close()
            for source, line in _lines(process):
                _log(engine, line, error=source == "stderr")
            code = process.wait()
        # 32 is the runner's word that it has told the engine already.
        if code == 32:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}" if code else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        root = Path(request.info.root_directory)
        command = [str(_python(request.info, root)), "-u", _program(request.info), *request.args]
        environment = {**os.environ, **dict(line.split("=", 1) for line in request.env if "=" in line)}
        process = subprocess.Popen(
            command,
            cwd=request.pwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with self._under_way(context, process):
            for source, line in _lines(process):
                said: Any = {source: line.encode()}
                yield language_pb2.RunPluginResponse(**said)
            yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def Cancel(self, request: Any, context: Any) -> Any:
        with self._lock:
            for process in self._running.get(context.peer()) or ():
                process.send_signal(signal.SIGINT)
        return empty_pb2.Empty()

    def _under_way(self, context: Any, process: subprocess.Popen[str]) -> _Child:
        running = self._running.setdefault(context.peer(), set)
        return _Child(running, self._lock, process, context)


class _Child:
    """A process that ends with the call it was started for, however that ends."""

    def __init__(
        self, running: set[subprocess.Popen[str]], lock: threading.Lock, process: subprocess.Popen[str], context: Any
    ) -> None:
        self._running = running
        self._lock = lock
        self._process = process
        # The engine hangs up when it is done with a plugin, and when it is killed.
        context.add_callback(self._end)

    def __enter__(self) -> None:
        with self._lock:
            self._running.add(self._process)

    def __exit__(self, *_error: object) -> None:
        self._end()
        with self._lock:
            self._running.discard(self._process)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()


def _python(info: Any, root: Path) -> Path:
    """Return the interpreter of a program: its virtual environment's where it names one that is there, else ours."""
    named = str(json_format.MessageToDict(info.options).get("virtualenv", ""))
    if named:
        for name in ("bin/python", "Scripts/python.exe"):
            if (root / named / name).exists():
                return root / named / name
    return Path(sys.executable)


def _program(info: Any) -> str:
    program = Path(info.program_directory)
    return str(program / info.entry_point) if info.entry_point not in ("", ".") else str(program)


def _lines(process: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    """Yield what a process prints on either stream as it comes, until both are closed."""
    queue: SimpleQueue[tuple[str, str] | None] = SimpleQueue()

    def follow(source: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                queue.put((source, line))
        queue.put(None)

    for source in ("stdout", "stderr"):
        threading.Thread(target=follow, args=(source, getattr(process, source)), daemon=True).start()
    open_streams = 2
    while open_streams:
        item = queue.get()
        if item is None:
            open_streams -= 1
        else:
            yield item


def _log(engine: str, line: str, *, error: bool) -> None:
    """Show a line that a program printed where the engine shows its own."""
    if not engine:
        return
    with grpc.insecure_channel(engine) as channel:
        stub: Any = engine_pb2_grpc.EngineStub(channel)
        severity = engine_pb2.ERROR if error else engine_pb2.INFO
        stub.Log(engine_pb2.LogRequest(severity=severity, message=line.rstrip("\n")))


def _struct(values: dict[str, Any]) -> Any:
    made = struct_pb2.Struct()
    made.update(values)
    return made
