"""What bootstrap makes is called the same at every run, whoever makes it: this command or the security team."""

from __future__ import annotations

from dataclasses import dataclass

from terrace.maturity import PlatformSettings, names


@dataclass(frozen=True)
class Names:
    """Names and ARNs of what bootstrap makes for an environment.

    Attributes:
        account: Account id.
        region: AWS region.
        environment: Name of the environment.
        prefix: What every physical name of the environment begins with.
        bucket: The bucket that holds Pulumi's state.
        alias: Alias of the key that encrypts the bucket and the secrets in the state.
        role: The role under which CI deploys the platform.
        boundary: Policy that is the most the deploy role can ever do.
        roles_boundary_arn: Boundary that every role of the environment carries, and that new ones must.
    """

    account: str
    region: str
    environment: str
    prefix: str
    bucket: str
    alias: str
    role: str
    boundary: str
    roles_boundary_arn: str

    def policy(self, part: str) -> str:
        """Return the name of one of the deploy role's policies."""
        return f"{self.role}-{part}"

    def arn(self, resource: str, service: str = "iam") -> str:
        """Return the ARN of a resource of this account; IAM's have no region."""
        return f"arn:aws:{service}:{'' if service == 'iam' else self.region}:{self.account}:{resource}"

    @property
    def role_arn(self) -> str:
        """ARN of the deploy role."""
        return self.arn(f"role/{self.role}")

    @property
    def backend_url(self) -> str:
        """What `PULUMI_BACKEND_URL` is to be."""
        return f"s3://{self.bucket}?region={self.region}"

    @property
    def secrets_provider(self) -> str:
        """What `pulumi stack init --secrets-provider` is to be."""
        return f"awskms://{self.alias}?region={self.region}"


def names_of(settings: PlatformSettings) -> Names:
    """Return the names for an environment."""
    organisation, environment, account = settings.organisation, settings.environment, settings.account_id
    boundary = names.physical("policy", organisation, environment, "boundary")
    return Names(
        account=account,
        region=settings.region,
        environment=environment,
        prefix=f"{organisation}-{environment}",
        bucket=names.physical("bucket", organisation, environment, "state", account=account),
        alias=names.physical("alias", organisation, environment, "state"),
        role=names.physical("role", organisation, environment, "deploy"),
        boundary=names.physical("policy", organisation, environment, "deploy-boundary"),
        roles_boundary_arn=settings.identity.boundary_arn or f"arn:aws:iam::{account}:policy/{boundary}",
    )


def tags_of(settings: PlatformSettings) -> dict[str, str]:
    """Return the tags of what bootstrap makes."""
    return names.tags(
        owner=settings.owner,
        environment=settings.environment,
        cost_center=settings.cost_center,
        data_class=settings.data_class,
        capability="bootstrap",
        level=0,
    )
