"""Where a component stands: whose it is, which account and region, how large, how well protected.

Every component takes it, so that names, tags, boundary and protection come out the same everywhere.
"""

from dataclasses import dataclass, replace
from typing import NotRequired, TypedDict

import pulumi

from terrace.maturity import CAPABILITIES, names
from terrace_components.choices import DataClass, Level, Size


class Placement(TypedDict):
    """Where a component stands. What is in it decides names, tags, sizes and protection of every child."""

    organisation: str
    """Short name of the organisation; the first part of every physical name."""
    environment: str
    """Name of the environment, for example dev, staging or prod."""
    account: str
    """AWS account id, 12 digits."""
    region: str
    """AWS region."""
    level: Level
    """Maturity level of the stack, 0 to 4."""
    owner: str
    """E-mail address of who answers for the resources."""
    cost_center: str
    """Whom the costs are charged to."""
    data_class: DataClass
    """How sensitive the data is: public, internal or confidential."""
    size: Size
    """How much is built for availability: small, standard or redundant."""
    protect: bool
    """Stores stay in the account even if somebody lifts the protection from deletion that they have everywhere."""
    retention_days: int
    """How long logs are kept, in days, one of the values that CloudWatch Logs takes."""
    kms_deletion_days: int
    """How many days a deleted key can be restored, 7 to 30."""
    boundary_arn: NotRequired[pulumi.Input[str]]
    """ARN of the permissions boundary of every role. Only what has no role may leave it out."""
    team: NotRequired[str]
    """Team that owns the model; absent on the platform."""
    model: NotRequired[str]
    """Name of the model; absent on the platform."""


@dataclass(frozen=True)
class Place:
    """A placement, read: what a component asks it for."""

    organisation: str
    environment: str
    account: str
    region: str
    level: int
    owner: str
    cost_center: str
    data_class: str
    size: str
    protect: bool
    retention_days: int
    kms_deletion_days: int
    boundary_arn: pulumi.Input[str] | None = None
    team: str | None = None
    model: str | None = None

    @staticmethod
    def of(args: Placement) -> "Place":
        """Read the argument; what is chosen from few becomes plain text and numbers."""
        place = Place(**args)
        return replace(
            place,
            level=int(place.level),
            data_class=str(place.data_class),
            size=str(place.size),
            retention_days=int(place.retention_days),
            kms_deletion_days=int(place.kms_deletion_days),
        )

    def bounded(self, boundary_arn: pulumi.Input[str]) -> "Place":
        """Return the place with the boundary that its roles carry."""
        return replace(self, boundary_arn=boundary_arn)

    def name(self, kind: str, *purpose: str) -> str:
        """Return the physical name of a resource: legal for its service, the same at every run."""
        return names.physical(
            kind, self.organisation, self.environment, *self._labels(), *purpose, account=self.account
        )

    def tags(self, capability: str) -> dict[str, str]:
        """Return the tags of everything that belongs to a capability.

        The level is the one that introduces it, so that climbing to the next level touches only what is new.
        """
        since = CAPABILITIES[capability].since
        return names.tags(
            owner=self.owner,
            environment=self.environment,
            cost_center=self.cost_center,
            data_class=self.data_class,
            capability=capability,
            level=self.level if since is None else since,
            team=self.team,
            model=self.model,
        )

    def role_name(self, purpose: str) -> str:
        """Return the name of a role: it always begins with the environment and ends with the purpose.

        Policies name roles by both ends, so where the labels are longer than IAM allows, the middle is shortened.
        """
        whole = "-".join((self.organisation, self.environment, *self._labels(), purpose))
        if len(whole) <= names.LIMITS["role"].longest:
            return self.name("role", purpose)
        middle = f"{self._labels()[-1][:12].rstrip('-')}-{names.short_hash(whole)}"
        return names.physical("role", self.organisation, self.environment, middle, purpose)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region; IAM's have no region, S3's neither account."""
        if service == "s3":
            return f"arn:aws:s3:::{resource}"
        region = "" if service == "iam" else self.region
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"

    @property
    def prefix(self) -> str:
        """What the physical name of every resource of the environment begins with."""
        return f"{self.organisation}-{self.environment}"

    def _labels(self) -> tuple[str, ...]:
        return tuple(label for label in (self.team, self.model) if label is not None)
