"""What the plan needs of an account's quotas, and the requests to make where they are too small.

A new account has a quota of 0 for most instances of SageMaker, and an increase takes hours to days: it is the first
thing to ask for. Training and endpoints have quotas of their own for each type of instance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from terrace.bootstrap.reading import Reading, pages, read
from terrace.maturity import Plan, PlatformSettings, plan
from terrace.maturity.endpoint_services import callers, endpoint_services
from terrace.maturity.model_settings import ModelSettings
from terrace.target import Target

TRAINING, ENDPOINT = "training", "endpoint"
PARALLEL_STEPS = 2
"""Processing jobs at once that a training pipeline has: data and features are validated side by side."""
CODES = {
    "EC2-VPC Elastic IPs": "L-0263D0A3",
    "Interface VPC endpoints per VPC": "L-29B6F2EB",
    "Internet gateways per Region": "L-A4707A72",
    "Maximum total concurrency that can be allocated across all serverless endpoints": "L-96300102",
    "NAT gateways per Availability Zone": "L-FE5A380F",
    "VPCs per Region": "L-F678F1CE",
    "ml.m5.large for endpoint usage": "L-614B09FD",
    "ml.m5.large for training job usage": "L-611FA074",
}
"""Quota → its code, where Service Quotas cannot be asked. What it answers goes before."""


@dataclass(frozen=True)
class Need:
    """What the plan needs of one quota.

    Attributes:
        service: Its service, as Service Quotas knows it.
        quota: Its name there.
        group: `training`, `endpoint` or `network`.
        plan: How much the plan needs.
        why: What for.
        used: Counts what is used already, this environment's own left out; None where nobody can know.
    """

    service: str
    quota: str
    group: str
    plan: int
    why: str
    used: Callable[[], int] | None = None


@dataclass(frozen=True)
class Quota:
    """One quota against what is needed.

    Attributes:
        need: What the plan needs.
        value: The account's quota; None where it could not be read.
        is_default: The value is AWS's default, because the account's own could not be read.
        code: Code of the quota, for the request; None where it is not known.
        adjustable: AWS raises it on request.
        used: What others use of it; None where that could not be read or is not countable.
        reasons: What could not be read, and why; empty where all was.
    """

    need: Need
    value: float | None
    is_default: bool
    code: str | None
    adjustable: bool
    used: int | None
    reasons: tuple[str, ...]

    @property
    def why(self) -> str | None:
        """What could not be read, and why, in one sentence."""
        return "; ".join(self.reasons) or None

    @property
    def wanted(self) -> int:
        """What the quota must be: the plan's need on top of what is used."""
        return self.need.plan + (self.used or 0)

    @property
    def enough(self) -> bool | None:
        """Whether the quota suffices; None where it could not be read."""
        return None if self.value is None else self.value >= self.wanted

    def request(self, region: str) -> str | None:
        """Return the command that asks for the increase, or that looks the quota up; None where none is needed."""
        if self.enough:
            return None
        service, name = self.need.service, self.need.quota
        if self.code is None:
            return (
                f"aws service-quotas list-service-quotas --service-code {service} --region {region} "
                f"--query \"Quotas[?QuotaName=='{name}']\""
            )
        named = f"--service-code {service} --quota-code {self.code}"
        if self.value is None:
            return f"aws service-quotas get-service-quota {named} --region {region}"
        return (
            f"aws service-quotas request-service-quota-increase {named} --desired-value {self.wanted} --region {region}"
        )

    def to_json(self, region: str) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "service": self.need.service,
            "quota": self.need.quota,
            "group": self.need.group,
            "code": self.code,
            "needed": self.need.plan,
            "used": self.used,
            "value": self.value,
            "is_default": self.is_default,
            "enough": self.enough,
            "adjustable": self.adjustable,
            "why": self.need.why,
            "could_not_be_read": self.why,
            "request": self.request(region),
        }


def quotas(settings: PlatformSettings, target: Target) -> list[Quota]:
    """Return the quotas that the plan needs, training and endpoints apart. Nothing is requested."""
    wanted = needs(settings, target)
    lists: dict[str, Reading[dict[str, Any]]] = {}
    defaults: dict[str, Reading[dict[str, Any]]] = {}
    client = target.client("service-quotas")
    found = []
    for need in wanted:
        service = need.service
        if service not in lists:
            lists[service] = read(lambda of=service: _listed(client, "list_service_quotas", of))  # type: ignore[misc]
        if not lists[service].known and service not in defaults:
            defaults[service] = read(
                lambda of=service: _listed(client, "list_aws_default_service_quotas", of)  # type: ignore[misc]
            )
        found.append(_quota(need, lists[service], defaults.get(service)))
    return found


def needs(settings: PlatformSettings, target: Target) -> list[Need]:
    """Return what the plan needs: a training job and an endpoint of each permitted instance type, and the network."""
    found = plan(settings)
    types = sorted({type_ for team in settings.teams.values() for type_ in team.instance_types})
    types = types or [str(ModelSettings.model_fields["instance_type"].default)]
    endpoints = 2 if settings.protected else 1
    wanted = [
        Need("sagemaker", f"{one} for training job usage", TRAINING, 1, "a training job at a time") for one in types
    ]
    wanted += [
        Need("sagemaker", f"{one} for endpoint usage", ENDPOINT, endpoints, "one realtime model") for one in types
    ]
    if found.has("tracking"):
        steps = "the steps of a training pipeline"
        wanted += [
            Need("sagemaker", f"{one} for processing job usage", TRAINING, PARALLEL_STEPS, steps) for one in types
        ]
    concurrency = int(ModelSettings.model_fields["max_concurrency"].default)
    if not settings.production:
        name = "Maximum total concurrency that can be allocated across all serverless endpoints"
        wanted.append(Need("sagemaker", name, ENDPOINT, concurrency, "one serverless model"))
    if found.has("network") and settings.network.bring is None:
        wanted += _network(settings, target, found)
    return wanted


def _network(settings: PlatformSettings, target: Target, found: Plan) -> list[Need]:
    ec2 = target.client("ec2")

    def others(operation: str, key: str) -> Callable[[], int]:
        """Count what is there and is not this environment's own: that is in the plan already."""
        return lambda: sum(
            1
            for one in pages(ec2, operation, key)
            if {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}.get("environment") != settings.environment
        )

    gateways = {"none": 0, "single": 1, "per-zone": settings.zone_count}[settings.nat_mode]
    wanted = [Need("vpc", "VPCs per Region", "network", 1, "the environment's VPC", others("describe_vpcs", "Vpcs"))]
    if gateways:
        internet = others("describe_internet_gateways", "InternetGateways")
        addresses = others("describe_addresses", "Addresses")
        wanted += [
            Need("vpc", "Internet gateways per Region", "network", 1, "the way of NAT to the internet", internet),
            Need("vpc", "NAT gateways per Availability Zone", "network", 1, "one in a zone"),
            Need("ec2", "EC2-VPC Elastic IPs", "network", gateways, "an address of each NAT gateway", addresses),
        ]
    if found.has("private-network"):
        services = len(endpoint_services(settings.level, callers(found.on, settings.tracking.kind)))
        wanted.append(Need("vpc", "Interface VPC endpoints per VPC", "network", services, "private network"))
    return wanted


def _listed(client: Any, operation: str, service: str) -> dict[str, Any]:
    """Return a service's quotas by name. All pages: a quota is often on the last."""
    return {str(one["QuotaName"]): one for one in pages(client, operation, "Quotas", ServiceCode=service)}


def _quota(need: Need, applied: Reading[dict[str, Any]], default: Reading[dict[str, Any]] | None) -> Quota:
    reasons = []
    listed, is_default = applied.value or {}, False
    if applied.why:
        reasons.append(f"the account's quotas of {need.service}: {applied.why}")
        if default is not None and default.known:
            listed, is_default = default.value or {}, True
        elif default is not None:
            reasons.append(f"AWS's defaults: {default.why}")
    row = listed.get(need.quota)
    if row is None and applied.known:
        reasons.append(f"Service Quotas lists no {need.quota!r} of {need.service} in this region")
    used = read(need.used) if need.used else None
    if used is not None and used.why:
        reasons.append(f"what is used of it: {used.why}")
    return Quota(
        need=need,
        value=None if row is None else float(row["Value"]),
        is_default=is_default and row is not None,
        code=CODES.get(need.quota) if row is None else str(row["QuotaCode"]),
        adjustable=True if row is None else bool(row.get("Adjustable", True)),
        used=used.value if used is not None else None,
        reasons=tuple(reasons),
    )
