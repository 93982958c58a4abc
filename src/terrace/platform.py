"""A platform on disk: its program, and the settings of its environments."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrace import paths
from terrace.errors import SandboxError, TerraceError
from terrace.target import Say, Target, open_target

if TYPE_CHECKING:
    from terrace.maturity import PlatformSettings

PROGRAM_FILES = ("Pulumi.yaml", "stacks/__main__.py")
SETTINGS = "stacks/Pulumi.{environment}.yaml"


@dataclass(frozen=True)
class Platform:
    """One environment of a platform.

    Attributes:
        root: The folder that holds `Pulumi.yaml` and `stacks/`.
        settings: The settings of the environment, checked.
    """

    root: Path
    settings: PlatformSettings

    @property
    def environment(self) -> str:
        """Name of the environment: `dev`."""
        return self.settings.environment

    @property
    def settings_file(self) -> Path:
        """The file that the settings were read from."""
        return self.root / SETTINGS.format(environment=self.environment)

    def target(
        self, *, start: bool = True, sandbox_only: bool = False, say: Say | None = None, profile: str | None = None
    ) -> Target:
        """Open the target of the environment.

        Args:
            start: Start the sandbox where it is needed and does not run.
            sandbox_only: Refuse an environment that lives on AWS.
            say: Told that the sandbox was started.
            profile: AWS profile whose credentials are used; None takes those at hand.
        """
        settings = self.settings
        if sandbox_only and settings.account is not None:
            raise SandboxError(
                f"{self.environment} lives on AWS, in account {settings.account}.",
                f"Only an environment without terrace:account lives in the sandbox; see {self.settings_file}.",
            )
        return open_target(
            settings.account,
            settings.account_id,
            settings.region,
            start=start,
            say=say or (lambda _text: None),
            profile=profile,
        )


def find_root(named: Path | None = None) -> Path:
    """Return the folder of the platform's program: the one named, or the nearest above the working folder.

    Raises:
        TerraceError: There is none.
    """
    start = (named or Path.cwd()).resolve()
    candidates = [start] if named else [start, *start.parents]
    for folder in candidates:
        if (folder / "Pulumi.yaml").is_file() and (folder / "stacks" / "__main__.py").is_file():
            return folder
    raise TerraceError(
        f"There is no platform in {start}{'' if named else ' or above it'}: Pulumi.yaml and stacks/ are missing.",
        "Make one with `terrace init PATH`, or name its folder with --root.",
    )


def open_platform(root: Path | None, environment: str, overrides: Mapping[str, Any] | None = None) -> Platform:
    """Read one environment's settings.

    Args:
        root: Folder of the program; None looks from the working folder upwards.
        environment: Name of the environment; `stacks/Pulumi.<environment>.yaml` holds its settings.
        overrides: Settings for this once, by their name in the file: `{"level": 1}`.

    Raises:
        SettingsError: The settings cannot be built from; every problem is named.
    """
    from terrace.settings import load

    found = find_root(root)
    return Platform(found, load(found, environment, overrides))


def write_program(path: Path) -> list[Path]:
    """Write the program and the settings of a new platform into a new or empty folder.

    Returns:
        What was written, relative to `path`.

    Raises:
        TerraceError: The folder holds something already.
    """
    if path.exists() and any(path.iterdir()):
        raise TerraceError(f"{path} is not empty.", "Name a new folder; nothing was written.")
    bundle = paths.bundle()
    sources = [Path(name) for name in PROGRAM_FILES]
    sources += sorted(found.relative_to(bundle) for found in (bundle / "stacks").glob("Pulumi.*.yaml"))
    for name in sources:
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle / name, target)
    from terrace import __version__

    (path / "requirements.txt").write_text(f"terrace-mlops[sandbox]=={__version__}\n")
    (path / ".gitignore").write_text(".venv/\n__pycache__/\n")
    return [*sources, Path("requirements.txt"), Path(".gitignore")]
