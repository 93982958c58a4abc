"""From settings and what was built to the documents that others read. Pure."""

from collections.abc import Mapping
from typing import Any

from terrace import __version__
from terrace.maturity import (
    Buckets,
    ContractTeam,
    JobNetwork,
    Keys,
    Lineage,
    ModelContract,
    ModelSettings,
    Network,
    Packages,
    Plan,
    PlatformContract,
    PlatformSettings,
    Scoring,
    Serving,
    Tracking,
)
from terrace_components.batch_policies import COLLECT_ROLE, PIPELINE_ROLE, BatchScope
from terrace_components.bucket_rules import NONCURRENT_DAYS
from terrace_components.model_policies import ModelScope
from terrace_components.serving_rules import ServingPlan

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192
"""What a parameter holds, by tier; the advanced one costs money."""


def parameter_tier(text: str) -> str:
    """Return the tier of a parameter with this value.

    Raises:
        ValueError: No parameter holds so much.
    """
    size = len(text.encode())
    if size > ADVANCED_BYTES:
        raise ValueError(
            f"a contract of {size} bytes; a parameter holds {ADVANCED_BYTES}: declare fewer teams or shorter names"
        )
    return "Standard" if size <= STANDARD_BYTES else "Advanced"


def platform_contract(settings: PlatformSettings, plan: Plan, built: Mapping[str, Any]) -> PlatformContract:
    """Return what a platform offers its models.

    Args:
        settings: The platform's settings.
        plan: What they ask for.
        built: The outputs of the platform's components, by the names they have there; empty text for what is not there.
    """
    ci = settings.ci
    return PlatformContract(
        terrace=__version__,
        organisation=settings.organisation,
        environment=settings.environment,
        account=settings.account_id,
        region=settings.region,
        level=settings.level,
        size=settings.effective_size,
        owner=settings.owner,
        cost_center=settings.cost_center,
        data_class=settings.data_class,
        protect=settings.protected,
        retention_days=settings.log_retention,
        kms_deletion_days=settings.key_deletion_days,
        capabilities=plan.on,
        buckets=Buckets(data=built["data_bucket"], artifacts=built["artifact_bucket"], logs=built["log_bucket"]),
        keys=Keys(data=built["data_key_arn"], models=built["models_key_arn"], logs=built["logs_key_arn"]),
        network=_network(built),
        boundary_arn=built["boundary_arn"],
        domain_id=(built["domain_id"] or None) if plan.has("workbench") else None,
        image_build_project=built["build_project"],
        packages=_packages(settings, built) if plan.has("packages") else None,
        alarm_topic_arn=built["alarm_topic_arn"] or None,
        github_provider_arn=built["github_provider_arn"] or None,
        gitlab_provider_arn=built["gitlab_provider_arn"] or None,
        gitlab_url=ci.gitlab.url if ci.gitlab else None,
        branch=ci.branch,
        teams=tuple(
            ContractTeam(name=name, group=team.group, cost_center=team.cost_center, instance_types=team.instance_types)
            for name, team in settings.teams.items()
        ),
        tracking=_tracking(settings, built) if plan.has("tracking") else None,
        lineage=_lineage(settings) if plan.has("lineage") else None,
    )


def model_contract(
    settings: ModelSettings,
    platform: PlatformContract,
    scope: ModelScope,
    serving: ServingPlan,
    level: int,
    built: Mapping[str, Any],
) -> ModelContract:
    """Return what a model's stack offers those who build, register and release it.

    Args:
        settings: The model's settings.
        platform: What its platform offers.
        scope: What belongs to the model.
        serving: How it is served.
        level: Its maturity level.
        built: The outputs of the model's components, by the names they have there.
    """
    return ModelContract(
        terrace=__version__,
        organisation=platform.organisation,
        environment=platform.environment,
        account=platform.account,
        region=platform.region,
        team=settings.team,
        model=settings.model,
        level=level,
        repository_name=built["repository_name"],
        repository_uri=built["repository_url"],
        build_project=built["build_project"],
        artifact_bucket=platform.buckets.artifacts,
        artifact_prefix=scope.artifact_prefix,
        data_bucket=platform.buckets.data,
        data_prefix=scope.data_prefix,
        models_key_arn=platform.keys.models,
        package_group=built["package_group"],
        train_role_arn=built["train_role_arn"],
        serve_role_arn=built["serve_role_arn"],
        deploy_role_arn=built["deploy_role_arn"],
        monitor_role_arn=built["monitor_role_arn"],
        endpoint=scope.endpoint,
        image=settings.image,
        serving=_serving(serving, platform, f"{scope.data_prefix}{settings.batch.prefix}"),
        tags=scope.place.tags("serving"),
        **{**_training(settings, platform, built), **_batch(settings, platform, scope)},
    )


def _batch(settings: ModelSettings, platform: PlatformContract, scope: ModelScope) -> dict[str, Any]:
    """Return what the contract says of scoring: nothing in modes that have an endpoint."""
    if settings.effective_mode != "batch":
        return {}
    batch = BatchScope(scope, settings.batch.prefix)
    scoring = Scoring(
        pipeline=batch.pipeline,
        pipeline_role_arn=scope.role(PIPELINE_ROLE),
        collect_role_arn=scope.role(COLLECT_ROLE),
        schedule=settings.batch.schedule,
        timezone=settings.batch.timezone,
        schedule_name=f"{batch.group}/{batch.schedule}",
    )
    return {"batch": scoring, "data_key_arn": platform.keys.data}


def _training(settings: ModelSettings, platform: PlatformContract, built: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the contract says of training: nothing where there is no pipeline."""
    if not built.get("pipeline"):
        return {}
    network, tracking = platform.network, platform.tracking
    jobs = network and JobNetwork(subnet_ids=network.subnet_ids, security_group_ids=(network.security_group_id,))
    return {
        "pipeline": built["pipeline"],
        "pipeline_arn": built["pipeline_arn"],
        "pipeline_role_arn": built["pipeline_role_arn"],
        "watched_prefix": built["watched_prefix"] or None,
        "tracking": tracking and tracking.model_copy(update={"experiment": settings.model}),
        "job_network": jobs,
        "data_key_arn": platform.keys.data,
        "training_instance_type": settings.training.instance_type,
    }


def _tracking(settings: PlatformSettings, built: Mapping[str, Any]) -> Tracking:
    return Tracking(
        kind=settings.tracking.kind,
        arn=built["tracking_arn"] or None,
        uri=settings.tracking.uri,
        secret_arn=built["tracking_secret_arn"] or None,
    )


def _lineage(settings: PlatformSettings) -> Lineage:
    return Lineage(data_versions="kept", artifact_versions_days=min(NONCURRENT_DAYS, settings.log_retention))


def _serving(serving: ServingPlan, platform: PlatformContract, prefix: str) -> Serving:
    batch = serving.mode == "batch"
    # What jobs keep on their disks is data; what an endpoint keeps is the model.
    key = (platform.keys.data if batch else platform.keys.models) if serving.takes_key else None
    if serving.mode == "serverless":
        return Serving(
            mode=serving.mode,
            memory_mb=serving.memory_mb,
            max_concurrency=serving.max_concurrency,
            kms_key_arn=key,
        )
    network = platform.network
    return Serving(
        mode=serving.mode,
        instance_type=serving.instance_type,
        instance_count=serving.instance_count,
        kms_key_arn=key,
        subnet_ids=network.subnet_ids if network else (),
        security_group_ids=(network.security_group_id,) if network else (),
        prefix=prefix if batch else None,
    )


def _network(built: Mapping[str, Any]) -> Network | None:
    if not built["vpc_id"]:
        return None
    return Network(
        vpc_id=built["vpc_id"],
        subnet_ids=tuple(built["subnet_ids"]),
        security_group_id=built["security_group_id"],
    )


def _packages(settings: PlatformSettings, built: Mapping[str, Any]) -> Packages:
    return Packages(
        source=settings.packages.source,
        domain=built["package_domain"] or None,
        repository=built["package_repository"] or None,
        index=settings.packages.index,
    )
