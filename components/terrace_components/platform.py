"""Platform: an environment's whole platform, cut to its maturity level."""

from typing import Any

import pulumi
import pulumi_aws as aws

from terrace.maturity import PlatformSettings, names
from terrace.maturity.endpoint_services import callers
from terrace_components import platform_parts as parts
from terrace_components.budget import Budget
from terrace_components.child import Children
from terrace_components.choices import PackageSource
from terrace_components.ci import Ci
from terrace_components.contracts import parameter_tier, platform_contract
from terrace_components.encryption import Encryption
from terrace_components.identity import Identity, IdentityArgs
from terrace_components.images import Images
from terrace_components.lineage import Lineage, LineageArgs
from terrace_components.network import Network
from terrace_components.observability import Observability
from terrace_components.packages import Packages, PackagesArgs
from terrace_components.placement import Place, Placement
from terrace_components.platform_args import PlatformArgs
from terrace_components.private_network import PrivateNetwork
from terrace_components.storage import Storage
from terrace_components.tracking import Tracking
from terrace_components.workbench import Workbench


class Platform(pulumi.ComponentResource):
    """Everything that an environment's maturity level holds, and the contract that models read."""

    level: pulumi.Output[int]
    """Maturity level that was built."""
    capabilities: pulumi.Output[list[str]]
    """Ids of the capabilities that were built."""
    contract_parameter: pulumi.Output[str]
    """Name of the SSM parameter that holds the platform contract."""
    data_bucket: pulumi.Output[str]
    """Name of the bucket for data sets."""
    artifact_bucket: pulumi.Output[str]
    """Name of the bucket for sources, models and reports."""
    log_bucket: pulumi.Output[str]
    """Name of the bucket for access logs."""
    data_key_arn: pulumi.Output[str]
    """ARN of the key for data."""
    models_key_arn: pulumi.Output[str]
    """ARN of the key for models and images."""
    logs_key_arn: pulumi.Output[str]
    """ARN of the key for logs and alarms."""
    boundary_arn: pulumi.Output[str]
    """ARN of the permissions boundary of every role."""
    build_project: pulumi.Output[str]
    """Name of the project that builds images; empty without one."""
    vpc_id: pulumi.Output[str]
    """Id of the VPC; empty without one."""
    domain_id: pulumi.Output[str]
    """Id of the SageMaker domain; empty without one."""
    alarm_topic_arn: pulumi.Output[str]
    """ARN of the topic that alarms publish to; empty without one."""
    tracking_arn: pulumi.Output[str]
    """ARN of the MLflow App or tracking server; empty without one."""
    tracking_secret_arn: pulumi.Output[str]
    """ARN of the secret for the credential of a tracking tool of your own; empty without one."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._settings = PlatformSettings.model_validate(args)
        self._plan = parts.buildable(self._settings)
        super().__init__("terrace:index:Platform", name, {}, opts)
        self._name = name
        self._inside = pulumi.ResourceOptions(parent=self)
        # What was built so far and is of use to others; empty text stands for what is not there.
        self._built: dict[str, Any] = dict.fromkeys(_OPTIONAL, "")

        where = self._foundation()
        self._images(where)
        self._network(where)
        self._workbench(where)
        self._packages(where)
        self._operations(where)
        self._tracking(where)
        parameter = self._publish(where)

        self.level = pulumi.Output.from_input(self._settings.level)
        self.capabilities = pulumi.Output.from_input(list(self._plan.on))
        self.contract_parameter = parameter.name
        for output in _BUILT:
            setattr(self, output, pulumi.Output.from_input(self._built[output]))
        self.register_outputs(self.outputs())

    def outputs(self) -> dict[str, pulumi.Output[Any]]:
        """Return every output by its name, as a stack exports them."""
        return {output: getattr(self, output) for output in Platform.__annotations__}

    def _wanted(self, capability: str) -> bool:
        """Tell whether a capability's stores are declared, because it is on or because they are kept."""
        return self._plan.has(capability) or self._plan.keeps(capability)

    def _foundation(self) -> Placement:
        """Declare keys, buckets and roles. Return where all else stands: under the boundary."""
        where = parts.placement(self._settings)
        keys = Encryption(f"{self._name}-encryption", parts.encryption_args(self._settings, where), self._inside)
        self._built |= {
            "data_key_arn": keys.data_key_arn,
            "models_key_arn": keys.models_key_arn,
            "logs_key_arn": keys.logs_key_arn,
        }
        storage = Storage(
            f"{self._name}-storage",
            {
                "placement": where,
                "data_key_arn": keys.data_key_arn,
                "models_key_arn": keys.models_key_arn,
                "access_logs": parts.access_logs(self._settings),
                "keeps_data_versions": self._wanted("lineage"),
            },
            self._inside,
        )
        self._built |= {
            "data_bucket": storage.data_bucket,
            "artifact_bucket": storage.artifact_bucket,
            "log_bucket": storage.log_bucket,
        }
        identity_args: IdentityArgs = {
            "placement": where,
            "data_key_arn": keys.data_key_arn,
            "models_key_arn": keys.models_key_arn,
            "logs_key_arn": keys.logs_key_arn,
            "capabilities": list(self._plan.on),
        }
        if self._settings.identity.boundary_arn is not None:
            identity_args["boundary_arn"] = self._settings.identity.boundary_arn
        identity = Identity(f"{self._name}-identity", identity_args, self._inside)
        self._built["boundary_arn"] = identity.boundary_arn
        return {**where, "boundary_arn": identity.boundary_arn}

    def _images(self, where: Placement) -> None:
        if not self._wanted("images"):
            return
        images = Images(
            f"{self._name}-images",
            {
                "placement": where,
                "artifact_bucket": Place.of(where).name("bucket", "artifacts"),
                "models_key_arn": self._built["models_key_arn"],
                "logs_key_arn": self._built["logs_key_arn"],
                "stores_only": self._plan.keeps("images"),
            },
            self._inside,
        )
        self._built["build_project"] = images.build_project

    def _network(self, where: Placement) -> None:
        brought = self._settings.network.bring
        # Home folders live in the network, so where they are kept it is too.
        if not (self._plan.has("network") or self._plan.keeps("workbench")):
            return
        if brought is not None:
            self._built |= {
                "vpc_id": brought.vpc_id,
                "subnet_ids": list(brought.subnet_ids),
                "security_group_id": brought.security_group_id,
            }
            return
        network = Network(
            f"{self._name}-network",
            {
                "placement": where,
                "cidr": self._settings.network.cidr,
                "zones": self._settings.zone_count,
                "nat": parts.nat(self._settings, self._plan),
                "logs_key_arn": self._built["logs_key_arn"],
            },
            self._inside,
        )
        self._built |= {
            "vpc_id": network.vpc_id,
            "subnet_ids": network.subnet_ids,
            "security_group_id": network.security_group_id,
        }
        if self._plan.has("private-network"):
            self._private_network(where, network)

    def _private_network(self, where: Placement, network: Network) -> None:
        subnets = network.subnet_ids
        PrivateNetwork(
            f"{self._name}-private-network",
            {
                "placement": where,
                "vpc_id": network.vpc_id,
                # Each interface costs by the hour: where an outage is affordable, one zone has them.
                "subnet_ids": subnets.apply(lambda ids: ids[:1]) if self._small else subnets,
                "workload_security_group_id": network.security_group_id,
                "capabilities": sorted(callers(self._plan.on, self._settings.tracking.kind)),
            },
            self._inside,
        )

    @property
    def _small(self) -> bool:
        return self._settings.effective_size == "small"

    def _workbench(self, where: Placement) -> None:
        if not self._wanted("workbench"):
            return
        if self._settings.workbench.bring is not None:
            self._built["domain_id"] = self._settings.workbench.bring
            return
        args = parts.workbench_args(self._settings, where, self._built, self._plan)
        self._built["domain_id"] = Workbench(f"{self._name}-workbench", args, self._inside).domain_id

    def _packages(self, where: Placement) -> None:
        if not self._wanted("packages"):
            return
        args: PackagesArgs = {
            "placement": where,
            "source": PackageSource(self._settings.packages.source),
            "data_key_arn": self._built["data_key_arn"],
        }
        packages = Packages(f"{self._name}-packages", args, self._inside)
        self._built |= {"package_domain": packages.domain, "package_repository": packages.repository}

    def _operations(self, where: Placement) -> None:
        """Declare what watches costs, trusts pipelines and tells people."""
        if self._plan.has("budget"):
            Budget(f"{self._name}-budget", parts.budget_args(self._settings, where), self._inside)
        if self._plan.has("ci"):
            ci = Ci(f"{self._name}-ci", parts.ci_args(self._settings, where), self._inside)
            self._built |= {
                "github_provider_arn": ci.github_provider_arn,
                "gitlab_provider_arn": ci.gitlab_provider_arn,
            }
        if self._plan.has("observability"):
            place = Place.of(where)
            observability = Observability(
                f"{self._name}-observability",
                {
                    "placement": where,
                    "logs_key_arn": self._built["logs_key_arn"],
                    "emails": parts.alarm_emails(self._settings),
                    "build_project": place.name("codebuild", "images"),
                    "buckets": [place.name("bucket", purpose) for purpose in ("data", "artifacts", "logs")],
                },
                self._inside,
            )
            self._built["alarm_topic_arn"] = observability.alarm_topic_arn

    def _tracking(self, where: Placement) -> None:
        """Declare where runs are tracked, and what keeps the line from data to model."""
        if self._wanted("tracking"):
            args = parts.tracking_args(self._settings, where, self._built)
            tracking = Tracking(f"{self._name}-tracking", args, self._inside)
            self._built |= {
                "tracking_arn": tracking.arn,
                "tracking_uri": tracking.uri,
                "tracking_secret_arn": tracking.secret_arn,
            }
        if self._wanted("lineage"):
            lineage_args: LineageArgs = {"placement": where, "logs_key_arn": self._built["logs_key_arn"]}
            Lineage(f"{self._name}-lineage", lineage_args, self._inside)

    def _publish(self, where: Placement) -> aws.ssm.Parameter:
        """Declare the contract, which can be read once everything in it is there."""
        settings, plan = self._settings, self._plan
        contract = pulumi.Output.all(**self._built).apply(
            lambda built: platform_contract(settings, plan, built).to_json()
        )
        child = Children(self, self._name, Place.of(where), "identity")
        return child(
            aws.ssm.Parameter,
            "contract",
            name=names.platform_parameter(settings.environment),
            description=f"What the platform {settings.environment} offers its models",
            type="String",
            tier=contract.apply(parameter_tier),
            value=contract,
        )


_OPTIONAL = (
    "build_project",
    "vpc_id",
    "subnet_ids",
    "security_group_id",
    "domain_id",
    "package_domain",
    "package_repository",
    "github_provider_arn",
    "gitlab_provider_arn",
    "alarm_topic_arn",
    "tracking_arn",
    "tracking_uri",
    "tracking_secret_arn",
)
_BUILT = tuple(name for name in Platform.__annotations__ if name not in ("level", "capabilities", "contract_parameter"))
