"""What each of a model's roles may do: one role a job family, each as small as the job allows. Pure."""

from dataclasses import dataclass
from typing import Any

from terrace.maturity import names
from terrace.maturity.model_settings import TRAINING_FOLDER
from terrace_components.documents import Document, Statement, allow, document, pass_role
from terrace_components.placement import Place
from terrace_components.statements import (
    attach_network,
    create_job_logs,
    grant_keys,
    pull_images,
    push_images,
    put_metrics,
    read_keys,
    read_objects,
    read_parameters,
    use_keys,
    write_logs,
    write_objects,
)


@dataclass(frozen=True)
class ModelScope:
    """What of the environment belongs to one model."""

    place: Place
    data_bucket: str
    artifact_bucket: str
    data_key: Any
    models_key: Any

    @property
    def model(self) -> str:
        """Name of the model."""
        if self.place.model is None or self.place.team is None:
            raise ValueError("a model's roles need a placement that names team and model")
        return self.place.model

    @property
    def artifact_prefix(self) -> str:
        """Where the model's versions and reports are, in the artifact bucket."""
        return f"models/{self.model}/"

    @property
    def source_prefix(self) -> str:
        """Where the sources of the model's images are, in the artifact bucket."""
        return f"sources/{self.model}/"

    @property
    def data_prefix(self) -> str:
        """Where the model's own data is, in the data bucket."""
        return f"{self.place.team}/{self.model}/"

    @property
    def data_prefixes(self) -> list[str]:
        """What the model reads: its team's data, and what all teams share."""
        return [f"{self.place.team}/", "shared/"]

    @property
    def prefix(self) -> str:
        """What the physical name of everything of the model begins with."""
        return f"{self.place.prefix}-{self.place.team}-{self.model}"

    @property
    def pipeline(self) -> str:
        """Name of the model's training pipeline."""
        return self.place.name("pipeline")

    @property
    def pipeline_arn(self) -> str:
        """ARN of the training pipeline."""
        return self.place.arn("sagemaker", f"pipeline/{self.pipeline}")

    @property
    def watched_prefix(self) -> str:
        """Below this prefix of the data bucket new training data arrives."""
        return f"{self.data_prefix}{TRAINING_FOLDER}"

    @property
    def endpoint(self) -> str:
        """Name of the model's endpoint."""
        return self.place.name("endpoint")

    @property
    def metrics(self) -> str:
        """Namespace of the model's own metrics."""
        return f"Terrace/{self.model}"

    @property
    def repository(self) -> str:
        """ARN of the model's image repository."""
        return self.place.arn("ecr", f"repository/{self.place.name('repository')}")

    @property
    def package_group(self) -> str:
        """Name of the model's package group."""
        return self.place.name("package-group")

    def endpoints(self) -> list[str]:
        """Return the ARN of the model's endpoint."""
        return [self.place.arn("sagemaker", f"endpoint/{self.endpoint}")]

    def versions(self) -> list[str]:
        """Return the ARN of the model's package group, and the pattern of its versions."""
        group = self.package_group
        return [
            self.place.arn("sagemaker", f"model-package-group/{group}"),
            self.place.arn("sagemaker", f"model-package/{group}/*"),
        ]

    def serving(self) -> list[str]:
        """Return patterns of what an endpoint of the model is made of: models and endpoint configurations.

        Their names end with a version or a hash. Names that are too long are cut before that, so the pattern is too.
        """
        kept = names.LIMITS["model"].longest - names.HASH_LENGTH - 1
        pattern = f"{self.prefix[:kept].rstrip('-')}*"
        return [self.place.arn("sagemaker", f"{kind}/{pattern}") for kind in ("endpoint-config", "model")]

    def role(self, purpose: str) -> str:
        """Return the ARN of one of the model's roles."""
        return self.place.arn("iam", f"role/{self.place.role_name(purpose)}")


def train_policy(scope: ModelScope) -> Document:
    """Read data, write versions and reports, inside the network."""
    place = scope.place
    keys = [scope.data_key, scope.models_key]
    return document(
        *read_objects(scope.data_bucket, scope.data_prefixes),
        write_objects(scope.data_bucket, [scope.data_prefix]),
        *read_objects(scope.artifact_bucket, [scope.artifact_prefix, scope.source_prefix]),
        write_objects(scope.artifact_bucket, [scope.artifact_prefix]),
        use_keys(keys),
        grant_keys(keys),
        *pull_images([scope.repository]),
        create_job_logs(place.account, place.region),
        put_metrics([scope.metrics, "/aws/sagemaker/TrainingJobs"]),
        *attach_network(place.account, place.region),
    )


def serve_policy(scope: ModelScope, *, network: bool) -> Document:
    """Read the released version, and answer.

    Args:
        scope: The model.
        network: Instances stand in the network; serverless endpoints cannot.
    """
    place = scope.place
    group = place.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{scope.endpoint}")
    return document(
        *read_objects(scope.artifact_bucket, [scope.artifact_prefix]),
        read_keys([scope.models_key]),
        *pull_images([scope.repository]),
        write_logs([group]),
        put_metrics([scope.metrics]),
        *(attach_network(place.account, place.region) if network else []),
    )


def monitor_policy(scope: ModelScope) -> Document:
    """Read what was asked and answered, write reports and metrics, inside the network."""
    place = scope.place
    keys = [scope.data_key, scope.models_key]
    return document(
        *read_objects(scope.data_bucket, [scope.data_prefix]),
        *read_objects(scope.artifact_bucket, [scope.artifact_prefix]),
        write_objects(scope.artifact_bucket, [f"{scope.artifact_prefix}monitoring/"]),
        use_keys(keys),
        grant_keys(keys),
        *pull_images([scope.repository]),
        create_job_logs(place.account, place.region),
        put_metrics([scope.metrics]),
        *attach_network(place.account, place.region),
    )


def deploy_policy(scope: ModelScope, build_project: str) -> Document:
    """Build an image, register a version, and change what the endpoint serves."""
    return document(*deploy_statements(scope, build_project))


def deploy_statements(scope: ModelScope, build_project: str) -> list[Statement]:
    """Return what a release does, from source to endpoint."""
    place = scope.place
    release = place.arn("ssm", f"parameter/terrace/{place.environment}/{scope.model}/*")
    serving = [
        "sagemaker:AddTags",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateModel",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:InvokeEndpoint",
        "sagemaker:ListTags",
        "sagemaker:UpdateEndpoint",
    ]
    versions = [
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:UpdateModelPackage",
    ]
    build = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
    return [
        *read_objects(scope.artifact_bucket, [scope.artifact_prefix, scope.source_prefix]),
        write_objects(scope.artifact_bucket, [scope.artifact_prefix, scope.source_prefix]),
        use_keys([scope.models_key]),
        grant_keys([scope.models_key]),
        allow("BuildImages", build, [place.arn("codebuild", f"project/{build_project}")]),
        # A version of another environment comes with its image, which is carried over layer by layer.
        *push_images([scope.repository]),
        allow("Serve", serving, [*scope.endpoints(), *scope.serving()]),
        allow("RegisterVersions", versions, scope.versions()),
        allow("FindVersions", ["sagemaker:ListModelPackages"], ["*"]),
        pass_role(place.account, [place.role_name("serve")], "sagemaker.amazonaws.com"),
        read_parameters(place.account, place.region, place.environment),
        allow("RecordRelease", ["ssm:AddTagsToResource", "ssm:PutParameter"], [release]),
    ]
