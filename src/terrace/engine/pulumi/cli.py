"""Pulumi's command line, run so that an interrupt reaches it once and it can end well."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error

from terrace.engine.pulumi.where import find_cli
from terrace.errors import EngineError

INSTALL = "Install it from https://www.pulumi.com/docs/install/, or run with --engine embedded in the sandbox."


class Command(PulumiCommand):
    """Pulumi's command in a process group of its own, which an interrupt of this process is passed on to.

    Raises:
        EngineError: It is not on this machine.
    """

    def __init__(self) -> None:
        found = find_cli()
        if found is None:
            raise EngineError("Pulumi's command line is not on this machine.", INSTALL)
        super().__init__()
        self.command = str(found)
        self.interrupted = False
        self.errors: list[str] = []

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandError: It failed.
        """
        if "--non-interactive" not in args:
            args = ["--non-interactive", *args]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with subprocess.Popen(
            [self.command, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            out, said = _follow(process.stdout, on_output), _follow(process.stderr, on_error)
            self._wait(process)
            result = CommandResult(stdout=out(), stderr=said(), code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _wait(self, process: subprocess.Popen[str]) -> None:
        """Wait for the end. The first interrupt asks for a good end, the second for an end at once."""
        while process.poll() is None:
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                self.interrupted = True


def _follow(stream: IO[str] | None, listen: Callable[[str], Any] | None) -> Callable[[], str]:
    """Read a stream in a thread; the result waits for its end and returns all of it."""
    lines: list[str] = []

    def read() -> None:
        for line in stream or ():
            lines.append(line.rstrip())
            if listen is not None:
                listen(lines[-1])

    thread = threading.Thread(target=read, daemon=True)
    thread.start()

    def ended() -> str:
        thread.join()
        return "\n".join(lines)

    return ended
