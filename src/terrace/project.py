"""A model project on disk: its infrastructure's program, and the settings of the model in an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrace.errors import ProjectError, SandboxError
from terrace.target import Say, Target, open_target

if TYPE_CHECKING:
    from terrace.maturity import ModelSettings


@dataclass(frozen=True)
class Project:
    """A model project in one environment.

    Attributes:
        root: The project's folder.
        settings: The model's settings in the environment, checked.
    """

    root: Path
    settings: ModelSettings

    @property
    def infra(self) -> Path:
        """Folder of the project's Pulumi program."""
        return self.root / "infra"

    @property
    def settings_file(self) -> Path:
        """The file that the settings were read from."""
        return self.infra / f"Pulumi.{self.settings.environment}.yaml"

    @property
    def python(self) -> Path | None:
        """The interpreter of the project's own environment, None before `make setup`."""
        for name in (".venv/bin/python", ".venv/Scripts/python.exe"):
            if (self.root / name).exists():
                return self.root / name
        return None

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
            raise SandboxError(f"{settings.environment} lives on AWS, in account {settings.account}.")
        return open_target(
            settings.account,
            settings.account_id,
            settings.region,
            start=start,
            say=say or (lambda _text: None),
            profile=profile,
        )


def open_project(path: Path, environment: str, overrides: Mapping[str, Any] | None = None) -> Project:
    """Read a model project's settings in an environment.

    Raises:
        ProjectError: The folder is no model project.
        SettingsError: The settings cannot be built from; every problem is named.
    """
    from terrace.settings import load_model

    root = path.resolve()
    for needed in ("infra/Pulumi.yaml", "infra/__main__.py"):
        if not (root / needed).is_file():
            raise ProjectError(f"{root} is no model project: {needed} is missing.", "Make one with: terrace new PATH")
    return Project(root, load_model(root / "infra", environment, overrides))
