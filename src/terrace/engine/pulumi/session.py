"""One stack of Pulumi's, opened for one run: its workspace, its program, its command line, its errors."""

from __future__ import annotations

import logging
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pulumi import automation
from pulumi.automation.errors import CommandError, ConcurrentUpdateError, StackNotFoundError

from terrace.engine.embedded.blame import explain
from terrace.engine.model import Program, ResourceError
from terrace.engine.modules import execute, program_modules
from terrace.engine.pulumi import deployment, workspace
from terrace.engine.pulumi.cli import INSTALL, Command
from terrace.engine.pulumi.events import Collector, is_lost, is_stack, sentence
from terrace.engine.pulumi.language import Inline, serve
from terrace.errors import EngineError, LockedError, TerraceError

AGAIN = "The same command finishes what it began."
_LOCK = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
_PLUGIN = re.compile(
    r"no resource plugin 'pulumi-resource-(?P<name>[\w-]+)' found in the workspace at version v(?P<version>[\d.]+)"
)


class _Stack(automation.Stack):
    """A stack that asks for no history and outputs after each run: events have told them, and each costs a process."""

    def info(self, show_secrets: bool = True) -> Any:
        return {}

    def outputs(self) -> Any:
        return {}


class Session:
    """A stack that commands can be run on.

    Attributes:
        stack: The stack; None if it does not exist yet and was not to be made.
        command: The command line.
        sandbox: Resources go to the sandbox.
    """

    def __init__(
        self,
        program: Program,
        stack: automation.Stack | None,
        command: Command,
        patience: float = 0.0,
        *,
        sandbox: bool = False,
    ) -> None:
        self.program = program
        self.patience = patience
        self.sandbox = sandbox
        self.stack = stack
        self.command = command
        self.raised: list[BaseException] = []

    def export(self) -> automation.Deployment:
        """Return the stack's state; an empty one of a stack that does not exist."""
        if self.stack is None:
            return automation.Deployment(version=3, deployment={})
        with self.told():
            return self.stack.export_stack()

    def outputs(self) -> dict[str, tuple[Any, bool]]:
        """Return the stack's outputs, and whether each is secret."""
        if self.stack is None:
            return {}
        with self.told():
            found = automation.Stack.outputs(self.stack)
        return {name: (output.value, output.secret) for name, output in found.items()}

    def run(self, action: Callable[[automation.Stack], Any], collector: Collector) -> None:
        """Run one action on the stack.

        A lock that a dead process of this machine left is removed, and said to be.

        Raises:
            EngineError: It failed, or was interrupted.
            LockedError: Somebody else works on the stack. Names them.
            TerraceError: The program raised it.
        """
        assert self.stack is not None  # noqa: S101  (sessions that run make their stack)
        deadline = time.monotonic() + self.patience
        waiting = False
        while True:
            try:
                with self.told(collector):
                    action(self.stack)
                return
            except ConcurrentUpdateError as error:
                holder = _LOCK.search(str(error))
                if holder is not None and _is_dead(holder):
                    collector.message(f"Removed the lock that process {holder['pid']} left; it is no more.", "warning")
                    self.stack.cancel()
                elif time.monotonic() > deadline:
                    raise _locked(self.program, holder) from None
                elif not waiting:
                    waiting = True
                    collector.message(f"Waiting up to {self.patience:g} seconds for {_who(holder)}.")
                time.sleep(0.5 if waiting else 0)

    @contextmanager
    def told(self, collector: Collector | None = None) -> Iterator[None]:
        """Raise what a person can act on in place of the command line's whole output."""
        try:
            yield
        except ConcurrentUpdateError:
            raise
        except CommandError as error:
            raise self._explain(error, collector) from error
        if self.command.interrupted:
            raise EngineError("The run was interrupted.", AGAIN)

    def _explain(self, error: CommandError, collector: Collector | None) -> TerraceError:
        if self.command.interrupted:
            return EngineError("The run was interrupted.", AGAIN)
        failures = collector.failures if collector else []
        if any(map(is_lost, [str(error), *(text for _, text in failures), *map(str, self.raised)])):
            return self._lost()
        program = next((raised for raised in self.raised if _is_own(raised)), None)
        if isinstance(program, TerraceError):
            return program
        plugin = _PLUGIN.search(str(error))
        if plugin:
            return EngineError(
                f"Pulumi's provider plugin {plugin['name']} {plugin['version']} is not installed.",
                f"Install it with: pulumi plugin install resource {plugin['name']} {plugin['version']}",
            )
        for urn, text in failures:
            if not is_stack(urn):
                return ResourceError(urn, sentence(text), AGAIN)
        if program is not None:
            return explain(program, self.program)
        return _plain(str(error), [text for _, text in failures])

    def _lost(self) -> EngineError:
        """Return the error for a provider whose process ended during the run, with where that leaves the stack."""
        known = sum(1 for _ in deployment.made(self.stack.export_stack())) if self.stack is not None else 0
        where, state = "sandbox" if self.sandbox else "provider", f"The stack's state has {known} resources"
        said = f"The connection to the {where} was lost in the middle of the run: its process has ended. {state}"
        if self.sandbox:
            again = f"{AGAIN} It starts a sandbox and builds everything in it."
            return EngineError(f"{said}, and the sandbox that held them is gone.", again)
        return EngineError(f"{said}; what was under way may have been made without being in it.", AGAIN)


@contextmanager
def open_session(
    home: Path, program: Program, variables: Mapping[str, str], *, sandbox: bool, make: bool, patience: float = 0.0
) -> Iterator[Session]:
    """Open a program's stack inside the block.

    Args:
        home: `TERRACE_HOME`.
        program: The program and its configuration.
        variables: What Pulumi gets besides the variables of this process: where the sandbox is.
        sandbox: Resources go to the sandbox.
        make: Make the stack if there is none.
        patience: How many seconds to wait for another run of the stack.

    Raises:
        EngineError: Pulumi is not on this machine, or cannot open the stack.
    """
    if not program.file.is_file():
        raise EngineError(
            f"There is no program at {program.main}.", "Name a Python file, or a folder with __main__.py."
        )
    # A failed run's program goes on for a moment after its engine has gone, and would tell of each call that failed.
    logging.getLogger("grpc._server").setLevel(logging.CRITICAL)
    command = Command()
    session = Session(program, None, command, patience, sandbox=sandbox)
    host = Inline(lambda: _run(program), session.raised.append)
    with (
        tempfile.TemporaryDirectory(prefix="terrace-") as name,
        program_modules(program.folder),
        serve(host) as port,
    ):
        secrets_provider = workspace.write(Path(name), program)
        place = automation.LocalWorkspace(
            work_dir=name,
            env_vars={
                **workspace.variables(home, program, passphrase=sandbox),
                **variables,
                "PULUMI_DEBUG_LANGUAGES": f"python:{port}",
            },
            secrets_provider=secrets_provider,
            pulumi_command=command,
        )
        with session.told():
            try:
                session.stack = _Stack.select(program.stack, place)
            except StackNotFoundError:
                if make:
                    session.stack = _Stack.create(program.stack, place)
            if session.stack is not None:
                for key in program.secret_keys:
                    if key in program.config:
                        value = automation.ConfigValue(program.config[key], secret=True)
                        place.set_config(program.stack, key, value)
        yield session


def _run(program: Program) -> None:
    try:
        execute(program.file)
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            raise


def _is_own(error: BaseException) -> bool:
    """Tell an error of the program from one that says only that the engine has gone."""
    import grpc  # type: ignore[import-untyped]

    return not isinstance(error, grpc.RpcError)


def _is_dead(holder: re.Match[str]) -> bool:
    return holder["host"] == socket.gethostname() and not psutil.pid_exists(int(holder["pid"]))


def _locked(program: Program, holder: re.Match[str] | None) -> LockedError:
    return LockedError(
        f"{program.project}/{program.stack} is locked by {_who(holder)}.",
        "Wait until that run has ended, then try again; if it is dead, `pulumi cancel` removes its lock.",
    )


def _who(holder: re.Match[str] | None) -> str:
    if holder is None:
        return "another run"
    return f"process {holder['pid']} of {holder['user']} on {holder['host']}, which works on it since {holder['since']}"


def _plain(output: str, failures: list[str]) -> EngineError:
    """Return the error for what Pulumi itself refused: the lines that it marks as errors."""
    text = "\n".join(failures) or "\n".join(
        line.partition("error:")[2].strip() for line in output.splitlines() if line.lstrip().startswith("error:")
    )
    if "passphrase must be set" in output or "incorrect passphrase" in output:
        return EngineError(
            sentence(text) or "The stack's passphrase is missing or wrong.",
            "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase of the stack.",
        )
    if "executable file not found" in output:
        return EngineError("Pulumi's command line cannot be run.", INSTALL)
    return EngineError(f"Pulumi: {sentence(text) or output.strip().splitlines()[-1]}")
