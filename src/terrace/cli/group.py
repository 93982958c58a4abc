"""The command group. Commands are imported when they are called, so that `terrace --help` stays quick."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from terrace import __version__
from terrace.errors import RunError, SettingsError, TerraceError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("terrace.cli.init", "Write a platform's program and settings into a folder."),
    "bootstrap": ("terrace.cli.bootstrap", "Make what a shared backend needs; with --check, report on the account."),
    "levels": ("terrace.cli.levels", "Show the maturity levels, one of them, or what a step from one to another adds."),
    "preview": ("terrace.cli.stack", "Show what `up` would do, and do nothing."),
    "up": ("terrace.cli.stack", "Bring an environment, or a model project in it, to what its settings say."),
    "upgrade": ("terrace.cli.upgrade", "Show what a change of level would do, then do it."),
    "retire": ("terrace.cli.retire", "Delete for good what is kept of a capability that is off."),
    "refresh": ("terrace.cli.stack", "Bring the state of a stack up to date with what is really there."),
    "import": ("terrace.cli.taking", "Take what exists into a stack: a resource, or all that the other engine made."),
    "destroy": ("terrace.cli.stack", "Remove an environment, or a model project from it."),
    "outputs": ("terrace.cli.stack", "Show what an environment or a model project exports."),
    "status": ("terrace.cli.status", "Show what an environment has: level, capabilities, models and who serves."),
    "new": ("terrace.cli.new", "Make a model repository from the template."),
    "pipeline": ("terrace.cli.pipeline", "Run a model's pipeline, follow it, and see what its runs cost."),
    "models": ("terrace.cli.models", "Show a model's versions: metrics, decisions, who serves, where each is from."),
    "approve": ("terrace.cli.approval", "Approve a version of a model, so that it can be released."),
    "reject": ("terrace.cli.approval", "Reject a version of a model, so that it cannot be released."),
    "release": ("terrace.cli.release", "Put a registered version of a model on its endpoint."),
    "rollback": ("terrace.cli.rollback", "Put what served before on the endpoint again."),
    "sandbox": ("terrace.cli.sandbox", "Run AWS on this machine."),
    "demo": ("terrace.cli.demo", "Tell the whole story in the sandbox, on real data."),
    "completion": ("terrace.cli.completion", "Print the completion script of a shell."),
}
"""Command → its module, whose attribute has the command's name, and the one line that `terrace --help` shows."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        # A command may be called what no attribute can: `import` is `import_`.
        command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        assert isinstance(command, click.Command)  # noqa: S101  (a module that breaks the table's promise)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `terrace {near[0]}`?" if near else f" There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Arguments come in one order: what, then the environment. All commands take --json. "
    "Exit status: 0 done, 1 refused or failed, 2 a usage error.",
)
@click.version_option(__version__, prog_name="terrace")
def terrace() -> None:
    """An AWS MLOps stack sized to your maturity level, and model repositories that live on it.

    Without an AWS account everything runs in a sandbox on this machine: try `terrace demo`.
    """


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit status. Errors become one message on standard error.

    With `--json` among the arguments a failure is also one JSON object on standard output:
    `{"error": {"message", "hint", "problems"}}`, and for a run of a pipeline what it was beside it.
    """
    debug = "--debug" in args or bool(os.environ.get("TERRACE_DEBUG"))
    try:
        terrace.main(args=list(args), prog_name="terrace", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        click.echo("Interrupted. The same command finishes what was begun.", err=True)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone (`terrace levels | head`): nothing is left to say to anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        return _explain(error, "--json" in args)
    return 0


def _explain(error: Exception, as_json: bool) -> int:
    if isinstance(error, TerraceError):
        message, hint = error.message, error.hint
        problems = list(error.problems) if isinstance(error, SettingsError) else [message]
    else:
        message = f"{type(error).__name__}: {error}"
        hint = "This is not an error that Terrace expects. The same command with --debug shows where it comes from."
        problems = [message]
    for problem in problems:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {problem}", err=True)
    if hint:
        click.echo(hint, err=True)
    if as_json:
        details = error.details if isinstance(error, RunError) else {}
        said = {"error": {"message": message, "hint": hint, "problems": problems}, **details}
        click.echo(json.dumps(said, indent=2))
    return 1
