"""What can be said of one model in one environment."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from terrace.maturity import fields as f
from terrace.maturity.names import made_up_account
from terrace.maturity.schedules import interval_hours
from terrace.maturity.settings import PRODUCTION

Mode = Literal["serverless", "realtime", "async", "batch"]
BUILT_MODES: tuple[Mode, ...] = ("serverless", "realtime", "batch")
NOT_OF: dict[Mode, dict[str, str]] = {
    "serverless": {"instance_type": "instanceType", "instance_count": "instanceCount"},
    "realtime": {"memory_mb": "memoryMb", "max_concurrency": "maxConcurrency"},
    "batch": {"memory_mb": "memoryMb", "max_concurrency": "maxConcurrency"},
}
"""Mode → the sizes that do nothing in it: field → key."""


LONGEST_WATCH = 168
"""Hours that an alarm of CloudWatch looks back at most."""
GRACE = 12
"""Hours that a scheduled run may take before it is late."""
TRAINING_FOLDER = "training/"
"""Where, below a model's own data, new data starts the training pipeline."""


class Objective(f.Settings):
    """The service level objective of the endpoint; in mode batch only the runbook and who is on call count."""

    latency_ms: f.Whole = Field(default=500, ge=1, le=60_000)
    """Milliseconds in which 99 of 100 predictions are made; the model's own time."""
    availability: float = Field(default=99.5, ge=90, lt=100)
    """Percent of invocations without a server error."""
    runbook: f.HttpsUrl | None = None
    """Page that says what to do when an alarm rings."""
    on_call: f.Email | None = None
    """Who is told, besides the platform's alarm topic."""


class Training(f.Settings):
    """When the training pipeline runs, and on what."""

    schedule: f.Schedule | None = None
    """When it runs by the clock: `rate(1 day)` or `cron(0 3 ? * MON *)`, as EventBridge Scheduler takes it."""
    timezone: f.Timezone = "UTC"
    """Time zone of the schedule."""
    on_new_data: f.Flag = True
    """Whether a new object below the watched prefix starts a run."""
    late_after_hours: f.Whole | None = Field(default=None, ge=1, le=LONGEST_WATCH)
    """Hours without a successful run after which an alarm rings; 12 more than the schedule's own interval, as long as
    that is at most a week: CloudWatch looks no further back. Without a schedule there is no such alarm by default."""
    instance_type: f.InstanceType = "ml.m5.large"
    """Instances of the pipeline's jobs."""

    @property
    def lateness_hours(self) -> int | None:
        """Hours without a successful run that are too many; None where nobody is told."""
        return _lateness_hours(self.late_after_hours, self.schedule)


class Batch(f.Settings):
    """When what has arrived is scored, and where it arrives, in mode batch."""

    schedule: f.Schedule = "rate(1 day)"
    """When it is scored: `rate(1 day)` or `cron(0 3 ? * MON *)`, as EventBridge Scheduler takes it."""
    timezone: f.Timezone = "UTC"
    """Time zone of the schedule."""
    late_after_hours: f.Whole | None = Field(default=None, ge=1, le=LONGEST_WATCH)
    """Hours without a successful run after which an alarm rings; 12 more than the schedule's own interval, as long as
    that is at most a week: CloudWatch looks no further back."""
    prefix: f.Folder = "batch/"
    """Where, below the model's own data: records arrive in `in/` there, and predictions are put in `out/`."""

    @property
    def lateness_hours(self) -> int | None:
        """Hours without a successful run that are too many; None where nobody is told."""
        return _lateness_hours(self.late_after_hours, self.schedule)


class ModelGitHub(f.Settings):
    """The GitHub repository of the model."""

    owner: f.Text = Field(pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")
    owner_id: f.Digits
    repository: f.Text = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    repository_id: f.Digits
    legacy_subject: f.Flag = False
    """The repository is older than 2026-07-15 and its tokens still present the subject without ids."""


class ModelGitLab(f.Settings):
    """The GitLab project of the model."""

    project: f.Text = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}$")


class ModelSettings(f.Settings):
    """Everything that can be said of one model in one environment."""

    model: f.ModelName
    environment: f.Environment
    region: f.Region
    account: f.Account | None = None
    """Without one, the environment lives in the sandbox."""
    team: f.TeamName
    owner: f.Email
    level: f.Whole | None = Field(default=None, ge=0, le=4)
    """At most the platform's, which it is without a value."""
    mode: Mode | None = None
    """How predictions are served: by an endpoint, serverless or realtime, or in files, batch; realtime in prod, else
    serverless."""
    memory_mb: f.Whole = Field(default=2048, ge=1024, le=6144, multiple_of=1024)
    """Memory of a serverless endpoint, in MB."""
    max_concurrency: f.Whole = Field(default=5, ge=1, le=200)
    """Invocations at once of a serverless endpoint."""
    instance_type: f.InstanceType = "ml.m5.large"
    """Instances of a realtime endpoint, or of the jobs of mode batch."""
    instance_count: f.Whole | None = Field(default=None, ge=1, le=100)
    """How many; a realtime endpoint has two in an environment with `protect`, else there is one."""
    image: f.ImageUri | None = None
    """The project's image by digest; without it, everything but the endpoint, or what scores, is built."""
    slo: Objective = Objective()
    batch: Batch = Batch()
    training: Training = Training()
    github: ModelGitHub | None = None
    gitlab: ModelGitLab | None = None
    keep: tuple[f.Text, ...] = ()
    """Capabilities that are off but whose stores stay declared, and `serving` for what scored in mode batch."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        mode = self.effective_mode
        if mode not in BUILT_MODES:
            raise ValueError(
                f"terrace:mode is {mode}, which is not built yet; modes that work: {', '.join(BUILT_MODES)}"
            )
        if idle := sorted(NOT_OF[mode].keys() & self.model_fields_set):
            of = " or ".join(other for other in BUILT_MODES if idle[0] not in NOT_OF[other])
            raise ValueError(
                f"terrace:{NOT_OF[mode][idle[0]]} is set, but sizes another mode than {mode}, which is the mode here; "
                f"remove it or set terrace:mode to {of}"
            )
        if mode != "batch" and "batch" in self.model_fields_set:
            raise ValueError(
                f"terrace:batch is set, but says when mode batch scores, and the mode here is {mode}; remove it or set "
                "terrace:mode to batch"
            )
        if self.batch.prefix.startswith(TRAINING_FOLDER):
            raise ValueError(
                f"terrace:batch.prefix is {self.batch.prefix}, but what arrives below {TRAINING_FOLDER} starts the "
                "training pipeline; use another, such as batch/"
            )
        if self.environment == PRODUCTION and mode == "realtime" and self.instance_count == 1:
            raise ValueError(
                f"terrace:instanceCount is 1, but an endpoint of environment {self.environment} has two instances or "
                "more, so that one can fail; remove the key or set 2 to 100"
            )
        if self.github and self.gitlab:
            raise ValueError(
                "terrace:github and terrace:gitlab exclude each other; keep the one that holds the repository"
            )
        return self

    @property
    def account_id(self) -> str:
        """The account that names and policies use: the real one, or the sandbox's made-up one."""
        return self.account or made_up_account(self.environment)

    @property
    def effective_mode(self) -> Mode:
        """The serving mode, by environment where none is named."""
        return self.mode or ("realtime" if self.environment == PRODUCTION else "serverless")


def _lateness_hours(said: int | None, schedule: str | None) -> int | None:
    """Return the hours without a successful run that are too many: what is said, or what follows from a schedule."""
    if said is not None or schedule is None:
        return said
    interval = interval_hours(schedule)
    return interval + GRACE if interval is not None and interval + GRACE <= LONGEST_WATCH else None
