"""Make what the first `up` on a shared backend needs. The same command finishes what was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrace.bootstrap.deploy_policies import deploy_policies
from terrace.bootstrap.names import Names, names_of, tags_of
from terrace.bootstrap.role import ensure_provider, ensure_role, role_exists
from terrace.bootstrap.state import ensure_bucket, ensure_key
from terrace.bootstrap.steps import Step, making
from terrace.bootstrap.trust import Repository, missing, providers, trust
from terrace.maturity import PlatformSettings
from terrace.target import Target

Say = Callable[[Step], None]


@dataclass(frozen=True)
class Made:
    """What bootstrap made, and what comes next.

    Attributes:
        at: Names of what it makes.
        target: `aws` or `sandbox`.
        steps: What came of each thing.
        settings: Settings keys that should be set now, and their values.
    """

    at: Names
    target: str
    steps: tuple[Step, ...]
    settings: dict[str, str]

    @property
    def changed(self) -> bool:
        """Whether anything was made or changed."""
        return any(step.outcome in ("made", "changed") for step in self.steps)

    def next_lines(self) -> list[str]:
        """Return what to type next."""
        lines = [
            f"export PULUMI_BACKEND_URL='{self.at.backend_url}'",
            f"pulumi stack init {self.at.environment} --secrets-provider='{self.at.secrets_provider}'",
        ]
        if self.target == "sandbox":
            lines.insert(0, f'eval "$(terrace sandbox env {self.at.environment})"')
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; its form is a contract that scripts rest on."""
        return {
            "environment": self.at.environment,
            "account": self.at.account,
            "region": self.at.region,
            "target": self.target,
            "changed": self.changed,
            "steps": [step.to_json() for step in self.steps],
            "backend_url": self.at.backend_url,
            "secrets_provider": self.at.secrets_provider,
            "settings": self.settings,
            "next": self.next_lines(),
        }


def make(settings: PlatformSettings, target: Target, repository: Repository, say: Say) -> Made:
    """Make the state's key and bucket, and the first deploy role; what is there already is left, or set right.

    Args:
        settings: What the environment is made of.
        target: Its account, opened: the credentials were compared with it.
        repository: Whose pipeline deploys the platform.
        say: Told of each step as it is done.

    Raises:
        NotAllowedError: The caller may not make something. Says how to have it made.
        TerraceError: The settings do not trust the repository, or AWS refuses.
    """
    at, tags = names_of(settings), tags_of(settings)
    trusted = trust(settings, at, repository)
    steps: list[Step] = []

    def done(step: Step) -> None:
        steps.append(step)
        say(step)

    with making("state key", at.environment):
        key_arn, step = ensure_key(target.client("kms"), at, tags)
    done(step)
    with making("state bucket", at.environment):
        done(ensure_bucket(target.client("s3"), at, key_arn, tags))
    iam = target.client("iam")
    with making("deploy role", at.environment):
        if trusted is None and not role_exists(iam, at):
            done(Step("deploy role", at.role_arn, "left out", missing(settings)))
            return Made(at, target.kind, tuple(steps), {})
        for provider in providers(settings, at):
            done(ensure_provider(iam, provider, tags))
        policies = deploy_policies(settings, at, key_arn)
        boundary = settings.identity.boundary_arn
        for step in ensure_role(iam, at, trusted, policies, tags, prescribed_boundary=boundary):
            done(step)
    bring = {provider.key: provider.arn for provider in providers(settings, at) if not provider.brought}
    return Made(at, target.kind, tuple(steps), bring)
