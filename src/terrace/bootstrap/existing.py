"""What an account has already and Terrace can use instead of its own: each with the settings key that brings it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from terrace.bootstrap.names import Names, names_of
from terrace.bootstrap.reading import pages, read
from terrace.maturity import PlatformSettings
from terrace.maturity.oidc import GITHUB_URL
from terrace.target import Target


@dataclass(frozen=True)
class Item:
    """One thing that is there.

    Attributes:
        id: Its id or ARN.
        setting: What to write into the settings to bring it; empty where it is brought, or is this environment's own.
        note: What else is to be known.
    """

    id: str
    setting: str = ""
    note: str = ""


@dataclass(frozen=True)
class Kind:
    """What an account has of one kind.

    Attributes:
        what: `VPC and central endpoints`.
        key: The settings key that brings one.
        items: What is there.
        why: Why it could not be read; None where it was.
    """

    what: str
    key: str
    items: tuple[Item, ...] = field(default=())
    why: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; `found` is null where it could not be read."""
        items = [{"id": item.id, "setting": item.setting, "note": item.note} for item in self.items]
        return {
            "what": self.what,
            "key": self.key,
            "found": None if self.why else items,
            "could_not_be_read": self.why,
        }

    def lines(self) -> list[str]:
        """Return it for people."""
        if self.why:
            return [f"{self.what}: could not be read: {self.why}"]
        if not self.items:
            return [f"{self.what}: none"]
        lines = [f"{self.what}:"]
        for item in self.items:
            lines.append(f"  {item.id}{', ' + item.note if item.note else ''}")
            if item.setting:
                lines.append(f"    to use it: {item.setting}")
        return lines


def existing(settings: PlatformSettings, target: Target) -> list[Kind]:
    """Return what the account has, in the order in which it is decided upon. Nothing is written."""
    at = names_of(settings)
    return [
        _kind("OIDC providers", "terrace:ci.*.providerArn", lambda: _providers(settings, target)),
        _kind("trails", "terrace:audit.bring", lambda: _trails(target)),
        _kind("VPCs and central endpoints", "terrace:network.bring", lambda: _networks(settings, target)),
        _kind("permissions boundaries", "terrace:identity.boundaryArn", lambda: _boundaries(settings, target, at)),
        _kind("SageMaker domains", "terrace:workbench.bring", lambda: _domains(settings, target)),
        _kind("Identity Center", "terrace:workbench.auth", lambda: _identity_center(settings, target)),
    ]


def _kind(what: str, key: str, find: Callable[[], list[Item]]) -> Kind:
    found = read(find)
    return Kind(what, key, tuple(found.value or ()), found.why)


def _providers(settings: PlatformSettings, target: Target) -> list[Item]:
    listed = target.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    gitlab = settings.ci.gitlab.url if settings.ci.gitlab else "https://gitlab.com"
    keys = {GITHUB_URL.removeprefix("https://"): "github", gitlab.removeprefix("https://"): "gitlab"}
    brought = [one.provider_arn for one in (settings.ci.github, settings.ci.gitlab) if one]
    items = []
    for arn in sorted(one["Arn"] for one in listed):
        name = keys.get(arn.partition(":oidc-provider/")[2])
        if arn in brought:
            items.append(Item(arn, note="brought"))
        elif name:
            items.append(Item(arn, f"terrace:ci.{name}.providerArn: {arn}", "an account has one for each URL"))
        else:
            items.append(Item(arn, note="neither of GitHub nor of the GitLab of the settings"))
    return items


def _trails(target: Target) -> list[Item]:
    trails = target.client("cloudtrail").describe_trails(includeShadowTrails=True)["trailList"]
    items = []
    for trail in trails:
        traits = [
            "the organisation's" if trail.get("IsOrganizationTrail") else "this account's",
            "all regions" if trail.get("IsMultiRegionTrail") else f"{trail.get('HomeRegion')} alone",
            "validated" if trail.get("LogFileValidationEnabled") else "not validated",
            "customer key" if trail.get("KmsKeyId") else "no customer key",
        ]
        arn = str(trail["TrailARN"])
        # The key is refused until there is something that reads it, so it is named and not offered.
        items.append(
            Item(arn, note=f"{', '.join(traits)}; terrace:audit.bring takes it once capability audit is built")
        )
    return items


def _networks(settings: PlatformSettings, target: Target) -> list[Item]:
    ec2 = target.client("ec2")
    vpcs = [one for one in pages(ec2, "describe_vpcs", "Vpcs") if not one.get("IsDefault")]
    subnets: dict[str, list[str]] = defaultdict(list)
    for one in pages(ec2, "describe_subnets", "Subnets"):
        if not one.get("MapPublicIpOnLaunch"):
            subnets[one["VpcId"]].append(one["SubnetId"])
    endpoints: dict[str, list[str]] = defaultdict(list)
    for one in pages(ec2, "describe_vpc_endpoints", "VpcEndpoints"):
        endpoints[one["VpcId"]].append(str(one["ServiceName"]))
    brought = settings.network.bring.vpc_id if settings.network.bring else None
    items = []
    for vpc in sorted(vpcs, key=lambda one: str(one["VpcId"])):
        id, tags = str(vpc["VpcId"]), _tags(vpc)
        note = f"{vpc['CidrBlock']}{_shared(vpc, target)}, {_endpoints(endpoints[id])}"
        if id == brought:
            items.append(Item(id, note=f"brought, {note}"))
        elif tags.get("environment") == settings.environment and "terrace" in tags:
            items.append(Item(id, note=f"this environment's own, {note}"))
        elif subnets[id]:
            named = ", ".join(sorted(subnets[id]))
            bring = f"terrace:network.bring: {{vpcId: {id}, subnetIds: [{named}], securityGroupId: sg-…}}"
            items.append(Item(id, bring, f"{note}; name the security group of workloads yourself"))
        else:
            items.append(Item(id, note=f"{note}; it has no private subnet, so it cannot be brought"))
    return items


def _boundaries(settings: PlatformSettings, target: Target, at: Names) -> list[Item]:
    """Return policies that are used as a boundary, or are called one."""
    policies = pages(target.client("iam"), "list_policies", "Policies", Scope="Local")
    own = {at.boundary, at.roles_boundary_arn.rpartition("/")[2]}
    items = []
    for policy in sorted(policies, key=lambda one: str(one["Arn"])):
        uses, name, arn = policy.get("PermissionsBoundaryUsageCount", 0), policy["PolicyName"], policy["Arn"]
        if not uses and "boundary" not in name.lower():
            continue
        note = f"boundary of {uses} roles and users" if uses else "called a boundary, used as none"
        if arn == settings.identity.boundary_arn:
            items.append(Item(arn, note=f"brought, {note}"))
        elif name in own:
            items.append(Item(arn, note=f"this environment's own, {note}"))
        else:
            items.append(Item(arn, f"terrace:identity.boundaryArn: {arn}", note))
    return items


def _domains(settings: PlatformSettings, target: Target) -> list[Item]:
    domains = pages(target.client("sagemaker"), "list_domains", "Domains")
    items = []
    for domain in domains:
        id, name = str(domain["DomainId"]), str(domain["DomainName"])
        if id == settings.workbench.bring:
            items.append(Item(id, note=f"brought, {name}"))
        elif name.startswith(f"{settings.organisation}-{settings.environment}-"):
            items.append(Item(id, note=f"this environment's own, {name}"))
        else:
            items.append(Item(id, f"terrace:workbench.bring: {id}", name))
    return items


def _identity_center(settings: PlatformSettings, target: Target) -> list[Item]:
    instances = pages(target.client("sso-admin"), "list_instances", "Instances")
    setting = "" if settings.workbench.auth == "SSO" else "terrace:workbench.auth: SSO"
    return [
        Item(
            str(one["InstanceArn"]),
            setting,
            f"identity store {one.get('IdentityStoreId', 'unknown')}" + ("" if setting else ", used by the workbench"),
        )
        for one in instances
    ]


def _tags(described: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}


def _shared(vpc: dict[str, Any], target: Target) -> str:
    owner = vpc.get("OwnerId", target.account)
    return "" if owner == target.account else f", shared by account {owner}"


def _endpoints(services: list[str]) -> str:
    names = sorted({service.split(".", 3)[-1] for service in services})
    return f"endpoints: {', '.join(names)}" if names else "no endpoints"
