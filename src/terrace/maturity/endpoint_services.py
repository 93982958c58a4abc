"""Which AWS services are reached without the internet. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class EndpointService:
    """A service with an interface endpoint in the network."""

    id: str
    """Short name, part of the resource's."""
    name: str
    """The service's name as EC2 knows it; `{region}` stands for the region."""
    actions: str
    """The service's actions as IAM writes them."""
    since: int = 1
    """Level at which something in the network first calls it."""
    needs: str | None = None
    """Capability, or kind of tracking, without which nobody calls it."""

    def service_name(self, region: str) -> str:
        """Return the service's name in a region."""
        return self.name.format(region=region)


TRACKING_SERVER = "tracking:server"
"""Stands among capabilities for an MLflow tracking server: an App has no such endpoint, and is reached over NAT."""

SERVICES = (
    EndpointService("sagemaker-api", "com.amazonaws.{region}.sagemaker.api", "sagemaker:*"),
    EndpointService("sagemaker-runtime", "com.amazonaws.{region}.sagemaker.runtime", "sagemaker:*"),
    EndpointService("studio", "aws.sagemaker.{region}.studio", "sagemaker:*", needs="workbench"),
    EndpointService("ecr-api", "com.amazonaws.{region}.ecr.api", "ecr:*"),
    EndpointService("ecr-dkr", "com.amazonaws.{region}.ecr.dkr", "ecr:*"),
    EndpointService("logs", "com.amazonaws.{region}.logs", "logs:*"),
    EndpointService("monitoring", "com.amazonaws.{region}.monitoring", "cloudwatch:*"),
    EndpointService("sts", "com.amazonaws.{region}.sts", "sts:*"),
    EndpointService("kms", "com.amazonaws.{region}.kms", "kms:*"),
    EndpointService("ssm", "com.amazonaws.{region}.ssm", "ssm:*"),
    EndpointService("secretsmanager", "com.amazonaws.{region}.secretsmanager", "secretsmanager:*"),
    EndpointService("codeartifact-api", "com.amazonaws.{region}.codeartifact.api", "codeartifact:*", needs="packages"),
    EndpointService(
        "codeartifact-repositories",
        "com.amazonaws.{region}.codeartifact.repositories",
        "codeartifact:*",
        needs="packages",
    ),
    EndpointService("mlflow", "aws.sagemaker.{region}.experiments", "sagemaker-mlflow:*", needs=TRACKING_SERVER),
    EndpointService("states", "com.amazonaws.{region}.states", "states:*", since=3),
)


def callers(capabilities: Iterable[str], tracking_kind: str) -> frozenset[str]:
    """Return what decides which services are called: capabilities, and a tracking server where there is one."""
    on = frozenset(capabilities)
    return on | {TRACKING_SERVER} if "tracking" in on and tracking_kind == "server" else on


def endpoint_services(level: int, capabilities: frozenset[str]) -> tuple[EndpointService, ...]:
    """Return the services that a network of this level and these capabilities reaches by endpoint."""
    return tuple(
        service
        for service in SERVICES
        if service.since <= level and (service.needs is None or service.needs in capabilities)
    )
