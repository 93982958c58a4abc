"""`terrace completion`: the script that a shell reads to complete commands, options and environments."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from terrace.cli.group import terrace


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash, for example: eval "$(terrace completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"No completion for {shell}.")
    click.echo(found(terrace, {}, "terrace", "_TERRACE_COMPLETE").source())
