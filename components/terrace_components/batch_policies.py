"""What mode batch adds to a model: its names, and what the roles around scoring may do. Pure."""

from dataclasses import dataclass

from terrace.maturity.scoring import IN, OUT, WORK
from terrace_components.documents import Document, Statement, allow, deny_insecure, document, pass_role
from terrace_components.model_policies import ModelScope
from terrace_components.statements import (
    attach_network,
    create_job_logs,
    grant_keys,
    pull_images,
    put_metrics,
    read_objects,
    use_keys,
    write_objects,
)
from terrace_components.training_policies import STEPS, run_pipeline

BATCH = "-batch"
"""Purpose of what scores, in names that training has too: with the hyphen before it, so that what scores of model
`late` is not called as what trains model `late-batch`."""
COLLECT_ROLE, PIPELINE_ROLE, TRIGGER_ROLE = "collect", "score", f"{BATCH}-trigger"
"""Purposes of the roles: of the job that looks for what is new, of the pipeline, of the schedule."""
_JOBS = {"processing-job": "ProcessingJob", "transform-job": "TransformJob"}


@dataclass(frozen=True)
class BatchScope:
    """What of the environment belongs to the scoring of one model."""

    model: ModelScope
    folder: str
    """Where records arrive and predictions are put, below the model's own data; it ends in a slash."""

    @property
    def prefix(self) -> str:
        """Prefix in the data bucket."""
        return f"{self.model.data_prefix}{self.folder}"

    @property
    def pipeline(self) -> str:
        """Name of the pipeline that scores."""
        return self.model.place.name("pipeline", BATCH)

    @property
    def pipeline_arn(self) -> str:
        """ARN of the pipeline that scores."""
        return self.model.place.arn("sagemaker", f"pipeline/{self.pipeline}")

    @property
    def group(self) -> str:
        """Name of the schedule's group."""
        return self.model.place.name("schedule-group", BATCH)

    @property
    def schedule(self) -> str:
        """Name of the schedule in its group."""
        return self.model.place.name("schedule", "scoring")

    @property
    def queue(self) -> str:
        """Name of the queue of starts that could not be delivered."""
        return self.model.place.name("queue", f"{BATCH}-undelivered")

    @property
    def queue_arn(self) -> str:
        """ARN of that queue."""
        return self.model.place.arn("sqs", self.queue)

    def alarm(self, id: str) -> str:
        """Return the name of an alarm on scoring."""
        return self.model.place.name("alarm", f"{BATCH}-{id}")


def score_policy(scope: BatchScope) -> Document:
    """Start, watch and stop the two jobs of a run, and read what the first has found."""
    model, place = scope.model, scope.model.place
    verbs = [f"sagemaker:{verb}{job}" for verb in ("Create", "Describe", "Stop") for job in _JOBS.values()]
    jobs = [place.arn("sagemaker", f"{kind}/{STEPS}") for kind in _JOBS]
    return document(
        allow("RunJobs", [*verbs, "sagemaker:AddTags", "sagemaker:ListTags"], jobs),
        pass_role(place.account, [place.role_name(COLLECT_ROLE)], "sagemaker.amazonaws.com"),
        *read_objects(model.data_bucket, [f"{scope.prefix}{WORK}"]),
        use_keys([model.data_key]),
        grant_keys([model.data_key]),
    )


def collect_policy(scope: BatchScope) -> Document:
    """Look at what has arrived and what is scored, and write down what is to be, inside the network."""
    model, place = scope.model, scope.model.place
    return document(
        *read_objects(model.data_bucket, [f"{scope.prefix}{IN}"]),
        allow(
            "ListPredictions",
            ["s3:ListBucket"],
            [f"arn:aws:s3:::{model.data_bucket}"],
            condition={"StringLike": {"s3:prefix": [f"{scope.prefix}{OUT}*"]}},
        ),
        write_objects(model.data_bucket, [f"{scope.prefix}{WORK}"]),
        use_keys([model.data_key]),
        grant_keys([model.data_key]),
        *pull_images([model.repository]),
        create_job_logs(place.account, place.region),
        put_metrics([model.metrics, "/aws/sagemaker/ProcessingJobs"]),
        *attach_network(place.account, place.region),
    )


def serve_batch_policy(scope: BatchScope) -> Document:
    """Read what is to be scored and write predictions, besides what every model that serves may do."""
    model, place = scope.model, scope.model.place
    return document(
        *read_objects(model.data_bucket, [f"{scope.prefix}{IN}", f"{scope.prefix}{WORK}"]),
        write_objects(model.data_bucket, [f"{scope.prefix}{OUT}"]),
        use_keys([model.data_key]),
        grant_keys([model.data_key]),
        create_job_logs(place.account, place.region),
        put_metrics(["/aws/sagemaker/TransformJobs"]),
    )


def deploy_batch_policy(scope: BatchScope) -> Document:
    """Have another version score, and start, stop and resume runs."""
    return document(*deploy_batch_statements(scope))


def deploy_batch_statements(scope: BatchScope) -> list[Statement]:
    """Return what a release does with the pipeline that scores, and what runs it."""
    place = scope.model.place
    schedule = place.arn("scheduler", f"schedule/{scope.group}/{scope.schedule}")
    return [
        *run_pipeline(scope.pipeline_arn, scope.model.role(PIPELINE_ROLE)),
        allow("LookAtSchedule", ["scheduler:GetSchedule"], [schedule]),
    ]


def batch_queue_policy(scope: BatchScope) -> Document:
    """Refuse what does not come by TLS; the schedule's role says who may put in what could not be delivered."""
    return document(deny_insecure("sqs:*", [scope.queue_arn]))
