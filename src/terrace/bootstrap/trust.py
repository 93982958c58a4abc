"""Whose pipeline deploys the platform: one repository, one branch or environment, never a pattern. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from terrace.bootstrap.names import Names
from terrace.errors import TerraceError
from terrace.maturity import PlatformSettings
from terrace.maturity.documents import Document, document
from terrace.maturity.oidc import (
    GITHUB_AUDIENCE,
    GITHUB_URL,
    GithubRepository,
    github_trust,
    gitlab_trust,
)


@dataclass(frozen=True)
class Repository:
    """The repository that holds the platform, as its owner types it.

    Attributes:
        github: Name of the repository on GitHub, without its owner.
        github_id: Its numeric id.
        legacy_subject: It is older than 2026-07-15 and its tokens present names alone.
        gitlab: Path of the project on GitLab.
    """

    github: str | None = None
    github_id: str | None = None
    legacy_subject: bool = False
    gitlab: str | None = None


@dataclass(frozen=True)
class Provider:
    """An OIDC provider of the account.

    Attributes:
        name: `github` or `gitlab`.
        url: Where its tokens are from.
        audience: Whom its tokens are for.
        arn: Its ARN: the one that is brought, or the one that it gets.
        brought: The settings name it, so it is not made.
    """

    name: str
    url: str
    audience: str
    arn: str
    brought: bool

    @property
    def key(self) -> str:
        """The settings key that brings it."""
        return f"terrace:ci.{self.name}.providerArn"


def providers(settings: PlatformSettings, at: Names) -> list[Provider]:
    """Return the providers that the settings trust."""
    found = []
    github, gitlab = settings.ci.github, settings.ci.gitlab
    if github is not None:
        found.append(_provider(at, "github", GITHUB_URL, GITHUB_AUDIENCE, github.provider_arn))
    if gitlab is not None:
        found.append(_provider(at, "gitlab", gitlab.url, gitlab.url, gitlab.provider_arn))
    return found


def trust(settings: PlatformSettings, at: Names, repository: Repository) -> Document | None:
    """Return the trust policy of the deploy role; None where nobody is named who could be trusted.

    Raises:
        TerraceError: A repository is named that the settings do not trust, or half of what identifies it is missing.
    """
    _check(settings, repository)
    ci, statements = settings.ci, []
    for provider in providers(settings, at):
        if provider.name == "github" and ci.github and repository.github and repository.github_id:
            exact = GithubRepository(
                ci.github.organisation,
                ci.github.organisation_id,
                repository.github,
                repository.github_id,
                repository.legacy_subject,
            )
            found = github_trust(provider.arn, exact, ci.branch, settings.environment)
        elif provider.name == "gitlab" and repository.gitlab:
            found = gitlab_trust(provider.arn, provider.url, repository.gitlab, ci.branch)
        else:
            continue
        statements += [{**one, "Sid": f"Trust{provider.name.capitalize()}"} for one in found["Statement"]]
    return document(*statements) if statements else None


def missing(settings: PlatformSettings) -> str:
    """Return what somebody has to say or set before there can be a deploy role."""
    flags = []
    if settings.ci.github:
        flags.append("--github-repository NAME --github-repository-id ID")
    if settings.ci.gitlab:
        flags.append(f"--gitlab-project {settings.ci.gitlab.group}/NAME")
    if flags:
        return f"the platform's repository is not named: add {' and '.join(flags)}"
    return "terrace:ci names neither github nor gitlab, so nobody is trusted"


def _check(settings: PlatformSettings, repository: Repository) -> None:
    ci = settings.ci
    if repository.github is not None or repository.github_id is not None:
        if ci.github is None:
            raise TerraceError(
                "A GitHub repository is named, but terrace:ci.github is not set.",
                "Set terrace:ci.github: {organisation: NAME, organisationId: ID}.",
            )
        if repository.github is None or repository.github_id is None:
            raise TerraceError(
                "--github-repository and --github-repository-id go together: names can change hands, ids cannot.",
                f"GET https://api.github.com/repos/{ci.github.organisation}/NAME shows the id.",
            )
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", repository.github):
            raise TerraceError(
                f"{repository.github!r} is no name of a GitHub repository.", "Give it without its owner and without *."
            )
        if not re.fullmatch(r"[0-9]{1,20}", repository.github_id):
            raise TerraceError(f"{repository.github_id!r} is no id of a GitHub repository: it has digits alone.")
    if repository.gitlab is not None:
        if ci.gitlab is None:
            raise TerraceError(
                "A GitLab project is named, but terrace:ci.gitlab is not set.", "Set terrace:ci.gitlab: {group: NAME}."
            )
        inside = repository.gitlab.startswith(f"{ci.gitlab.group}/")
        if not inside or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}", repository.gitlab):
            raise TerraceError(
                f"{repository.gitlab!r} is no project of the group {ci.gitlab.group}, which terrace:ci.gitlab trusts.",
                f"Give its whole path: {ci.gitlab.group}/NAME.",
            )


def _provider(at: Names, name: str, url: str, audience: str, brought: str | None) -> Provider:
    made = at.arn(f"oidc-provider/{url.removeprefix('https://')}")
    return Provider(name, url, audience, brought or made, brought is not None)
