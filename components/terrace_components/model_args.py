"""Arguments of ModelStack: the settings of a model in an environment, for programs in every Pulumi language.

What each key may be is checked by `terrace.maturity.ModelSettings`, which also knows the defaults.
"""

from typing import NotRequired, TypedDict

from terrace_components.choices import Level, Mode
from terrace_components.release_ci import GithubProject, GitlabProject


class BatchSettings(TypedDict):
    """When what has arrived is scored, and where it arrives, in mode batch."""

    schedule: NotRequired[str]
    """When it is scored: rate(1 day) or cron(0 3 ? * MON *). Default rate(1 day)."""
    timezone: NotRequired[str]
    """Time zone of the schedule. Default UTC."""
    late_after_hours: NotRequired[int]
    """Hours without a successful run after which an alarm rings, 1 to 168. Default by the schedule's interval."""
    prefix: NotRequired[str]
    """Where, below the model's own data, records arrive (`in/`) and predictions are put (`out/`). Default batch/."""


class ObjectiveSettings(TypedDict):
    """What the endpoint promises; in mode batch only the runbook and who is on call count."""

    latency_ms: NotRequired[int]
    """Milliseconds in which 99 of 100 predictions are made. Default 500."""
    availability: NotRequired[float]
    """Percent of invocations without a server error. Default 99.5."""
    runbook: NotRequired[str]
    """Page that says what to do when an alarm rings."""
    on_call: NotRequired[str]
    """E-mail address of who is told besides the platform's alarm topic."""


class TrainingSettings(TypedDict):
    """When the training pipeline runs, and on what."""

    schedule: NotRequired[str]
    """When it runs by the clock: rate(1 day) or cron(0 3 ? * MON *). Default never."""
    timezone: NotRequired[str]
    """Time zone of the schedule. Default UTC."""
    on_new_data: NotRequired[bool]
    """Whether a new object below the watched prefix starts a run. Default true."""
    late_after_hours: NotRequired[int]
    """Hours without a successful run after which an alarm rings, 1 to 168. Default by the schedule's interval."""
    instance_type: NotRequired[str]
    """Instances of the pipeline's jobs. Default ml.m5.large."""


class ModelStackArgs(TypedDict):
    """The settings of one model in one environment."""

    model: str
    """Name of the model, at most 32 characters."""
    environment: str
    """Name of the environment."""
    region: str
    """AWS region."""
    team: str
    """Team that owns the model; the platform knows it."""
    owner: str
    """E-mail address of who answers for the model."""
    account: NotRequired[str]
    """AWS account id. Without one, the environment lives in Terrace's sandbox."""
    level: NotRequired[Level]
    """Maturity level, at most the platform's. Default the platform's."""
    mode: NotRequired[Mode]
    """How predictions are served: serverless, realtime or batch. Default realtime in prod, else serverless."""
    memory_mb: NotRequired[int]
    """Memory of a serverless endpoint, in MB. Default 2048."""
    max_concurrency: NotRequired[int]
    """Invocations at once of a serverless endpoint. Default 5."""
    instance_type: NotRequired[str]
    """Instances of a realtime endpoint, or of the jobs of mode batch. Default ml.m5.large."""
    instance_count: NotRequired[int]
    """How many: default 1; of a realtime endpoint in an environment with protect, 2."""
    image: NotRequired[str]
    """The project's image by digest. Without it, everything but the endpoint, or what scores, is built."""
    slo: NotRequired[ObjectiveSettings]
    """What the endpoint promises; in mode batch only the runbook and who is on call count."""
    batch: NotRequired[BatchSettings]
    """When what has arrived is scored, and where it arrives; with mode batch alone."""
    training: NotRequired[TrainingSettings]
    """When the training pipeline runs, and on what, from level 2 on."""
    github: NotRequired[GithubProject]
    """The repository, if it is on GitHub."""
    gitlab: NotRequired[GitlabProject]
    """The project, if it is on GitLab."""
    keep: NotRequired[list[str]]
    """Capabilities that are off but whose stores stay declared, and serving for what scored in mode batch."""
