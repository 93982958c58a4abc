"""Where a command is typed: in a platform's folder, or in a model project's."""

from __future__ import annotations

from pathlib import Path

from terrace.errors import TerraceError
from terrace.platform import Platform, open_platform
from terrace.project import Project, open_project


def open_place(root: Path | None, environment: str) -> Platform | Project:
    """Return the environment of the platform around the working folder, else of the model project in it.

    Both know account and region, which is all that commands on contracts and endpoints need.

    Raises:
        TerraceError: The working folder is in neither.
        SettingsError: The settings cannot be built from; every problem is named.
    """
    if root is None and (Path.cwd() / "infra" / "Pulumi.yaml").is_file():
        return open_project(Path.cwd(), environment)
    try:
        return open_platform(root, environment)
    except TerraceError as error:
        if root is None and "There is no platform" in error.message:
            raise TerraceError(error.message, "Run it in the folder of a platform or of a model project.") from None
        raise
