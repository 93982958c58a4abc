"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _environments(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an environment from the settings files of the platform around the working folder."""
    from terrace.errors import TerraceError
    from terrace.platform import find_root
    from terrace.settings import environments

    try:
        names = environments(find_root(ctx.params.get("root")))
    except TerraceError:
        return []
    return [name for name in names if name.startswith(incomplete)]


env_argument: Decorator = click.argument("env", metavar="ENV", shell_complete=_environments)

root_option: Decorator = click.option(
    "-C",
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the platform's program; default: the working folder or the nearest one above it that has one.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
debug_option: Decorator = click.option("--debug", is_flag=True, help="Show where an error comes from.")


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` and `--debug`; the latter is read by the group and not handed to the command."""

    def drop_debug(_ctx: click.Context, _param: click.Parameter, _value: bool) -> None:
        return None

    debug = click.option(
        "--debug", is_flag=True, expose_value=False, callback=drop_debug, help="Show where an error comes from."
    )
    return json_option(debug(function))


project_option: Decorator = click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A model project (a folder from `terrace new`) instead of the platform itself.",
)
