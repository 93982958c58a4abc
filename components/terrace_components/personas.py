"""What each persona may do in an environment. Pure: one function a persona."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from terrace_components.documents import Document, Statement, allow, document, pass_role
from terrace_components.placement import Place
from terrace_components.statements import (
    grant_keys,
    pull_images,
    read_logs,
    read_metrics,
    read_objects,
    read_parameters,
    use_keys,
    write_objects,
)
from terrace_components.tracking_policies import PREFIX, log_runs_of, look_at_runs, read_lineage

SAGEMAKER_READ = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:DescribeTransformJob",
    "sagemaker:ListTags",
)
JOBS = ("hyper-parameter-tuning-job", "processing-job", "training-job", "transform-job")
JOBS_READ = (
    "sagemaker:DescribeHyperParameterTuningJob",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:DescribeTransformJob",
    "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
)
SAGEMAKER_FIND = (
    "sagemaker:ListEndpoints",
    "sagemaker:ListModelPackageGroups",
    "sagemaker:ListModelPackages",
    "sagemaker:ListModels",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "sagemaker:Search",
)
SAGEMAKER_EXPERIMENT = (
    "sagemaker:AddTags",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateTransformJob",
    "sagemaker:StopProcessingJob",
    "sagemaker:StopTrainingJob",
    "sagemaker:StopTransformJob",
)


@dataclass(frozen=True)
class Reach:
    """What of an environment personas work with."""

    place: Place
    data_bucket: str
    artifact_bucket: str
    data_key: Any
    models_key: Any
    capabilities: frozenset[str] = frozenset()
    """Ids of the capabilities that are on."""

    @property
    def keys(self) -> list[Any]:
        """The keys of what personas read and write."""
        return [self.data_key, self.models_key]

    def sagemaker(self, *kinds: str) -> list[str]:
        """Return patterns of the environment's own SageMaker resources, by kind."""
        return [self.place.arn("sagemaker", f"{kind}/{self.place.prefix}-*") for kind in kinds]


def data_scientist(reach: Reach) -> Document:
    """Explores data, runs jobs under a model's training role, calls endpoints outside production."""
    return document(*explore(reach), *_experiment(reach), _studio(reach), *_call_endpoints(reach))


def ml_engineer(reach: Reach) -> Document:
    """Does what a data scientist does; also registers and approves versions, builds images, and may act as deployer."""
    register = [
        "sagemaker:CreateModelPackage",
        "sagemaker:UpdateModelPackage",
    ]
    return document(
        *explore(reach),
        *_experiment(reach),
        _studio(reach),
        *_call_endpoints(reach),
        allow("RegisterVersions", register, reach.sagemaker("model-package", "model-package-group")),
        *_act_as_deployer(reach),
    )


def operator(reach: Reach) -> Document:
    """Watches, quiets alarms, calls endpoints, and may act as a model's deployer to roll back."""
    quiet = ["cloudwatch:DisableAlarmActions", "cloudwatch:EnableAlarmActions"]
    alarms = [reach.place.arn("cloudwatch", f"alarm:{reach.place.prefix}-*")]
    return document(
        *_watch(reach),
        allow("QuietAlarms", quiet, alarms),
        allow("CallEndpoints", ["sagemaker:InvokeEndpoint"], reach.sagemaker("endpoint")),
        *_act_as_deployer(reach),
    )


def auditor(reach: Reach) -> Document:
    """Sees how everything is set up and what happened; sees no data."""
    buckets = [f"arn:aws:s3:::{bucket}" for bucket in (reach.data_bucket, reach.artifact_bucket)]
    look = [
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
    ]
    roles = [reach.place.arn("iam", f"role/{reach.place.prefix}-*")]
    return document(
        *_watch(reach),
        allow("LookAtBuckets", look, buckets),
        allow("LookAtKeys", ["kms:DescribeKey"], reach.keys),
        allow("LookAtRoles", ["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies"], roles),
    )


def explore(reach: Reach) -> list[Statement]:
    """Return what reads data, writes results, and finds models and jobs."""
    place = reach.place
    return [
        *read_objects(reach.data_bucket, ["*"]),
        *read_objects(reach.artifact_bucket, ["*"]),
        write_objects(reach.artifact_bucket, ["models/", "experiments/"]),
        use_keys(reach.keys),
        *pull_images([place.arn("ecr", f"repository/{place.prefix}-*")]),
        *_watch(reach),
    ]


def _watch(reach: Reach) -> list[Statement]:
    place = reach.place
    groups: Sequence[str] = [
        place.arn("logs", "log-group:/aws/sagemaker/*"),
        place.arn("logs", f"log-group:/terrace/{place.organisation}/{place.environment}/*"),
    ]
    return [
        allow("ReadSageMaker", SAGEMAKER_READ, [place.arn("sagemaker", f"*/{place.prefix}-*")]),
        allow("FindSageMaker", SAGEMAKER_FIND, ["*"]),
        read_logs(groups),
        *read_metrics(place.account, place.prefix),
        read_parameters(place.account, place.region, place.environment),
        *_watch_pipelines(reach),
        *(look_at_runs(reach.place) if "tracking" in reach.capabilities else []),
        *(read_lineage(place) if "lineage" in reach.capabilities else []),
    ]


def _watch_pipelines(reach: Reach) -> list[Statement]:
    """Return what looks at pipelines, their runs, and the jobs of these.

    SageMaker makes up the names of a run's jobs, and tags each with the execution that it belongs to.
    """
    look = [
        "sagemaker:DescribePipeline",
        "sagemaker:DescribePipelineDefinitionForExecution",
        "sagemaker:DescribePipelineExecution",
        "sagemaker:ListPipelineExecutionSteps",
        "sagemaker:ListPipelineExecutions",
        "sagemaker:ListPipelineParametersForExecution",
    ]
    (executions,) = reach.sagemaker("pipeline")
    mine = {"StringLike": {"aws:ResourceTag/sagemaker:pipeline-execution-arn": f"{executions}/execution/*"}}
    return [
        allow("LookAtPipelines", look, [executions]),
        allow("FindPipelines", ["sagemaker:ListPipelines"], ["*"]),
        allow("ReadJobsOfPipelines", JOBS_READ, [reach.place.arn("sagemaker", f"{k}/*") for k in JOBS], condition=mine),
    ]


def train(reach: Reach) -> list[Statement]:
    """Return what starts pipelines and records runs by hand; who publishes a pipeline is a deployer."""
    if "tracking" not in reach.capabilities:
        return []
    run = [
        "sagemaker:RetryPipelineExecution",
        "sagemaker:StartPipelineExecution",
        "sagemaker:StopPipelineExecution",
    ]
    return [
        allow("RunPipelines", run, reach.sagemaker("pipeline")),
        log_runs_of(reach.place),
        allow("KeepArtifactsOfRuns", ["s3:PutObject"], [f"arn:aws:s3:::{reach.artifact_bucket}/{PREFIX}*"]),
    ]


def _experiment(reach: Reach) -> list[Statement]:
    jobs = reach.sagemaker("processing-job", "training-job", "transform-job")
    return [
        allow("RunJobs", SAGEMAKER_EXPERIMENT, jobs),
        *train(reach),
        grant_keys(reach.keys),
        pass_role(reach.place.account, [f"{reach.place.prefix}-*-train"], "sagemaker.amazonaws.com"),
    ]


def _studio(reach: Reach) -> Statement:
    return allow(
        "OpenStudio",
        ["sagemaker:CreatePresignedDomainUrl"],
        [reach.place.arn("sagemaker", "user-profile/*")],
        condition={"StringEquals": {"aws:ResourceTag/environment": reach.place.environment}},
    )


def _call_endpoints(reach: Reach) -> list[Statement]:
    """Only programs and operators call endpoints of a protected environment."""
    if reach.place.protect:
        return []
    return [allow("CallEndpoints", ["sagemaker:InvokeEndpoint"], reach.sagemaker("endpoint"))]


def _act_as_deployer(reach: Reach) -> list[Statement]:
    roles = [reach.place.arn("iam", f"role/{reach.place.prefix}-*-deploy")]
    return [allow("ActAsDeployer", ["sts:AssumeRole"], roles)]
