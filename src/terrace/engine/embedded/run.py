"""Runs a program in this process: in a thread, a context and an event loop of its own, so that nothing is shared.

`pulumi.runtime.set_mocks` cannot run a program (it makes a root stack by itself), so the runtime is configured here.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi.runtime
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import settings
from pulumi.runtime.mocks import MockSettings
from pulumi.runtime.stack import run_in_stack

from terrace.engine.embedded.blame import explain
from terrace.engine.embedded.faults import AGAIN, Halt
from terrace.engine.embedded.monitor import Log, Monitor
from terrace.engine.model import Program
from terrace.engine.modules import execute as run_file
from terrace.engine.modules import program_modules
from terrace.errors import EngineError, TerraceError


class _Sealed(dict[str, Any]):
    """Configuration that has every key, most of them unset: so the SDK never looks for one in the environment."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> None:
        return None


def run_program(program: Program, monitor: Monitor, log: Log, halt: Halt, preview: bool, workers: int) -> None:
    """Run the program to its end.

    Raises:
        EngineError: It failed, or was interrupted; what was under way has ended.
        TerraceError: The program raised it.
    """
    if not program.file.is_file():
        raise EngineError(
            f"There is no program at {program.main}.", "Name a Python file, or a folder with __main__.py."
        )
    raised: list[BaseException] = []
    ended = threading.Event()

    def body() -> None:
        try:
            _run(program, monitor, log, halt, preview, workers)
        except BaseException as error:
            halt.fail(error)
            raised.append(error)
        finally:
            ended.set()

    with program_modules(program.folder):
        thread = threading.Thread(target=lambda: contextvars.Context().run(body), name=program.stack, daemon=True)
        thread.start()
        interrupted = _wait(ended, halt)
        thread.join()
    if interrupted:
        raise EngineError("The run was interrupted.", AGAIN)
    error = halt.failure or next(iter(raised), None)
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return
    if isinstance(error, TerraceError):
        raise error
    if error is not None:
        raise explain(error, program) from error


def _wait(ended: threading.Event, halt: Halt) -> bool:
    """Wait for the end. An interrupt stops the run, and a second one no longer waits for it."""
    interrupted = False
    # Not by `join`: interrupted, it takes a thread that runs for one that has ended (Python before 3.13).
    while not ended.is_set():
        try:
            ended.wait(0.5)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            halt.fail(KeyboardInterrupt())
    return interrupted


def _run(program: Program, monitor: Monitor, log: Log, halt: Halt, preview: bool, workers: int) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # After a failure, outputs that nobody awaits would each print a warning.
    loop.set_exception_handler(lambda _loop, _context: None)
    pool = ThreadPoolExecutor(workers, thread_name_prefix=program.stack)
    loop.set_default_executor(pool)
    settings.configure(_settings(program, monitor, log, preview, workers))
    settings.ROOT.set(None)
    pulumi.runtime.set_all_config(dict(program.config), list(program.secret_keys))
    pulumi_config.CONFIG.set(_Sealed(program.config))

    def execute() -> None:
        try:
            run_file(program.file)
        except SystemExit as leaving:
            if leaving.code not in (None, 0):
                halt.fail(leaving)
                raise
        except BaseException as error:
            # Nothing that was declared before it is begun: the resources wait for the program's first pause.
            halt.fail(error)
            raise

    try:
        loop.run_until_complete(run_in_stack(execute))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            # A coroutine that never began would be warned of when it is collected.
            loop.run_until_complete(asyncio.wait(left, timeout=5))
        pool.shutdown(wait=True)
        loop.close()
        asyncio.set_event_loop(None)


def _settings(program: Program, monitor: Monitor, log: Log, preview: bool, workers: int) -> MockSettings:
    """Return settings in which nothing is left to be shared with other programs of this process."""
    return MockSettings(  # type: ignore[no-untyped-call]
        monitor=monitor,
        monitor_features=set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures),
        engine=log,
        project=program.project,
        stack=program.stack,
        dry_run=preview,
        organization="organization",
        root_directory=str(_root(program.folder)),
        callbacks=None,
        outputs=set(),
        lock=threading.Lock(),
        package_refs={},
        base_providers_by_ref={},
        legacy_apply_enabled=False,
        parallel=workers,
    )


def _root(folder: Path) -> Path:
    """Return the nearest folder with a Pulumi.yaml, as the CLI looks for it."""
    return next((place for place in (folder, *folder.parents) if (place / "Pulumi.yaml").is_file()), folder)
