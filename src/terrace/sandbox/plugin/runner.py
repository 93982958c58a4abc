"""Run one Python program of Pulumi's, in a process and an environment of its own: `python -P runner.py ROOT PROGRAM`.

Settings come as one JSON object on standard input. It imports nothing but Pulumi, which the program needs anyhow.
"""

import asyncio
import json
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

TOLD = 32
"""Exit status of a program whose failure the engine has been told."""


def main(root: str, program: str) -> int:
    """Run the program to its end and return the exit status."""
    settings = json.loads(sys.stdin.read())
    try:
        import pulumi
        import pulumi.runtime
    except ImportError:
        print(f"Pulumi's SDK is not installed in {sys.prefix}, the environment of {root}.", file=sys.stderr)
        return 1
    pulumi.runtime.set_all_config(settings.pop("config"), settings.pop("secret_keys"))
    settings["parallel"] = int(settings["parallel"])
    pulumi.runtime.configure(pulumi.runtime.Settings(**settings))
    sys.argv = [program]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max(settings["parallel"], 1) * 4))
    loop.set_exception_handler(lambda _loop, _context: None)

    def run() -> None:
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return TOLD
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except BaseException:
        if loop.is_closed():
            raise
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return TOLD
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2])
    sys.stdout.flush()
    sys.stderr.flush()
    # Requests under way after a failure would keep the process.
    os._exit(code)
