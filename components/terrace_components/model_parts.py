"""What each component of a model's stack is given: from settings and the platform's contract to arguments. Pure."""

import pulumi

from terrace.maturity import ModelSettings, Plan, PlatformContract, Release, Tracking, names
from terrace_components.alarms import AlarmsArgs
from terrace_components.batch_policies import BatchScope
from terrace_components.choices import DataClass, Level, Mode, Size, TrackingKind
from terrace_components.continuous_training import ContinuousTrainingArgs
from terrace_components.model_policies import ModelScope
from terrace_components.placement import Place, Placement
from terrace_components.release_ci import GithubProject, ReleaseCiArgs
from terrace_components.serving import BatchServing, ServingArgs
from terrace_components.serving_rules import ServingPlan
from terrace_components.training_pipeline import TrainingPipelineArgs

DEPLOYERS = ("ml-engineer", "operator")
"""Personas that may act as a model's deployer."""


def placement(settings: ModelSettings, platform: PlatformContract, level: int) -> Placement:
    """Return where the model's components stand: on the platform, as the model's own."""
    cost_centers = {team.name: team.cost_center for team in platform.teams}
    return {
        "organisation": platform.organisation,
        "environment": platform.environment,
        "account": platform.account,
        "region": platform.region,
        "level": Level(level),
        "owner": settings.owner,
        "cost_center": cost_centers.get(settings.team) or platform.cost_center,
        "data_class": DataClass(platform.data_class),
        "size": Size(platform.size),
        "protect": platform.protect,
        "retention_days": platform.retention_days,
        "kms_deletion_days": platform.kms_deletion_days,
        "boundary_arn": platform.boundary_arn,
        "team": settings.team,
        "model": settings.model,
    }


def serving_plan(settings: ModelSettings, platform: PlatformContract) -> ServingPlan:
    """Return how the model is served: on two instances in an environment with `protect`, so that one may fail.

    Jobs have one: a run that fails is repeated.
    """
    mode = settings.effective_mode
    return ServingPlan(
        mode=mode,
        memory_mb=settings.memory_mb,
        max_concurrency=settings.max_concurrency,
        instance_type=settings.instance_type,
        instance_count=settings.instance_count or (2 if platform.protect and mode != "batch" else 1),
    )


def build_project(plan: Plan, place: Place, platform: PlatformContract) -> str:
    """Return the name of the project that builds the model's images: its own from level 1 on."""
    return place.name("codebuild", "images") if plan.has("release-ci") else platform.image_build_project


def deployers(platform: PlatformContract) -> list[str]:
    """Return the ARNs of the personas that may act as the model's deployer."""
    roles = [names.physical("role", platform.organisation, platform.environment, persona) for persona in DEPLOYERS]
    return [f"arn:aws:iam::{platform.account}:role/{role}" for role in roles]


def serving_args(
    settings: ModelSettings,
    platform: PlatformContract,
    where: Placement,
    serving: ServingPlan,
    release: Release | None,
    *,
    keeps_scoring: bool = False,
) -> ServingArgs:
    """Return what Serving is given, but for the role; with `keeps_scoring` what scored in mode batch stays."""
    network = platform.network
    args: ServingArgs = {
        "placement": where,
        "mode": Mode(serving.mode),
        "memory_mb": serving.memory_mb,
        "max_concurrency": serving.max_concurrency,
        "instance_type": serving.instance_type,
        "instance_count": serving.instance_count,
        "serve_role_arn": "",
        "subnet_ids": list(network.subnet_ids) if network else [],
        "security_group_ids": [network.security_group_id] if network else [],
        "models_key_arn": platform.keys.models,
        "logs_key_arn": platform.keys.logs,
    }
    if settings.image is not None:
        args["image"] = settings.image
    if serving.mode == "batch":
        args["batch"] = batch_args(settings, platform, release)
        return args
    if keeps_scoring:
        args["batch"] = {**batch_args(settings, platform, None), "stores_only": True}
    if release is not None and release.endpoint_config:
        # What was released in mode batch has no endpoint configuration: the baseline answers until it is settled.
        args["released_config"] = release.endpoint_config
    return args


def batch_args(settings: ModelSettings, platform: PlatformContract, release: Release | None) -> BatchServing:
    """Return what Serving is given for mode batch, but for the role."""
    args: BatchServing = {
        "data_bucket": platform.buckets.data,
        "data_key_arn": platform.keys.data,
        "deploy_role_arn": "",
        "schedule": settings.batch.schedule,
        "timezone": settings.batch.timezone,
        "prefix": settings.batch.prefix,
    }
    if release is not None:
        args["released_model"] = release.sagemaker_model or ""
        args["released_image"] = release.image
    return args


def release_ci_args(settings: ModelSettings, platform: PlatformContract, where: Placement, plan: Plan) -> ReleaseCiArgs:
    """Return what ReleaseCi is given: the repository, and the provider that the platform trusts for it."""
    args: ReleaseCiArgs = {
        "placement": where,
        "data_bucket": platform.buckets.data,
        "artifact_bucket": platform.buckets.artifacts,
        "data_key_arn": platform.keys.data,
        "models_key_arn": platform.keys.models,
        "logs_key_arn": platform.keys.logs,
        "branch": platform.branch,
        "training": plan.has("training-pipeline"),
        "batch": settings.effective_mode == "batch",
    }
    if settings.github is not None and platform.github_provider_arn is not None:
        repository: GithubProject = {
            "owner": settings.github.owner,
            "owner_id": settings.github.owner_id,
            "repository": settings.github.repository,
            "repository_id": settings.github.repository_id,
            "legacy_subject": settings.github.legacy_subject,
        }
        args["github"], args["github_provider_arn"] = repository, platform.github_provider_arn
    if settings.gitlab is not None and platform.gitlab_provider_arn is not None:
        args["gitlab"], args["gitlab_provider_arn"] = {"project": settings.gitlab.project}, platform.gitlab_provider_arn
        args["gitlab_url"] = platform.gitlab_url or "https://gitlab.com"
    return args


def training_args(
    settings: ModelSettings, platform: PlatformContract, where: Placement, tracking: Tracking | None
) -> TrainingPipelineArgs:
    """Return what TrainingPipeline is given, but for the roles that it adds to; without tracking, to keep its history.

    A platform below level 2 has no tracking, and a model there no runs to be tracked.
    """
    args: TrainingPipelineArgs = {
        "placement": where,
        "data_bucket": platform.buckets.data,
        "artifact_bucket": platform.buckets.artifacts,
        "data_key_arn": platform.keys.data,
        "models_key_arn": platform.keys.models,
        "train_role_arn": "",
        "deploy_role_arn": "",
    }
    if tracking is None:
        args["stores_only"] = True
        return args
    args["tracking_kind"] = TrackingKind(tracking.kind)
    if tracking.arn is not None:
        args["tracking_arn"] = tracking.arn
    if tracking.secret_arn is not None:
        args["secret_arn"] = tracking.secret_arn
    if platform.alarm_topic_arn is not None:
        args["alarm_topic_arn"] = platform.alarm_topic_arn
    if (late := settings.training.lateness_hours) is not None:
        args["late_after_hours"] = late
    return args


def trigger_args(
    settings: ModelSettings, platform: PlatformContract, where: Placement, pipeline_arn: pulumi.Input[str]
) -> ContinuousTrainingArgs:
    """Return what ContinuousTraining is given."""
    args: ContinuousTrainingArgs = {
        "placement": where,
        "data_bucket": platform.buckets.data,
        "pipeline_arn": pipeline_arn,
        "logs_key_arn": platform.keys.logs,
        "on_new_data": settings.training.on_new_data,
        "timezone": settings.training.timezone,
    }
    if settings.training.schedule is not None:
        args["schedule"] = settings.training.schedule
    if platform.alarm_topic_arn is not None:
        args["alarm_topic_arn"] = platform.alarm_topic_arn
    return args


def alarms_args(settings: ModelSettings, where: Placement, scope: ModelScope, topic: str) -> AlarmsArgs:
    """Return what Alarms is given."""
    args: AlarmsArgs = {
        "placement": where,
        "endpoint": scope.endpoint,
        "serving": settings.image is not None,
        "alarm_topic_arn": topic,
        "latency_ms": settings.slo.latency_ms,
        "availability": settings.slo.availability,
    }
    if settings.slo.runbook is not None:
        args["runbook"] = settings.slo.runbook
    if settings.slo.on_call is not None:
        args["on_call"] = settings.slo.on_call
    if settings.effective_mode == "batch":
        batch = BatchScope(scope, settings.batch.prefix)
        args["scoring_pipeline"], args["scoring_queue"] = batch.pipeline, batch.queue
        if (late := settings.batch.lateness_hours) is not None:
            args["late_after_hours"] = late
    return args
