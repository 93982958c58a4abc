"""A hyperparameter tuning job: training jobs one after the other, several at a time, until enough are tried."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from terrace.sandbox.jobs.home import Home
from terrace.sandbox.jobs.job import ENDED, Job, JobFailedError, JobGoneError, Kind, now
from terrace.sandbox.jobs.limits import check_training, refuse
from terrace.sandbox.jobs.search import Bayesian, Grid, Point, Random, Strategy, dimensions
from terrace.sandbox.jobs.training import TrainingJob
from terrace.sandbox.services.extend import Refusal

_LOOK_SECONDS = 0.05
_DEFAULT_JOBS = 750
"""How many training jobs there are at most when only a time is given; AWS's own quota."""
_SHOWN = ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "Autotune", "WarmStartConfig")
_MOVED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)


class TuningJob(Job):
    """A hyperparameter tuning job. It runs nothing itself."""

    kind = Kind(
        "HyperParameterTuning",
        "hyper-parameter-tuning-job",
        "hyper_parameter_tuning_jobs",
        "hyperparameter tuning job",
        "SageMaker HyperParameter Tuning Job State Change",
    )
    takes_slot = False

    def __init__(self, home: Home, request: Mapping[str, Any]) -> None:
        super().__init__(home, request)
        self._config: dict[str, Any] = self.request["HyperParameterTuningJobConfig"]
        self._definition: dict[str, Any] = self.request["TrainingJobDefinition"]
        self._objective = objective(self._config, self._definition)
        self._sign = 1.0 if self._objective["Type"] == "Maximize" else -1.0
        self._space = dimensions(ranges(self._config, self._definition))
        self._tried: list[tuple[TrainingJob, Point]] = []

    def kill(self) -> None:
        """Do nothing: the training jobs are ended as jobs of their own."""

    def work(self) -> str:
        """Start training jobs and wait for them, until enough are done or one is good enough."""
        with self.lock:
            self.started = now()
        limits = self._config["ResourceLimits"]
        strategy = self._strategy()
        most = int(limits.get("MaxNumberOfTrainingJobs") or (len(strategy.all) if isinstance(strategy, Grid) else 0))
        deadline = time.monotonic() + float(limits.get("MaxRuntimeInSeconds") or 30 * 86_400)
        seen = 0
        while not self.stopping.is_set() and time.monotonic() < deadline and not self._good_enough():
            running = [job for job, _ in self._tried if job.status not in ENDED]
            if not running and len(self._tried) >= (most or _DEFAULT_JOBS):
                break
            room = int(limits["MaxParallelTrainingJobs"]) - len(running)
            for _ in range(min(room, (most or _DEFAULT_JOBS) - len(self._tried))):
                self._try(strategy)
            done = sum(job.status in ENDED for job, _ in self._tried)
            if done != seen:
                seen = done
                self._tell()
            self.stopping.wait(_LOOK_SECONDS)
        self._wind_up()
        if self.stopping.is_set():
            return "Stopped"
        if all(job.status == "Failed" for job, _ in self._tried):
            raise JobFailedError(
                "All training jobs failed. Please take a look at the training jobs failures to get more details."
            )
        return "Completed"

    def describe(self) -> dict[str, Any]:
        """Return it as DescribeHyperParameterTuningJob does."""
        with self.lock:
            said = self.identity() | {name: self.request[name] for name in _SHOWN if self.request.get(name)}
            tried = [job for job, _ in self._tried]
        said["Strategy"] = self._config["Strategy"]
        said["ResourceLimits"] = self._config["ResourceLimits"]
        statuses = [job.status for job in tried]
        values = [self.value(job) for job in tried]
        said["TrainingJobStatusCounters"] = {
            "Completed": statuses.count("Completed"),
            "InProgress": statuses.count("InProgress") + statuses.count("Stopping"),
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        }
        ended = [status in ENDED for status in statuses]
        said["ObjectiveStatusCounters"] = {
            "Succeeded": sum(end and value is not None for end, value in zip(ended, values, strict=True)),
            "Pending": ended.count(False),
            "Failed": sum(end and value is None for end, value in zip(ended, values, strict=True)),
        }
        best = self.best()
        if best is not None:
            said["BestTrainingJob"] = self.summary(best)
        if self.started is not None:
            seconds = sum(job.seconds() or 0 for job in tried)
            said["ConsumedResources"] = {"RuntimeInSeconds": seconds}
        return said

    def launched(self) -> list[TrainingJob]:
        """Return its training jobs that have not been deleted."""
        held = self.home.backend().training_jobs
        return [job for job, _ in self._tried if held.get(job.name) is job]

    def value(self, job: Job) -> float | None:
        """Return the objective of a training job, None if it has none."""
        assert isinstance(job, TrainingJob)  # noqa: S101  (it makes no others)
        return job.metrics.value(self._objective["MetricName"])

    def worst(self) -> float:
        """Return what a job without an objective counts as."""
        return -self._sign * float("inf")

    def best(self) -> TrainingJob | None:
        """Return the training job with the best objective, of those that have completed."""
        found = [(value, job) for job, _ in self._tried if (value := self._known(job)) is not None]
        return max(found, key=lambda one: self._sign * one[0])[1] if found else None

    def summary(self, job: Job) -> dict[str, Any]:
        """Return a training job as listings of a tuning job show it."""
        value = self.value(job)
        said: dict[str, Any] = {
            "TrainingJobDefinitionName": self._definition.get("DefinitionName"),
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "CreationTime": job.created,
            "TrainingStartTime": job.started,
            "TrainingEndTime": job.ended,
            "TrainingJobStatus": job.status,
            "FailureReason": job.reason,
            "TunedHyperParameters": {one.name: job.request["HyperParameters"][one.name] for one in self._space},
            "ObjectiveStatus": "Pending" if job.status not in ENDED else "Failed" if value is None else "Succeeded",
        }
        if value is not None and job.status in ENDED:
            said["FinalHyperParameterTuningJobObjectiveMetric"] = {**self._objective, "Value": value}
        return {name: found for name, found in said.items() if found is not None}

    def _strategy(self) -> Strategy:
        seed = self._config.get("RandomSeed")
        match self._config["Strategy"]:
            case "Grid":
                return Grid(self._space)
            case "Bayesian":
                return Bayesian(self._space, seed)
            case _:
                return Random(self._space, seed)

    def _try(self, strategy: Strategy) -> None:
        """Start one more training job."""
        point = strategy.choose([(point, self._score(job)) for job, point in self._tried])
        if point is None:
            return
        tuned = {one.name: one.text(unit) for one, unit in zip(self._space, point, strict=True)}
        name = f"{self.name}-{len(self._tried) + 1:03d}-{secrets.token_hex(4)}"
        job = TrainingJob(self.home, {**training_request(self.request, tuned), "TrainingJobName": name}, self.arn)
        with self.lock:
            if self.gone.is_set():
                raise JobGoneError("The sandbox is gone.")
            self._tried.append((job, point))
        self.home.add(job)

    def _score(self, job: TrainingJob) -> float | None:
        if job.status not in ENDED:
            return None
        known = [self._sign * value for one, _ in self._tried if (value := self._known(one)) is not None]
        value = self._known(job)
        # One that has failed is as bad as the worst, so that its neighbours are not tried.
        return self._sign * value if value is not None else min(known, default=0.0)

    def _known(self, job: TrainingJob) -> float | None:
        return self.value(job) if job.status == "Completed" else None

    def _good_enough(self) -> bool:
        criteria = self._config.get("TuningJobCompletionCriteria") or {}
        best = self.best()
        if best is None:
            return False
        target, value = criteria.get("TargetObjectiveMetricValue"), self._known(best)
        if target is not None and value is not None and self._sign * value >= self._sign * float(target):
            return True
        patience = (criteria.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
        if patience is None:
            return False
        names = [job.name for job, _ in self._tried]
        later = [job for job, _ in self._tried[names.index(best.name) + 1 :] if job.status in ENDED]
        return len(later) >= int(patience)

    def _wind_up(self) -> None:
        """Stop the training jobs that still run, and wait for their end."""
        for job, _ in self._tried:
            job.stop()
        for job, _ in self._tried:
            while not job.done.wait(0.2) and not self.gone.is_set():
                continue
        if self.gone.is_set():
            raise JobGoneError("The sandbox is gone.")

    def _tell(self) -> None:
        with self.lock:
            if not self.gone.is_set():
                self.modified = now()
                self.publish()


def check_tuning(request: Mapping[str, Any]) -> None:
    """Raise a `Refusal` for a tuning job that the sandbox does not run as AWS would."""
    config = request["HyperParameterTuningJobConfig"]
    if request.get("TrainingJobDefinitions") or not request.get("TrainingJobDefinition"):
        raise refuse("The sandbox tunes one training job definition: give TrainingJobDefinition.")
    for name, what in (("WarmStartConfig", "warm start"), ("Autotune", "Autotune")):
        if request.get(name):
            raise refuse(f"The sandbox has no {what} of tuning jobs ({name}).")
    if config["Strategy"] == "Hyperband":
        raise refuse("The sandbox has no Hyperband strategy: use Bayesian, Random or Grid.")
    if config.get("TrainingJobEarlyStoppingType") == "Auto":
        raise refuse("The sandbox stops no training job early: set TrainingJobEarlyStoppingType to Off.")
    criteria = config.get("TuningJobCompletionCriteria") or {}
    if (criteria.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled":
        raise refuse("The sandbox detects no convergence (TuningJobCompletionCriteria.ConvergenceDetected).")
    definition = request["TrainingJobDefinition"]
    found = objective(config, definition)
    metrics = [one["Name"] for one in definition["AlgorithmSpecification"].get("MetricDefinitions") or ()]
    if found["MetricName"] not in metrics:
        raise refuse(f"The objective metric {found['MetricName']} is not among the metric definitions.")
    asked = ranges(config, definition)
    if asked.get("AutoParameters"):
        raise refuse("The sandbox has no AutoParameters: give ranges.")
    try:
        space = dimensions(asked)
    except ValueError as error:
        raise refuse(f"Invalid parameter ranges: {error}.") from None
    if not space:
        raise refuse("A tuning job needs at least one parameter range.")
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        if not all(one.values for one in space):
            raise refuse("Grid search takes categorical parameters only.")
        if most is not None and int(most) != len(Grid(space).all):
            raise refuse(
                f"MaxNumberOfTrainingJobs must be the number of combinations of the grid, {len(Grid(space).all)}, or "
                "not be given."
            )
    elif most is None and not config["ResourceLimits"].get("MaxRuntimeInSeconds"):
        raise refuse("MaxNumberOfTrainingJobs or MaxRuntimeInSeconds must be given.")
    try:
        check_training(training_request(request, {}))
    except Refusal as refused:
        raise refuse(f"TrainingJobDefinition: {refused.message}") from None


def objective(config: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, str]:
    """Return what a tuning job looks at."""
    found = definition.get("TuningObjective") or config.get("HyperParameterTuningJobObjective")
    if not found:
        raise refuse("A tuning job needs an objective: HyperParameterTuningJobObjective.")
    return {"Type": found["Type"], "MetricName": found["MetricName"]}


def ranges(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a tuning job may change."""
    return definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}


def training_request(request: Mapping[str, Any], tuned: Mapping[str, str]) -> dict[str, Any]:
    """Return the call that makes a training job of a tuning job, without its name."""
    definition = request["TrainingJobDefinition"]
    found = objective(request["HyperParameterTuningJobConfig"], definition)
    static = definition.get("StaticHyperParameters") or {}
    resources = definition.get("ResourceConfig")
    if resources is None:
        own = definition.get("HyperParameterTuningResourceConfig") or {}
        resources = {**own, **(own.get("InstanceConfigs") or [{}])[0]}
        resources = {
            name: resources[name] for name in resources if name not in ("AllocationStrategy", "InstanceConfigs")
        }
    return {
        **{name: definition[name] for name in _MOVED if definition.get(name) is not None},
        "ResourceConfig": resources,
        "HyperParameters": {**static, "_tuning_objective_metric": found["MetricName"], **tuned},
        "Tags": list(request.get("Tags") or ()),
    }
