"""What each component of a platform is given: from settings to arguments. Pure."""

from typing import Any

from terrace.errors import PlanError
from terrace.maturity import Plan, PlatformSettings, plan
from terrace_components.budget import BudgetArgs, TeamBudget
from terrace_components.choices import Auth, DataClass, Level, Nat, Size, TrackingKind, TrackingSize
from terrace_components.ci import CiArgs
from terrace_components.encryption import EncryptionArgs
from terrace_components.placement import Place, Placement
from terrace_components.tracking import TrackingArgs
from terrace_components.workbench import WorkbenchArgs

FOUNDATION = ("encryption", "storage", "identity")
"""What everything else stands on, and what every model reads from the contract."""


def buildable(settings: PlatformSettings) -> Plan:
    """Return the plan of settings that can be built.

    Raises:
        PlanError: Terrace cannot build a capability yet, or one that everything stands on is switched off.
    """
    found = plan(settings)
    found.refuse_unbuilt()
    for capability in FOUNDATION:
        if not found.has(capability):
            raise PlanError(
                f"terrace:capabilities.{capability} is false, but every model of the platform needs it.",
                f"Leave {capability} on; keys and the permissions boundary can be brought instead of built.",
            )
    return found


def placement(settings: PlatformSettings) -> Placement:
    """Return where the platform's components stand; the boundary comes once it is built."""
    return {
        "organisation": settings.organisation,
        "environment": settings.environment,
        "account": settings.account_id,
        "region": settings.region,
        "level": Level(settings.level),
        "owner": settings.owner,
        "cost_center": settings.cost_center,
        "data_class": DataClass(settings.data_class),
        "size": Size(settings.effective_size),
        "protect": settings.protected,
        "retention_days": settings.log_retention,
        "kms_deletion_days": settings.key_deletion_days,
    }


def encryption_args(settings: PlatformSettings, where: Placement) -> EncryptionArgs:
    """Return what Encryption is given: the keys that are there already."""
    brought = settings.encryption.bring
    args: EncryptionArgs = {"placement": where}
    if brought.data is not None:
        args["data_key_arn"] = brought.data
    if brought.models is not None:
        args["models_key_arn"] = brought.models
    if brought.logs is not None:
        args["logs_key_arn"] = brought.logs
    return args


def nat(settings: PlatformSettings, found: Plan) -> Nat:
    """Return the way to the internet: none for a network that is only kept for the home folders in it."""
    return Nat(settings.nat_mode) if found.has("network") else Nat.NONE


def access_logs(settings: PlatformSettings) -> bool:
    """Tell whether accesses to buckets are logged: everywhere but where somebody just tries things."""
    return settings.effective_size != "small"


def budget_args(settings: PlatformSettings, where: Placement) -> BudgetArgs:
    """Return what Budget is given: the environment's budget and those of teams that have one."""
    teams: list[TeamBudget] = [
        {"team": name, "monthly": team.budget} for name, team in settings.teams.items() if team.budget is not None
    ]
    return {
        "placement": where,
        "monthly": settings.budget.monthly,
        "emails": list(settings.budget.emails or (settings.owner,)),
        "teams": teams,
    }


def ci_args(settings: PlatformSettings, where: Placement) -> CiArgs:
    """Return what Ci is given: who is trusted, and the providers that are there already."""
    github, gitlab = settings.ci.github, settings.ci.gitlab
    args: CiArgs = {"placement": where, "github": github is not None, "gitlab": gitlab is not None}
    if github is not None and github.provider_arn is not None:
        args["github_provider_arn"] = github.provider_arn
    if gitlab is not None:
        args["gitlab_url"] = gitlab.url
        if gitlab.provider_arn is not None:
            args["gitlab_provider_arn"] = gitlab.provider_arn
    return args


def workbench_args(settings: PlatformSettings, where: Placement, built: dict[str, Any], found: Plan) -> WorkbenchArgs:
    """Return what Workbench is given.

    Args:
        settings: The platform's settings.
        where: Where the component stands, boundary included.
        built: Outputs of network and keys.
        found: The plan.
    """
    return {
        "placement": where,
        "vpc_id": built["vpc_id"],
        "subnet_ids": built["subnet_ids"],
        "security_group_id": built["security_group_id"],
        "data_key_arn": built["data_key_arn"],
        "models_key_arn": built["models_key_arn"],
        "auth": Auth(settings.workbench.auth),
        "idle_minutes": settings.workbench.idle_minutes,
        "profiles": list(settings.workbench.profiles),
        "capabilities": list(found.on),
    }


def tracking_args(settings: PlatformSettings, where: Placement, built: dict[str, Any]) -> TrackingArgs:
    """Return what Tracking is given.

    Args:
        settings: The platform's settings.
        where: Where the component stands, boundary included.
        built: Outputs of storage and keys.
    """
    tracking = settings.tracking
    args: TrackingArgs = {
        "placement": where,
        "kind": TrackingKind(tracking.kind),
        "artifact_bucket": Place.of(where).name("bucket", "artifacts"),
        "data_key_arn": built["data_key_arn"],
        "models_key_arn": built["models_key_arn"],
    }
    if tracking.effective_size is not None:
        args["size"] = TrackingSize(tracking.effective_size)
    if tracking.uri is not None:
        args["uri"] = tracking.uri
    if tracking.secret is not None:
        args["secret_arn"] = tracking.secret
    return args


def alarm_emails(settings: PlatformSettings) -> list[str]:
    """Return who hears of alarms."""
    return list(settings.alerts.emails or (settings.owner,))
