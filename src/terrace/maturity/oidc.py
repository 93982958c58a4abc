"""Which pipeline of which repository may act: subjects of OIDC tokens, always exact. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from terrace.maturity.documents import Document, web_identity_trust

GITHUB_URL = "https://token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class GithubRepository:
    """A repository on GitHub, with the numeric ids that outlive a rename."""

    owner: str
    owner_id: str
    name: str
    repository_id: str
    old_subject: bool = False
    """The repository still presents names alone: made before 2026-07-15 and never renamed since."""

    @property
    def subject(self) -> str:
        """How the repository begins the subject of its tokens."""
        if self.old_subject:
            return f"repo:{self.owner}/{self.name}"
        return f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}"


def github_trust(provider_arn: Any, repository: GithubRepository, branch: str, environment: str) -> Document:
    """Return the trust of a role that jobs of one repository assume: those of one branch, or of one environment.

    A job that names a GitHub environment presents that instead of its branch. The numeric id of the repository is
    checked as a claim of its own too, so that the old form of subject cannot be taken over with the name.
    """
    host = GITHUB_URL.removeprefix("https://")
    subjects: Mapping[str, Sequence[str]] = {
        f"{host}:sub": [
            f"{repository.subject}:ref:refs/heads/{branch}",
            f"{repository.subject}:environment:{environment}",
        ],
        f"{host}:repository_id": [repository.repository_id],
    }
    return web_identity_trust(provider_arn, {f"{host}:aud": GITHUB_AUDIENCE}, subjects)


def gitlab_trust(provider_arn: Any, url: str, project: str, branch: str) -> Document:
    """Return the trust of a role that jobs of one GitLab project assume, on one branch."""
    host = url.removeprefix("https://")
    subjects = {f"{host}:sub": [f"project_path:{project}:ref_type:branch:ref:{branch}"]}
    return web_identity_trust(provider_arn, {f"{host}:aud": url}, subjects)
