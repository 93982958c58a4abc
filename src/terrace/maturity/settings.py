"""What can be said of an environment's platform. One model, for files, programs and every Pulumi language."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from terrace.maturity import fields as f
from terrace.maturity.names import made_up_account

Size = Literal["small", "standard", "redundant"]
PRODUCTION = "prod"
YEAR = 365
"""Days that production keeps logs at least."""
LONGEST_WINDOW = 30
"""Days in which a deleted key can be restored: the most that KMS takes, and what production has."""


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

    data: f.KeyArn | None = None
    models: f.KeyArn | None = None
    logs: f.KeyArn | None = None


class Encryption(f.Settings):
    """Customer-managed keys."""

    bring: BroughtKeys = BroughtKeys()


class Identity(f.Settings):
    """Who may do what."""

    boundary_arn: f.PolicyArn | None = None
    """Permissions boundary that the organisation prescribes; one is made without it."""


class Packages(f.Settings):
    """Where `pip install` goes from inside the network."""

    source: Literal["codeartifact", "index", "nat"] = "codeartifact"
    index: f.HttpsUrl | None = None

    @model_validator(mode="after")
    def _index(self) -> Self:
        if (self.source == "index") != (self.index is not None):
            raise ValueError(
                f"packages.source is {self.source} and packages.index is {self.index}: index, the URL of an index of "
                "your own, goes with source index and with no other"
            )
        return self


TRACKING_SIZES = ("small", "medium", "large")
OWN_TRACKING = ("mlflow", "wandb", "neptune")
"""Kinds of tracking that are not SageMaker's: reached over the network, with a credential from a secret."""


class Tracking(f.Settings):
    """Where models' runs are tracked."""

    kind: Literal["app", "server", "mlflow", "wandb", "neptune"] = "app"
    """`app`, SageMaker's serverless MLflow; `server`, its tracking server, paid by the hour; or what you have already:
    an MLflow of your own, Weights & Biases, Neptune."""
    size: Literal["small", "medium", "large"] | None = None
    """Size of the tracking server; small without a value."""
    uri: f.HttpsUrl | None = None
    """Where your own MLflow or Neptune is, or your own installation of Weights & Biases."""
    secret: f.SecretArn | None = None
    """Secret that holds the credential already; one is made without it, and a person puts the value there."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.size is not None and self.kind != "server":
            raise ValueError(
                f"tracking.size is {self.size}, but tracking.kind is {self.kind}: only a tracking server has a size; "
                "remove size or set kind to server"
            )
        own = ", ".join(OWN_TRACKING)
        for key, value in (("uri", self.uri), ("secret", self.secret)):
            if value is not None and self.kind not in OWN_TRACKING:
                raise ValueError(
                    f"tracking.{key} is set, but tracking.kind is {self.kind}, which SageMaker runs; remove {key} or "
                    f"set kind to one of {own}"
                )
        if self.uri is None and self.kind in ("mlflow", "neptune"):
            raise ValueError(
                f"tracking.kind is {self.kind}, but tracking.uri is missing: set it to the https URL where yours is"
            )
        return self

    @property
    def effective_size(self) -> str | None:
        """The size of the tracking server, None where there is none."""
        return (self.size or TRACKING_SIZES[0]) if self.kind == "server" else None


class GitHub(f.Settings):
    """The GitHub organisation whose workflows may deploy."""

    organisation: f.Text = Field(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")
    organisation_id: f.Digits
    """Numeric id: repositories made or renamed since 2026-07-15 present it in their tokens' subject."""
    provider_arn: f.OidcProviderArn | None = None


class GitLab(f.Settings):
    """The GitLab group whose pipelines may deploy."""

    group: f.Text = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}$")
    url: f.HttpsUrl = "https://gitlab.com"
    provider_arn: f.OidcProviderArn | None = None


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
    """Whether people depend on what is here; true in prod. Stores are protected from deletion in every environment.

    With `protect` they also stay in the account if somebody lifts that, deleted keys can be restored for 30 days,
    realtime endpoints have two instances, and only programs and operators call them."""
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
    tracking: Tracking = Tracking()
    teams: dict[f.TeamName, Team] = Field(default_factory=lambda: {"ml": Team()}, min_length=1)
    capabilities: dict[f.Text, f.Flag] = Field(default_factory=dict)
    """Single capabilities switched on or off, by id."""
    keep: tuple[f.Text, ...] = ()
    """Capabilities that are off but whose stores stay declared."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        network = self.network
        if network.bring and (also := sorted({"cidr", "zones", "nat"} & network.model_fields_set)):
            raise ValueError(
                f"terrace:network.bring takes a network as it is, so {', '.join(also)} beside it would do nothing; "
                "remove the one or the other"
            )
        if self.packages.source == "nat" and self.nat_mode == "none":
            raise ValueError(
                "terrace:packages.source is nat, but terrace:network.nat is none; set network.nat to single or "
                "per-zone, or packages.source to codeartifact or index"
            )
        return self

    @model_validator(mode="after")
    def _production(self) -> Self:
        if not self.production:
            return self
        where = f"environment {self.environment}"
        if self.protect is False:
            raise ValueError(
                f"terrace:protect is false, but stores of {where} always stay; remove the key (to take the "
                f"environment down: terrace destroy {self.environment} --delete-data)"
            )
        if self.log_retention < YEAR:
            allowed = ", ".join(str(days) for days in f.RETENTION_DAYS if days >= YEAR)
            raise ValueError(
                f"terrace:retentionDays is {self.log_retention}, but logs of {where} are kept for a year or more; use "
                f"one of {allowed}, or remove the key for 400"
            )
        if self.key_deletion_days < LONGEST_WINDOW:
            raise ValueError(
                f"terrace:kmsDeletionDays is {self.key_deletion_days}, but a key of {where} can always be restored for "
                f"{LONGEST_WINDOW} days; use {LONGEST_WINDOW} or remove the key"
            )
        if self.network.bring and len(self.network.bring.subnet_ids) < 2:
            raise ValueError(
                f"terrace:network.bring.subnetIds has one subnet, but {where} spans two zones or more; name a subnet "
                "in each"
            )
        return self

    @field_validator("teams", mode="before")
    @classmethod
    def _plain_teams(cls, value: Any) -> Any:
        """Take a team's name without anything below it as a team of which nothing else is said."""
        return (
            {name: {} if team is None else team for name, team in value.items()} if isinstance(value, dict) else value
        )

    @property
    def account_id(self) -> str:
        """The account that names and policies use: the real one, or the sandbox's made-up one."""
        return self.account or made_up_account(self.environment)

    @property
    def target(self) -> Literal["aws", "sandbox"]:
        """Where resources go."""
        return "aws" if self.account else "sandbox"

    @property
    def production(self) -> bool:
        """Whether people depend on it: sizes and protection are not to be lowered then."""
        return self.environment == PRODUCTION

    @property
    def effective_size(self) -> Size:
        """The size, by environment where none is named."""
        by_environment: dict[str, Size] = {"dev": "small", PRODUCTION: "redundant"}
        return self.size or by_environment.get(self.environment, "standard")

    @property
    def protected(self) -> bool:
        """Whether stores stay in the account even if somebody lifts the protection that they have everywhere."""
        return self.production if self.protect is None else self.protect

    @property
    def log_retention(self) -> int:
        """Days that logs are kept: 400 in prod (a year and a bit), else 30 where small and 90 otherwise."""
        default = 400 if self.production else {"small": 30, "standard": 90, "redundant": 400}[self.effective_size]
        return self.retention_days or default

    @property
    def key_deletion_days(self) -> int:
        """Days in which a deleted key can be restored: 30 with `protect`, else 7."""
        return self.kms_deletion_days or (30 if self.protected else 7)

    @property
    def zone_count(self) -> int:
        """Availability zones of the network."""
        return self.network.zones or (3 if self.effective_size == "redundant" else 2)

    @property
    def nat_mode(self) -> Literal["single", "per-zone", "none"]:
        """NAT gateways of the network."""
        return self.network.nat or ("per-zone" if self.effective_size == "redundant" else "single")
