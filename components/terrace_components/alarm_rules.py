"""When somebody is woken. Pure: what is watched and what it must not do, as definitions that a component walks."""

from dataclasses import dataclass, replace

from terrace.maturity.steps import REFUSED, UNPUBLISHED

MICROSECONDS = 1000
"""SageMaker reports latency in microseconds, objectives are in milliseconds."""
VARIANT = "current"
"""Name of the one production variant of every endpoint."""


@dataclass(frozen=True)
class Metric:
    """One metric of AWS or of a model."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str


@dataclass(frozen=True)
class Ratio:
    """One metric's share of another, in percent; 0 where there is nothing to share."""

    part: Metric
    whole: Metric


@dataclass(frozen=True)
class Rest:
    """What of a metric another one does not account for; nothing where there is no metric."""

    whole: Metric
    part: Metric


@dataclass(frozen=True)
class AlarmRule:
    """An alarm: what is watched, from where on it is too much, and for how long."""

    id: str
    description: str
    watched: Metric | Ratio | Rest
    threshold: float
    minutes: int
    """Length of one period."""
    periods: int
    """How many periods are looked at."""
    breaching: int
    """How many of them must breach."""
    comparison: str = "GreaterThanThreshold"
    missing: str = "notBreaching"
    """What a period without data counts as."""


@dataclass(frozen=True)
class Objective:
    """What a model's endpoint promises, and where to look when it doesn't keep it."""

    latency_ms: int
    availability: float
    """Percent of invocations without a server error."""
    runbook: str | None = None
    on_call: str | None = None

    def advice(self) -> str:
        """Return what an alarm tells who is woken by it."""
        runbook = f"Runbook: {self.runbook}" if self.runbook else "Runbook: the model repository's README"
        return f"{runbook}. On call: {self.on_call}." if self.on_call else f"{runbook}."


def endpoint_metric(endpoint: str, name: str, statistic: str) -> Metric:
    """Return a metric that SageMaker reports for an endpoint."""
    return Metric("AWS/SageMaker", name, {"EndpointName": endpoint, "VariantName": VARIANT}, statistic)


def objective_rules(endpoint: str, objective: Objective, *, serving: bool) -> tuple[AlarmRule, ...]:
    """Return the alarms of a model's objective.

    Args:
        endpoint: Name of the endpoint.
        objective: What it promises.
        serving: There is an endpoint; until then its silence is no alarm.
    """
    errors = 100 - objective.availability
    invocations = endpoint_metric(endpoint, "Invocations", "Sum")
    return (
        AlarmRule(
            "latency",
            f"One prediction in a hundred takes longer than {objective.latency_ms} ms. {objective.advice()}",
            endpoint_metric(endpoint, "ModelLatency", "p99"),
            objective.latency_ms * MICROSECONDS,
            minutes=5,
            periods=3,
            breaching=2,
        ),
        AlarmRule(
            "errors",
            f"More than {errors:g} % of predictions fail on the server's side. {objective.advice()}",
            Ratio(endpoint_metric(endpoint, "Invocation5XXErrors", "Sum"), invocations),
            errors,
            minutes=5,
            periods=3,
            breaching=2,
        ),
        AlarmRule(
            "silence",
            f"Nobody has asked for a prediction for a day. {objective.advice()}",
            invocations,
            1,
            minutes=60,
            periods=24,
            breaching=24,
            comparison="LessThanThreshold",
            missing="breaching" if serving else "notBreaching",
        ),
    )


def run_metric(pipeline: str, name: str, statistic: str = "Sum") -> Metric:
    """Return a metric that SageMaker reports for the runs of a pipeline."""
    return Metric("AWS/Sagemaker/ModelBuildingPipeline", name, {"PipelineName": pipeline}, statistic)


def run_rules(
    pipeline: str, late_after_hours: int | None, *, advice: str = "", waiting: bool = True
) -> tuple[AlarmRule, ...]:
    """Return the alarms of a pipeline: on runs that fail, and on success that does not come.

    Args:
        pipeline: Name of the pipeline.
        late_after_hours: Hours without a successful run that are too many; None where nobody waits for one.
        advice: What to do besides, in a sentence.
        waiting: There is a pipeline whose runs are waited for; until then its silence is no alarm.
    """
    command = "terrace pipeline status --batch" if advice else "terrace pipeline status"
    advice = f" {advice}" if advice else ""
    failed = AlarmRule(
        "failed-runs",
        f"A run of {pipeline} failed: `{command}` says at which step and why.{advice}",
        run_metric(pipeline, "ExecutionFailed"),
        0,
        minutes=5,
        periods=1,
        breaching=1,
    )
    if late_after_hours is None:
        return (failed,)
    late = AlarmRule(
        "late-runs",
        f"No run of {pipeline} has succeeded for {late_after_hours} hours: its schedule or its data does not come."
        f"{advice}",
        run_metric(pipeline, "ExecutionSucceeded"),
        1,
        minutes=60,
        periods=late_after_hours,
        breaching=late_after_hours,
        comparison="LessThanThreshold",
        missing="breaching" if waiting else "notBreaching",
    )
    return (failed, late)


def training_rules(pipeline: str, late_after_hours: int | None) -> tuple[AlarmRule, ...]:
    """Return the alarms of a training pipeline, which has a gate and is published by its project.

    A run that the gate refused has not failed, and one of a pipeline that nobody published has not succeeded. SageMaker
    counts steps by name, so both are taken off what it counts of executions.

    Args:
        pipeline: Name of the pipeline.
        late_after_hours: Hours without a successful run that are too many; None where nobody waits for one.
    """

    def steps(name: str, step: str) -> Metric:
        counted = run_metric(pipeline, name)
        return replace(counted, dimensions={**counted.dimensions, "StepName": step})

    rest = {"failed-runs": steps("StepFailed", REFUSED), "late-runs": steps("StepSucceeded", UNPUBLISHED)}
    return tuple(
        replace(rule, watched=Rest(rule.watched, rest[rule.id]))
        for rule in run_rules(pipeline, late_after_hours)
        if isinstance(rule.watched, Metric)
    )


def undelivered_rules(queue: str) -> tuple[AlarmRule, ...]:
    """Return the alarm of a dead-letter queue."""
    return (
        AlarmRule(
            "undelivered",
            f"A trigger could not start the pipeline: the message in {queue} says why.",
            Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum"),
            0,
            minutes=5,
            periods=1,
            breaching=1,
        ),
    )


def platform_rules(build_project: str) -> tuple[AlarmRule, ...]:
    """Return the alarms of a platform."""
    return (
        AlarmRule(
            "failed-builds",
            f"A build of {build_project} failed: its log says why.",
            Metric("AWS/CodeBuild", "FailedBuilds", {"ProjectName": build_project}, "Sum"),
            0,
            minutes=5,
            periods=1,
            breaching=1,
        ),
    )
