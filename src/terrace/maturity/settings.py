"""What can be said of an environment's platform. One model, for files, programs and every Pulumi language."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from terrace.maturity import fields as f
from terrace.maturity.names import made_up_account

Size = Literal["small", "standard", "redundant"]


class Budget(f.Settings):
    """What the environment may cost before somebody is told."""

    monthly: f.Dollars
    """US dollars a month; alerts at 80 and 100 percent."""
    emails: tuple[f.Email, ...] = Field(default=(), max_length=10)
    """Who is told; the owner if nobody is named. AWS takes ten a notification."""


class Alerts(f.Settings):
    """Who hears of alarms."""

    emails: tuple[f.Email, ...] = ()


class BroughtNetwork(f.Settings):
    """A network that the organisation has already."""

    vpc_id: f.Text = Field(pattern=r"^vpc-[0-9a-f]{8,17}$")
    subnet_ids: tuple[f.Text, ...] = Field(min_length=1)
    security_group_id: f.Text = Field(pattern=r"^sg-[0-9a-f]{8,17}$")

    @field_validator("subnet_ids")
    @classmethod
    def _subnets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for subnet in value:
            if not subnet.startswith("subnet-"):
                raise ValueError(f"{subnet!r} is no subnet id: it begins with subnet-")
        return value


class Network(f.Settings):
    """The VPC of the environment, built or brought."""

    cidr: f.Cidr = "10.0.0.0/16"
    zones: f.Whole | None = Field(default=None, ge=2, le=3)
    """Availability zones; two, or three where the size is redundant."""
    nat: Literal["single", "per-zone", "none"] | None = None
    """NAT gateways; single, or one a zone where the size is redundant; `none` leaves no way to the internet."""
    bring: BroughtNetwork | None = None


class Workbench(f.Settings):
    """The SageMaker domain where people work."""

    auth: Literal["IAM", "SSO"] = "IAM"
    idle_minutes: f.Whole = Field(default=120, ge=60, le=525600)
    """Minutes after which an idle application is shut down."""
    profiles: tuple[f.ProfileName, ...] = ()
    """User profiles that are made from the start, one a person."""
    bring: f.Text | None = Field(default=None, pattern=r"^d-[a-z0-9]{1,61}$")
    """Id of a domain that the organisation has already."""


class BroughtKeys(f.Settings):
    """Keys that the organisation has already; what is absent is made."""

    data: f.Arn | None = None
    models: f.Arn | None = None
    logs: f.Arn | None = None


class Encryption(f.Settings):
    """Customer-managed keys."""

    bring: BroughtKeys = BroughtKeys()


class Identity(f.Settings):
    """Who may do what."""

    boundary_arn: f.Arn | None = None
    """Permissions boundary that the organisation prescribes; one is made without it."""


class Packages(f.Settings):
    """Where `pip install` goes from inside the network."""

    source: Literal["codeartifact", "index", "nat"] = "codeartifact"
    index: f.HttpsUrl | None = None

    @model_validator(mode="after")
    def _index(self) -> Self:
        if (self.source == "index") != (self.index is not None):
            raise ValueError(
                "packages.index is the URL of your own index: give it exactly when packages.source is index"
            )
        return self


class GitHub(f.Settings):
    """The GitHub organisation whose workflows may deploy."""

    organisation: f.Text = Field(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")
    organisation_id: f.Digits
    """Numeric id: repositories made or renamed since 2026-07-15 present it in their tokens' subject."""
    provider_arn: f.Arn | None = None


class GitLab(f.Settings):
    """The GitLab group whose pipelines may deploy."""

    group: f.Text = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}$")
    url: f.HttpsUrl = "https://gitlab.com"
    provider_arn: f.Arn | None = None


class CI(f.Settings):
    """Whose continuous integration is trusted, without static keys."""

    github: GitHub | None = None
    gitlab: GitLab | None = None
    branch: f.Branch = "main"


class Team(f.Settings):
    """A team that owns models."""

    group: f.Text | None = Field(default=None, max_length=128)
    """Group in the identity provider."""
    cost_center: f.CostCenter | None = None
    budget: f.Dollars | None = None
    prefixes: tuple[f.BucketPrefix, ...] = ()
    """Prefixes of the data bucket that the team's models may read, besides their own."""
    instance_types: tuple[f.InstanceType, ...] = ()
    """Instance types that the team's models may use; any if empty."""


class PlatformSettings(f.Settings):
    """Everything that can be said of one environment of a platform."""

    organisation: f.Organisation
    environment: f.Environment
    level: f.Whole = Field(ge=0, le=4)
    region: f.Region
    account: f.Account | None = None
    """Without one, the environment lives in the sandbox."""
    owner: f.Email
    cost_center: f.CostCenter = "mlops"
    size: Size | None = None
    """How much is built for availability; small in dev, redundant in prod, else standard."""
    protect: f.Flag | None = None
    """Whether stores are protected from deletion; true in prod."""
    data_class: Literal["public", "internal", "confidential"] = "internal"
    retention_days: f.Retention | None = None
    kms_deletion_days: f.DeletionDays | None = None
    budget: Budget
    alerts: Alerts = Alerts()
    network: Network = Network()
    workbench: Workbench = Workbench()
    encryption: Encryption = Encryption()
    identity: Identity = Identity()
    packages: Packages = Packages()
    ci: CI = CI()
    teams: dict[f.TeamName, Team] = Field(default_factory=lambda: {"ml": Team()}, min_length=1)
    capabilities: dict[f.Text, f.Flag] = Field(default_factory=dict)
    """Single capabilities switched on or off, by id."""
    keep: tuple[f.Text, ...] = ()
    """Capabilities that are off but whose stores stay declared."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.packages.source == "nat" and self.network.nat == "none":
            raise ValueError("packages.source is nat, but network.nat is none: set network.nat to single or per-zone")
        needed = 2 * (self.zone_count if self.nat_mode != "none" else 1)
        if ipaddress.ip_network(self.network.cidr).prefixlen > 22 - needed // 4:
            raise ValueError(f"network.cidr {self.network.cidr} is too small for {self.zone_count} zones")
        return self

    @model_validator(mode="before")
    @classmethod
    def _nulls(cls, value: Any) -> Any:
        """Take a key without a value as absent."""
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value

    @property
    def account_id(self) -> str:
        """The account that names and policies use: the real one, or the sandbox's made-up one."""
        return self.account or made_up_account(self.environment)

    @property
    def target(self) -> Literal["aws", "sandbox"]:
        """Where resources go."""
        return "aws" if self.account else "sandbox"

    @property
    def effective_size(self) -> Size:
        """The size, by environment where none is named."""
        by_environment: dict[str, Size] = {"dev": "small", "prod": "redundant"}
        return self.size or by_environment.get(self.environment, "standard")

    @property
    def protected(self) -> bool:
        """Whether stores are protected from deletion."""
        return self.environment == "prod" if self.protect is None else self.protect

    @property
    def log_retention(self) -> int:
        """Days that logs are kept: 400 in prod (a year and a bit), else 30 where small and 90 otherwise."""
        default = (
            400 if self.environment == "prod" else {"small": 30, "standard": 90, "redundant": 400}[self.effective_size]
        )
        return self.retention_days or default

    @property
    def key_deletion_days(self) -> int:
        """Days in which a deleted key can be restored: 30 where stores are protected, else 7."""
        return self.kms_deletion_days or (30 if self.protected else 7)

    @property
    def zone_count(self) -> int:
        """Availability zones of the network."""
        return self.network.zones or (3 if self.effective_size == "redundant" else 2)

    @property
    def nat_mode(self) -> Literal["single", "per-zone", "none"]:
        """NAT gateways of the network."""
        return self.network.nat or ("per-zone" if self.effective_size == "redundant" else "single")
