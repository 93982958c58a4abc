"""What roles around a training pipeline may do: to run its steps, to publish it, to start it. Pure."""

from terrace.maturity import Tracking
from terrace_components.documents import Document, Statement, allow, deny_insecure, document, pass_role
from terrace_components.model_policies import ModelScope
from terrace_components.statements import (
    grant_keys,
    put_metrics,
    read_objects,
    read_parameters,
    use_keys,
    write_objects,
)
from terrace_components.tracking_policies import log_artifacts, log_runs, read_lineage, write_lineage

STEPS = "pipelines-*"
"""How SageMaker names the jobs of pipelines."""
JOB_METRICS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TransformJobs")
_JOBS = ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob", "TransformJob")
_KINDS = ("hyper-parameter-tuning-job", "processing-job", "training-job", "transform-job")


def pipeline_policy(scope: ModelScope) -> Document:
    """Start, watch and stop the jobs of a run under the train role, read what they report, register a version."""
    place = scope.place
    names = (STEPS, f"{scope.prefix}-*")
    jobs = [place.arn("sagemaker", f"{kind}/{name}") for kind in _KINDS for name in names]
    verbs = [f"sagemaker:{verb}{job}" for verb in ("Create", "Describe", "Stop") for job in _JOBS]
    register = [
        "sagemaker:AddTags",
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
    ]
    keys = [scope.data_key, scope.models_key]
    return document(
        allow("RunJobs", [*verbs, "sagemaker:AddTags", "sagemaker:ListTags"], jobs),
        allow("RegisterVersions", register, scope.versions()),
        pass_role(place.account, [place.role_name("train")], "sagemaker.amazonaws.com"),
        *read_objects(scope.artifact_bucket, [scope.artifact_prefix, scope.source_prefix]),
        write_objects(scope.artifact_bucket, [scope.artifact_prefix]),
        use_keys(keys),
        grant_keys(keys),
        *write_lineage(place),
    )


def training_policy(scope: ModelScope, tracking: Tracking) -> Document:
    """Record runs and lineage from a job, and compare with the version in production."""
    place = scope.place
    compare = ["sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup"]
    return document(
        *log_runs(tracking.kind, tracking.arn, tracking.secret_arn),
        *(log_artifacts(scope.artifact_bucket) if tracking.kind in ("app", "server") else []),
        *write_lineage(place),
        allow("CompareVersions", compare, scope.versions()),
        allow("FindVersions", ["sagemaker:ListModelPackages"], ["*"]),
        read_parameters(place.account, place.region, place.environment),
        put_metrics(JOB_METRICS),
    )


def publish_policy(scope: ModelScope) -> Document:
    """Publish a definition of the pipeline, start, stop and resume runs."""
    return document(*publish_statements(scope))


def publish_statements(scope: ModelScope) -> list[Statement]:
    """Return what publishes the pipeline and runs it."""
    return [*run_pipeline(scope.pipeline_arn, scope.role("pipeline")), *read_lineage(scope.place)]


def run_pipeline(pipeline_arn: str, role_arn: str) -> list[Statement]:
    """Return what changes the definition of one pipeline, which has a role, and starts, stops and resumes runs."""
    publish = [
        "sagemaker:DescribePipeline",
        "sagemaker:DescribePipelineDefinitionForExecution",
        "sagemaker:DescribePipelineExecution",
        "sagemaker:ListPipelineExecutionSteps",
        "sagemaker:ListPipelineExecutions",
        "sagemaker:ListPipelineParametersForExecution",
        "sagemaker:RetryPipelineExecution",
        "sagemaker:StartPipelineExecution",
        "sagemaker:StopPipelineExecution",
        "sagemaker:UpdatePipeline",
        "sagemaker:UpdatePipelineExecution",
    ]
    return [
        allow("PublishPipeline", publish, [pipeline_arn, f"{pipeline_arn}/execution/*"]),
        allow("PassPipelineRole", ["iam:PassRole"], [role_arn], condition=_TO_SAGEMAKER),
    ]


def trigger_policy(pipeline_arn: str, queue_arn: str, queue_key: object) -> Document:
    """Start this pipeline, and keep what could not be delivered."""
    return document(
        allow("StartPipeline", ["sagemaker:StartPipelineExecution"], [pipeline_arn]),
        allow("KeepUndelivered", ["sqs:SendMessage"], [queue_arn]),
        allow("UseQueueKey", ["kms:Decrypt", "kms:GenerateDataKey"], [queue_key]),
    )


def queue_policy(queue_arn: str, rule_arn: str, account: str) -> Document:
    """Let one rule put in what it could not deliver, all by TLS."""
    condition = {"ArnEquals": {"aws:SourceArn": rule_arn}, "StringEquals": {"aws:SourceAccount": account}}
    return document(
        allow(
            "RuleKeepsUndelivered",
            ["sqs:SendMessage"],
            [queue_arn],
            principal={"Service": "events.amazonaws.com"},
            condition=condition,
        ),
        deny_insecure("sqs:*", [queue_arn]),
    )


_TO_SAGEMAKER = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
