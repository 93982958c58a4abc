"""Who may do what with runs, and with what is known of their lineage. Pure."""

from collections.abc import Sequence
from typing import Any

from terrace_components.documents import Document, Statement, allow, deny_insecure, document
from terrace_components.placement import Place
from terrace_components.statements import read_objects, use_keys, write_objects

PREFIX = "tracking/"
"""Where artifacts of runs are, in the artifact bucket."""

LOG_RUNS = tuple(
    f"sagemaker-mlflow:{verb}"
    for verb in (
        "CreateExperiment",
        "CreateModelVersion",
        "CreateRegisteredModel",
        "CreateRun",
        "Get*",
        "List*",
        "Log*",
        "Search*",
        "Set*",
        "Update*",
    )
)
"""What a client of MLflow does; nothing is deleted."""
READ_RUNS = ("sagemaker-mlflow:AccessUI", "sagemaker-mlflow:Get*", "sagemaker-mlflow:List*", "sagemaker-mlflow:Search*")

WRITE_LINEAGE = tuple(
    f"sagemaker:{verb}"
    for verb in (
        "AddAssociation",
        "AddTags",
        "CreateAction",
        "CreateArtifact",
        "CreateContext",
        "DescribeAction",
        "DescribeArtifact",
        "DescribeContext",
        "UpdateAction",
        "UpdateArtifact",
        "UpdateContext",
    )
)
READ_LINEAGE = (
    "sagemaker:DescribeAction",
    "sagemaker:DescribeArtifact",
    "sagemaker:DescribeContext",
    "sagemaker:QueryLineage",
)
FIND_LINEAGE = (
    "sagemaker:ListActions",
    "sagemaker:ListArtifacts",
    "sagemaker:ListAssociations",
    "sagemaker:ListContexts",
)


def tracking_policy(artifact_bucket: str, models_key: Any) -> Document:
    """Return the policy of MLflow itself: artifacts of runs, and nothing else of the bucket."""
    return document(
        *read_objects(artifact_bucket, [PREFIX]),
        write_objects(artifact_bucket, [PREFIX]),
        use_keys([models_key]),
    )


def secret_policy(arn: Any) -> Document:
    """Return the policy of a secret: whoever may read it by its own policy does so by TLS."""
    return document(deny_insecure("secretsmanager:*", [arn]))


def log_runs(kind: str, arn: str | None, secret_arn: str | None) -> list[Statement]:
    """Return what records runs.

    Args:
        kind: Kind of tracking.
        arn: ARN of the MLflow App or tracking server.
        secret_arn: ARN of the secret of a tool of one's own.
    """
    if kind in ("app", "server") and arn is not None:
        # An App is called through SageMaker's own action; what may be done in it is MLflow's in both.
        call = ["sagemaker:CallMlflowAppApi"] if kind == "app" else []
        return [allow("LogRuns", [*call, *LOG_RUNS], [arn])]
    if secret_arn is not None:
        return [allow("ReadCredential", ["secretsmanager:GetSecretValue"], [secret_arn])]
    return []


def log_artifacts(artifact_bucket: str) -> list[Statement]:
    """Return what keeps artifacts of runs, which clients of MLflow write to S3 themselves."""
    return [*read_objects(artifact_bucket, [PREFIX]), write_objects(artifact_bucket, [PREFIX])]


def look_at_runs(place: Place) -> list[Statement]:
    """Return what opens MLflow and reads runs of the environment: AWS makes up the ARN of an App, tags tell whose."""
    mlflow = [place.arn("sagemaker", f"{kind}/*") for kind in ("mlflow-app", "mlflow-tracking-server")]
    mine = {"StringEquals": {"aws:ResourceTag/environment": place.environment}}
    open_it = [
        "sagemaker:CallMlflowAppApi",
        "sagemaker:CreatePresignedMlflowAppUrl",
        "sagemaker:CreatePresignedMlflowTrackingServerUrl",
        "sagemaker:DescribeMlflowApp",
        "sagemaker:DescribeMlflowTrackingServer",
    ]
    find = ["sagemaker:ListMlflowApps", "sagemaker:ListMlflowTrackingServers"]
    return [
        allow("LookAtRuns", [*open_it, *READ_RUNS], mlflow, condition=mine),
        allow("FindTracking", find, ["*"]),
    ]


def log_runs_of(place: Place) -> Statement:
    """Return what records runs from notebooks, in the environment's MLflow."""
    mlflow = [place.arn("sagemaker", f"{kind}/*") for kind in ("mlflow-app", "mlflow-tracking-server")]
    mine = {"StringEquals": {"aws:ResourceTag/environment": place.environment}}
    return allow("LogRuns", ["sagemaker:CallMlflowAppApi", *LOG_RUNS], mlflow, condition=mine)


def write_lineage(place: Place) -> list[Statement]:
    """Return what records lineage. Its entities have names that SageMaker makes up, so kinds are all that is named."""
    return [allow("WriteLineage", WRITE_LINEAGE, _entities(place)), *read_lineage(place)]


def read_lineage(place: Place) -> list[Statement]:
    """Return what asks where a model comes from."""
    return [
        allow("ReadLineage", READ_LINEAGE, _entities(place)),
        allow("FindLineage", FIND_LINEAGE, ["*"]),
    ]


def _entities(place: Place) -> Sequence[str]:
    kinds = ("action", "artifact", "context", "experiment-trial-component")
    return [place.arn("sagemaker", f"{kind}/*") for kind in kinds]
