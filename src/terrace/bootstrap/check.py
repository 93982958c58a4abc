"""The report before anything is made: account, what is there, quotas, idle cost. It reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from terrace.bootstrap.existing import Kind, existing
from terrace.bootstrap.quotas import Quota, quotas
from terrace.bootstrap.reading import read
from terrace.cost import IdleCost, idle
from terrace.maturity import PlatformSettings
from terrace.target import Target

SANDBOX_NOTE = "The sandbox has what `up` needs, not every service: what it lacks is said below."


@dataclass(frozen=True)
class Account:
    """Whose credentials these are, and where they lead.

    Attributes:
        target: `aws` or `sandbox`.
        account: Account id of the environment.
        region: AWS region.
        caller: ARN of the caller; None where it could not be read.
        why: Why the caller could not be read.
        method: Where the credentials are from, as boto3 calls it; None in the sandbox.
    """

    target: str
    account: str
    region: str
    caller: str | None
    why: str | None
    method: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "target": self.target,
            "account": self.account,
            "region": self.region,
            "caller": self.caller,
            "could_not_be_read": self.why,
            "credentials": self.method,
        }


@dataclass(frozen=True)
class Check:
    """What an account has and what the environment takes.

    Attributes:
        environment: Name of the environment.
        level: Maturity level that the plan is for.
        account: Whose credentials these are.
        existing: What is there and can be brought.
        quotas: What the plan needs of the account's quotas.
        cost: What the environment costs a month while nobody uses it, the state's key included.
    """

    environment: str
    level: int
    account: Account
    existing: tuple[Kind, ...]
    quotas: tuple[Quota, ...]
    cost: IdleCost

    @property
    def requests(self) -> list[str]:
        """Commands that ask for more where a quota is known to be too small."""
        region = self.account.region
        short = [quota for quota in self.quotas if quota.enough is False]
        return [command for quota in short if (command := quota.request(region))]

    @property
    def unread(self) -> list[str]:
        """What could not be read."""
        found = [kind.what for kind in self.existing if kind.why] + [
            quota.need.quota for quota in self.quotas if quota.why
        ]
        return ["caller", *found] if self.account.why else found

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; its form is a contract that scripts rest on."""
        region = self.account.region
        return {
            "environment": self.environment,
            "level": self.level,
            "account": self.account.to_json(),
            "existing": [kind.to_json() for kind in self.existing],
            "quotas": [quota.to_json(region) for quota in self.quotas],
            "requests": self.requests,
            "idle_cost": {
                **self.cost.to_json(),
                "by_capability": {
                    id: None if month is None else float(month) for id, month in self.cost.by_capability().items()
                },
            },
            "could_not_be_read": self.unread,
        }

    def lines(self) -> list[str]:
        """Return the report for people."""
        return [
            *self._account_lines(),
            "",
            "What exists and can be brought",
            *(f"  {line}" for kind in self.existing for line in kind.lines()),
            "",
            f"Quotas that level {self.level} needs",
            *self._quota_lines(),
            "",
            "Idle cost a month",
            *(f"  {line}" if line else "" for line in self.cost.lines()),
        ]

    def _account_lines(self) -> list[str]:
        account = self.account
        who = account.caller or f"could not be read: {account.why}"
        lines = [
            f"Account {account.account}, region {account.region} ({account.target})",
            f"  credentials: {who}" + (f", from {account.method}" if account.method else ""),
        ]
        return [*lines, f"  {SANDBOX_NOTE}"] if account.target == "sandbox" else lines

    def _quota_lines(self) -> list[str]:
        lines = []
        for group, title in (("training", "training"), ("endpoint", "endpoints"), ("network", "network")):
            rows = [quota for quota in self.quotas if quota.need.group == group]
            lines += [f"  {title}:", *(f"    {_quota_line(quota)}" for quota in rows)] if rows else []
        reasons = dict.fromkeys(reason for quota in self.quotas for reason in quota.reasons)
        lines += [f"  could not be read: {reason}" for reason in reasons]
        if self.requests:
            lines += ["  requests to make; AWS answers them in hours to days:"]
            lines += [f"    {command}" for command in self.requests]
        look = [quota.request(self.account.region) for quota in self.quotas if quota.value is None]
        if look:
            lines += ["  to look up what could not be read:", *(f"    {command}" for command in look if command)]
        return lines


def check(settings: PlatformSettings, target: Target) -> Check:
    """Return the report on an environment's account. Nothing is written.

    Raises:
        PlanError: The settings contradict each other.
        SettingsError: The price table cannot be read.
    """
    cost = idle(settings, state=True)
    return Check(
        environment=settings.environment,
        level=settings.level,
        account=_account(target),
        existing=tuple(existing(settings, target)),
        quotas=tuple(quotas(settings, target)),
        cost=cost,
    )


def _account(target: Target) -> Account:
    caller = read(lambda: str(target.client("sts").get_caller_identity()["Arn"]))
    return Account(target.kind, target.account, target.region, caller.value, caller.why, _method(target))


def _method(target: Target) -> str | None:
    """Return where the credentials are from: `sso`, `env`, `assume-role`, … None in the sandbox, which checks none."""
    if target.url is not None:
        return None
    import boto3

    credentials = boto3.Session().get_credentials()
    return credentials.method if credentials else None


def _quota_line(quota: Quota) -> str:
    """Return a quota in a line; why it could not be read is said once for all of its service."""
    need = quota.need
    wanted = f"needs {need.plan} ({need.why})" + (f" on top of {quota.used} in use" if quota.used else "")
    if quota.value is None:
        return f"{need.quota}: {wanted}; could not be read"
    verdict = "enough" if quota.enough else "TOO SMALL" + ("" if quota.adjustable else ", and AWS does not raise it")
    has = f"has {quota.value:g}" + (" (AWS's default; the account's own could not be read)" if quota.is_default else "")
    return f"{need.quota}: {has}, {wanted}: {verdict}"
