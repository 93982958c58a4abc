"""Arguments of Platform: the settings of an environment, key by key, for programs in every Pulumi language.

What each key may be is checked by `terrace.maturity.PlatformSettings`, which also knows the defaults.
"""

from typing import NotRequired, TypedDict

from terrace_components.choices import Auth, DataClass, Level, Nat, PackageSource, Size, TrackingKind, TrackingSize


class BudgetSettings(TypedDict):
    """What the environment may cost."""

    monthly: float
    """US dollars a month."""
    emails: NotRequired[list[str]]
    """Who is told. Default the owner."""


class AlertSettings(TypedDict):
    """Who hears of alarms."""

    emails: NotRequired[list[str]]
    """Who is told. Default the owner."""


class BroughtNetwork(TypedDict):
    """A network that is there already, with whatever endpoints and flow logs it has."""

    vpc_id: str
    """Id of the VPC."""
    subnet_ids: list[str]
    """Ids of private subnets."""
    security_group_id: str
    """Id of a security group for workloads."""


class NetworkSettings(TypedDict):
    """The network, built or brought."""

    cidr: NotRequired[str]
    """Private IPv4 network of /16 to /20. Default 10.0.0.0/16. Never changed once built."""
    zones: NotRequired[int]
    """Availability zones, 2 or 3. Default by size."""
    nat: NotRequired[Nat]
    """Way to the internet: single, per-zone or none. Default by size."""
    bring: NotRequired[BroughtNetwork]
    """A network that is there already; none is built then."""


class WorkbenchSettings(TypedDict):
    """Where people work."""

    auth: NotRequired[Auth]
    """How people sign in: IAM or SSO. Default IAM."""
    idle_minutes: NotRequired[int]
    """After how many idle minutes an app stops, 60 to 525600. Default 120."""
    profiles: NotRequired[list[str]]
    """Names of the people, one profile each. Default none."""
    bring: NotRequired[str]
    """Id of a domain that is there already; none is built then."""


class BroughtKeys(TypedDict):
    """Keys that are there already."""

    data: NotRequired[str]
    """ARN of a key for data."""
    models: NotRequired[str]
    """ARN of a key for models and images."""
    logs: NotRequired[str]
    """ARN of a key for logs and alarms."""


class EncryptionSettings(TypedDict):
    """Keys, built or brought."""

    bring: NotRequired[BroughtKeys]
    """Keys that are there already; what is absent is built."""


class IdentitySettings(TypedDict):
    """Roles and their boundary."""

    boundary_arn: NotRequired[str]
    """ARN of a permissions boundary that is there already; none is built then."""


class PackagesSettings(TypedDict):
    """Where Python packages come from."""

    source: NotRequired[PackageSource]
    """codeartifact, index or nat. Default codeartifact."""
    index: NotRequired[str]
    """URL of the index of your own, with source index."""


class GithubSettings(TypedDict):
    """A GitHub organisation whose workflows may deploy."""

    organisation: str
    """Name of the organisation."""
    organisation_id: str
    """Numeric id of the organisation."""
    provider_arn: NotRequired[str]
    """The account's OIDC provider for GitHub, where there is one already."""


class GitlabSettings(TypedDict):
    """A GitLab group whose pipelines may deploy."""

    group: str
    """Path of the group."""
    url: NotRequired[str]
    """URL of GitLab. Default https://gitlab.com."""
    provider_arn: NotRequired[str]
    """The account's OIDC provider for GitLab, where there is one already."""


class CiSettings(TypedDict):
    """Whose pipelines are trusted."""

    github: NotRequired[GithubSettings]
    """GitHub Actions."""
    gitlab: NotRequired[GitlabSettings]
    """GitLab CI."""
    branch: NotRequired[str]
    """The branch whose pipeline deploys. Default main."""


class TrackingSettings(TypedDict):
    """Where models' runs are tracked."""

    kind: NotRequired[TrackingKind]
    """app, server, mlflow, wandb or neptune. Default app."""
    size: NotRequired[TrackingSize]
    """Size of a tracking server: small, medium or large. Default small."""
    uri: NotRequired[str]
    """Where a tool of your own is."""
    secret: NotRequired[str]
    """ARN of the secret that holds the credential of a tool of your own already; one is built without it."""


class TeamSettings(TypedDict):
    """A team that owns models."""

    group: NotRequired[str]
    """Group of the identity provider."""
    cost_center: NotRequired[str]
    """Whom the team's costs are charged to."""
    budget: NotRequired[float]
    """US dollars a month that the team may cost."""
    prefixes: NotRequired[list[str]]
    """Prefixes of the data bucket that the team's models may read, besides their own."""
    instance_types: NotRequired[list[str]]
    """Instance types that the team may use. Default all."""


class PlatformArgs(TypedDict):
    """The settings of one environment."""

    organisation: str
    """Short name of the organisation, at most 16 characters; the first part of every name."""
    environment: str
    """Name of the environment, at most 12 characters."""
    level: Level
    """Maturity level, 0 to 4."""
    region: str
    """AWS region."""
    owner: str
    """E-mail address of who answers for the platform."""
    budget: BudgetSettings
    """What the environment may cost."""
    account: NotRequired[str]
    """AWS account id. Without one, the environment lives in Terrace's sandbox."""
    cost_center: NotRequired[str]
    """Whom the costs are charged to."""
    size: NotRequired[Size]
    """How much is built for availability: small, standard or redundant. Default by environment."""
    protect: NotRequired[bool]
    """Stores stay in the account even if somebody lifts the protection that they have everywhere. Default in prod."""
    data_class: NotRequired[DataClass]
    """How sensitive the data is: public, internal or confidential. Default internal."""
    retention_days: NotRequired[int]
    """How long logs are kept. Default by size."""
    kms_deletion_days: NotRequired[int]
    """How many days a deleted key can be restored, 7 to 30. Default 7, 30 with protect."""
    alerts: NotRequired[AlertSettings]
    """Who hears of alarms."""
    network: NotRequired[NetworkSettings]
    """The network, built or brought."""
    workbench: NotRequired[WorkbenchSettings]
    """Where people work."""
    encryption: NotRequired[EncryptionSettings]
    """Keys, built or brought."""
    identity: NotRequired[IdentitySettings]
    """Roles and their boundary."""
    packages: NotRequired[PackagesSettings]
    """Where Python packages come from."""
    ci: NotRequired[CiSettings]
    """Whose pipelines are trusted."""
    tracking: NotRequired[TrackingSettings]
    """Where models' runs are tracked, from level 2 on."""
    teams: NotRequired[dict[str, TeamSettings]]
    """Teams by name. Default one, ml."""
    capabilities: NotRequired[dict[str, bool]]
    """Single capabilities, switched on or off by id."""
    keep: NotRequired[list[str]]
    """Ids of capabilities that are off, but whose stores stay."""
