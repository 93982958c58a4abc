"""The documents that one part of Terrace publishes for another, as SSM parameters.

Within a version they change by addition only: a reader takes no notice of fields it doesn't know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

CONTRACT_VERSION = 1


class Document(BaseModel):
    """A published document: frozen, camelCase on the wire."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    version: int = CONTRACT_VERSION
    """Version of the document's form."""

    def to_json(self) -> str:
        """Return the document as compact JSON, without what is absent: a parameter holds 4 KB."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a document.

        Raises:
            ValueError: It is no document of this form, or of a version that this Terrace doesn't know.
        """
        try:
            found = cls.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(f"not a {cls.__name__}: {error}") from error
        if found.version > CONTRACT_VERSION:
            raise ValueError(
                f"a {cls.__name__} of version {found.version}, but this Terrace reads up to {CONTRACT_VERSION}"
            )
        return found


class Buckets(Document):
    """Names of the platform's buckets."""

    data: str
    artifacts: str
    logs: str


class Keys(Document):
    """ARNs of the platform's customer-managed keys."""

    data: str
    models: str
    logs: str


class Network(Document):
    """Where jobs and endpoints run."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_id: str


class Packages(Document):
    """Where `pip install` goes: `codeartifact` with domain and repository, an `index` of one's own, or `nat`."""

    source: str
    domain: str | None = None
    repository: str | None = None
    index: str | None = None


class Tracking(Document):
    """Where runs are tracked."""

    kind: str
    """`app` or `server` of SageMaker, `mlflow` of one's own, `wandb` or `neptune`."""
    arn: str | None = None
    """ARN of the MLflow App or tracking server: what `MLFLOW_TRACKING_URI` is set to."""
    uri: str | None = None
    """Where a service of one's own is."""
    secret_arn: str | None = None
    """Secret that holds the credentials of a service of one's own; its value is put there by hand."""
    experiment: str | None = None
    """Name of the experiment that a model's runs belong to; a platform names none."""


class Lineage(Document):
    """How long what a model was trained on can be read again."""

    data_versions: str
    """`kept`: no older version of an object in the data bucket is ever removed."""
    artifact_versions_days: int
    """Days for which older versions of artifacts are kept."""


class JobNetwork(Document):
    """Where training and processing jobs run: what their VPC configuration says."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


class ContractTeam(Document):
    """A team as model projects see it."""

    name: str
    group: str | None = None
    cost_center: str | None = None
    instance_types: tuple[str, ...] = ()
    """Instance types that its models may use; any if empty."""


class PlatformContract(Document):
    """What an environment's platform offers its model stacks; at `/terrace/<environment>/platform`."""

    terrace: str
    """Version of Terrace that published it."""
    organisation: str
    environment: str
    account: str
    region: str
    level: int
    size: str
    owner: str
    cost_center: str
    data_class: str
    protect: bool
    retention_days: int
    kms_deletion_days: int
    capabilities: tuple[str, ...]
    buckets: Buckets
    keys: Keys
    network: Network | None = None
    boundary_arn: str
    domain_id: str | None = None
    image_build_project: str
    """CodeBuild project that turns a repository's source into an image."""
    packages: Packages | None = None
    alarm_topic_arn: str | None = None
    github_provider_arn: str | None = None
    gitlab_provider_arn: str | None = None
    gitlab_url: str | None = None
    branch: str = "main"
    teams: tuple[ContractTeam, ...] = ()
    tracking: Tracking | None = None
    """Where models' runs are tracked; from level 2 on."""
    lineage: Lineage | None = None
    """What of the data stays; from level 2 on."""


class Serving(Document):
    """How a model is served: what an endpoint configuration, or the scoring pipeline, says besides the model."""

    mode: str
    memory_mb: int | None = None
    max_concurrency: int | None = None
    instance_type: str | None = None
    instance_count: int | None = None
    kms_key_arn: str | None = None
    """Key of the instances' storage; absent where AWS takes none."""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    prefix: str | None = None
    """In mode batch, the prefix in the data bucket: records arrive in its `in/`, predictions are put in its `out/`."""


class Scoring(Document):
    """What scores in mode batch, and when. All of it is named whether or not it exists yet."""

    pipeline: str
    """Name of the SageMaker pipeline that scores."""
    pipeline_role_arn: str
    """Role that the pipeline starts its jobs with."""
    collect_role_arn: str
    """Role of the job that looks for what is new; the model scores with the serve role."""
    schedule: str
    """When it runs: an expression of EventBridge Scheduler."""
    timezone: str
    schedule_name: str
    """Name of the schedule, with its group before it."""


class ModelContract(Document):
    """What a model's stack offers those who build, register and release it; at `/terrace/<env>/<model>/contract`."""

    terrace: str
    organisation: str
    environment: str
    account: str
    region: str
    team: str
    model: str
    level: int
    repository_name: str
    repository_uri: str
    build_project: str
    artifact_bucket: str
    artifact_prefix: str
    data_bucket: str
    data_prefix: str
    models_key_arn: str
    package_group: str
    train_role_arn: str
    serve_role_arn: str
    deploy_role_arn: str
    monitor_role_arn: str
    endpoint: str
    """Name of the endpoint, whether or not it exists; in mode batch there is none."""
    image: str | None = None
    """The image that the stack was last built with, `repository@sha256:…`."""
    serving: Serving
    tags: dict[str, str] = {}
    """Tags of what a release creates."""
    pipeline: str | None = None
    """Name of the SageMaker pipeline that trains; from level 2 on."""
    pipeline_arn: str | None = None
    pipeline_role_arn: str | None = None
    """Role that the pipeline starts its jobs with; the jobs themselves have the train role."""
    watched_prefix: str | None = None
    """Prefix in the data bucket below which a new object starts a run; absent where none does."""
    tracking: Tracking | None = None
    """Where the model's runs are tracked."""
    job_network: JobNetwork | None = None
    """Where the model's jobs run; absent without a network."""
    training_instance_type: str | None = None
    """Instances of the pipeline's jobs."""
    data_key_arn: str | None = None
    """Key of the data, and of jobs' volumes and intermediate data."""
    batch: Scoring | None = None
    """What scores, in mode batch."""


class Release(Document):
    """Who serves what since when; at `/terrace/<environment>/<model>/release`."""

    model: str
    environment: str
    model_version: int
    """Version of the model package; 0 is the baseline, after a rollback to it."""
    endpoint: str
    """Name of the endpoint; empty in mode batch, as is its configuration."""
    endpoint_config: str
    serving: Serving
    image: str
    model_data: str
    code: str
    """Commit or digest of the code that trained the version."""
    data: str
    """SHA-256 or S3 version of the data it was trained on."""
    metrics: dict[str, float]
    released_by: str
    """ARN of the caller."""
    released_at: datetime
    replaces: int | None = None
    """Version that served before; None if it was the baseline."""
    kind: str = "release"
    """`release` or `rollback`."""
    reason: str | None = None
    """Why, in the words of who did it."""
    brought_from: str | None = None
    """ARN of the version in the environment that it was brought from."""
    pipeline: str | None = None
    """Name of the pipeline that scores with it, in mode batch."""
    sagemaker_model: str | None = None
    """Name of the SageMaker model that it scores with, in mode batch."""
