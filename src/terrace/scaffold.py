"""Model repositories from the template: made, and brought up to date."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrace import paths
from terrace.errors import ProjectError

if TYPE_CHECKING:
    from terrace.maturity import PlatformContract

ENVIRONMENTS = ("dev", "staging", "prod")
"""Environments that the template has settings for; another one starts as a copy of dev's."""


@dataclass(frozen=True)
class Scaffolded:
    """A project that was made.

    Attributes:
        path: Its folder.
        model: Name of the model.
        files: Its files, relative to the folder, sorted.
        updatable: Whether `copier update` can bring a newer template.
        notes: What its maker should know.
    """

    path: Path
    model: str
    files: tuple[Path, ...]
    updatable: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """Where the template comes from: a path or URL, and for a git repository the tag or commit."""

    source: str
    ref: str | None


def bundled_template() -> Template:
    """Return the template that this Terrace has: the checkout at the commit it is at, or the copy in the wheel.

    An explicit ref keeps copier from taking the newest tag, which may be older than the checkout.
    """
    bundle = paths.bundle()
    in_git = paths.in_checkout() and (bundle / ".git").exists() and shutil.which("git") is not None
    return Template(str(bundle), "HEAD" if in_git else None)


TRACKING = {"app": "mlflow", "server": "mlflow", "mlflow": "mlflow", "wandb": "wandb", "neptune": "neptune"}
"""How the platform tracks runs → the template's answer."""


def contract_answers(contract: PlatformContract) -> dict[str, Any]:
    """Return the answers that a platform contract gives."""
    from terrace.maturity.names import made_up_account

    real = contract.account != made_up_account(contract.environment)
    answers: dict[str, Any] = {
        "environment": contract.environment,
        "level": contract.level,
        "region": contract.region,
        "account": contract.account if real else "",
        "owner": contract.owner,
        "team": contract.teams[0].name,
    }
    if contract.packages and contract.packages.index:
        answers["index_url"] = contract.packages.index
    if contract.gitlab_provider_arn and not contract.github_provider_arn:
        answers["ci"] = "gitlab"
    if contract.tracking:
        answers["tracking"] = TRACKING.get(contract.tracking.kind, "none")
    return answers


def new(
    path: Path,
    answers: Mapping[str, Any],
    suggestions: Mapping[str, Any] | None = None,
    *,
    defaults: bool,
    template: Template | None = None,
) -> Scaffolded:
    """Make a model repository in a new or empty folder, with a first commit where git is there.

    Args:
        path: The folder.
        answers: Answers by question; these are not asked.
        suggestions: Answers that a person may change; taken where `defaults` is set.
        defaults: Ask nothing: take the answers, the suggestions, and the template's defaults.
        template: Where the template comes from; this Terrace's own without one.

    Raises:
        ProjectError: The folder holds something, a question or an answer is not one, or the template cannot be had.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ProjectError(f"{path} is there and not empty.", "Name a new folder; nothing was written.")
    template = template or bundled_template()
    _known(answers)
    worker = _copier(
        "run_copy",
        template.source,
        path,
        data=dict(answers),
        user_defaults=dict(suggestions or {}),
        vcs_ref=template.ref,
        defaults=defaults,
        quiet=True,
        overwrite=True,
    )
    given = worker.answers.combined
    environment = str(given["environment"])
    if environment not in ENVIRONMENTS:
        shutil.copyfile(path / "infra" / "Pulumi.dev.yaml", path / "infra" / f"Pulumi.{environment}.yaml")
    notes = [] if template.ref else [
        "This copy of the template cannot be updated from: when Terrace's repository is in reach, re-point _src_path "
        "in .copier-answers.yml to it and run `copier update`."
    ]  # fmt: skip
    if not _first_commit(path):
        notes.append("git is not installed: make a commit before `terrace up --project` and `copier update`.")
    files = sorted(
        f.relative_to(path) for f in path.rglob("*") if f.is_file() and ".git" not in f.relative_to(path).parts
    )
    return Scaffolded(path, str(given["model"]), tuple(files), template.ref is not None, tuple(notes))


def update(path: Path, answers: Mapping[str, Any] | None = None, ref: str | None = None) -> None:
    """Bring a newer template to a project without losing what its team edited.

    Args:
        path: The project.
        answers: Answers that are to change.
        ref: Tag or commit of the template; without one, the newest commit.

    Raises:
        ProjectError: The project has changes that are not committed, or its template cannot be had.
    """
    _copier(
        "run_update", path, data=dict(answers or {}), vcs_ref=ref or "HEAD", defaults=True, overwrite=True, quiet=True
    )


def questions() -> dict[str, dict[str, Any]]:
    """Return the template's questions by name, as its `copier.yml` has them; what is only derived is none."""
    import yaml

    asked = yaml.safe_load((paths.bundle() / "templates" / "model" / "copier.yml").read_text())
    return {
        name: question
        for name, question in asked.items()
        if not name.startswith("_") and question.get("when") is not False
    }


def _known(answers: Mapping[str, Any]) -> None:
    import difflib

    known = questions()
    for name in answers:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise ProjectError(f"The template has no question {name!r}.", f"{hint}It asks: {', '.join(known)}.")


def _copier(function: str, *args: Any, **kwargs: Any) -> Any:
    """Call copier; its errors become ours, and its warnings about our own checkout are for nobody."""
    import copier
    from copier.errors import CopierError, DirtyLocalWarning, ShallowCloneWarning
    from plumbum.commands.processes import ProcessExecutionError

    try:
        with warnings.catch_warnings():
            for silent in (DirtyLocalWarning, ShallowCloneWarning, UserWarning):
                warnings.simplefilter("ignore", silent)
            return getattr(copier, function)(*args, **kwargs)
    except (CopierError, ValueError, TypeError) as error:
        raise ProjectError(f"The template refused an answer. {_one_line(error)}", "Nothing was written.") from error
    except ProcessExecutionError as error:
        raise ProjectError(
            f"git cannot read the template: {error.stderr.strip()}", "Is the repository in reach?"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _first_commit(path: Path) -> bool:
    """Commit what was made, under a name of our own where git knows none."""
    if shutil.which("git") is None:
        return False
    identity = ["-c", "user.name=Terrace", "-c", "user.email=terrace@localhost"]
    known = subprocess.run(["git", "config", "user.email"], capture_output=True, cwd=path, check=False).returncode == 0
    git = ["git", *([] if known else identity), "-C", str(path)]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--no-verify", "--message=Begin from the model template"],
    ):
        done = subprocess.run([*git, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ProjectError(f"git {command[0]} failed in {path}: {done.stderr.strip()}", "The files are there.")
    return True
