"""SageMaker's operations on jobs, in the place of moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.jobs.job import ENDED, Job, Kind, plain
from terrace.sandbox.jobs.limits import check_processing, check_training, refuse
from terrace.sandbox.jobs.listing import listed
from terrace.sandbox.jobs.processing import ProcessingJob
from terrace.sandbox.jobs.training import TrainingJob
from terrace.sandbox.jobs.transform import TransformJob, check_transform
from terrace.sandbox.jobs.tuning import TuningJob, check_tuning
from terrace.sandbox.services.extend import Refusal, add

if TYPE_CHECKING:
    from terrace.sandbox.jobs.room import Jobs

SUMMARY = ("CreationTime", "LastModifiedTime", "FailureReason", "ExitMessage", "SecondaryStatus")
"""What listings show beside name, ARN, status and end."""
_BY_NAME = ("ValidationException", "Could not find requested job with name: {}")
_MISSING = {
    "Training": ("ValidationException", "Requested resource not found."),
    "Processing": _BY_NAME,
    "Transform": _BY_NAME,
    "HyperParameterTuning": (
        "ResourceNotFound",
        "Amazon SageMaker can't find a tuning job called {}. Type another name.",
    ),
}
"""What AWS answers where there is no such job, whatever its API model says: AWS's own Kubernetes controllers tell a
missing job of each kind by this code and these words. What it answers to Delete is not known; here it is the same."""
OF_TUNING = ("Strategy", "TrainingJobStatusCounters", "ObjectiveStatusCounters", "ResourceLimits")


def install(jobs: Jobs) -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""
    install_kind(jobs, TrainingJob, check_training)
    install_kind(jobs, ProcessingJob, check_processing)
    install_kind(jobs, TransformJob, check_transform)
    install_kind(jobs, TuningJob, check_tuning)
    add(SageMakerResponse, [list_training_jobs_for_hyper_parameter_tuning_job])


def install_kind(jobs: Jobs, made: type[Job], check: Callable[[Mapping[str, Any]], None]) -> None:
    """Put Create, Describe, List, Stop and Delete of one kind of job in moto's place.

    Args:
        jobs: The room.
        made: The kind's class.
        check: Raises a `Refusal` for what jobs of this kind do not do.
    """
    kind = made.kind

    def create(response: Any) -> ActionResult:
        request = parameters(response)
        check(request)
        job = made(jobs.home(response.current_account, response.region), request)
        jobs.add(job)
        return ActionResult({kind.arn: job.arn})

    def describe(response: Any) -> ActionResult:
        return ActionResult(plain(find(response, kind).describe()))

    def list_all(response: Any) -> ActionResult:
        found, token = listed(shelf(response, kind), response._get_param)
        return ActionResult(plain({f"{kind.title}JobSummaries": [summary(job) for job in found], "NextToken": token}))

    def stop(response: Any) -> EmptyResult:
        job = find(response, kind)
        if job.status in ENDED:
            raise refuse(f"The request was rejected because the {kind.words} is in status {job.status}.")
        job.stop()
        return EmptyResult()

    def delete(response: Any) -> EmptyResult:
        job = find(response, kind)
        if job.status not in ENDED:
            raise Refusal("ResourceInUse", f"Cannot delete the {kind.words} {job.arn}: it is in status {job.status}.")
        getattr(response.sagemaker_backend, kind.shelf).pop(job.name, None)
        return EmptyResult()

    word = kind.resource.replace("-", "_")
    verbs = {
        f"create_{word}": create,
        f"describe_{word}": describe,
        f"list_{word}s": list_all,
        f"stop_{word}": stop,
    }
    if kind.title != "Transform":  # AWS has no deletion of transform jobs
        verbs[f"delete_{word}"] = delete
    for name, operation in verbs.items():
        setattr(SageMakerResponse, name, operation)


def list_training_jobs_for_hyper_parameter_tuning_job(response: Any) -> ActionResult:
    """Answer with the training jobs of a tuning job, the latest first unless the call says."""
    tuning = find(response, TuningJob.kind)
    assert isinstance(tuning, TuningJob)  # noqa: S101  (the shelf holds no others)
    worst = tuning.worst()

    def objective(job: Job) -> Any:
        value = tuning.value(job)
        return worst if value is None else value

    found, token = listed(tuning.launched(), response._get_param, {"FinalObjectiveMetricValue": objective})
    return ActionResult(plain({"TrainingJobSummaries": [tuning.summary(job) for job in found], "NextToken": token}))


def parameters(response: Any) -> dict[str, Any]:
    """Return the parameters of a call as they came."""
    said: dict[str, Any] = json.loads(response.body or "{}")
    return said


def shelf(response: Any, kind: Kind) -> list[Job]:
    """Return the jobs of a kind that a call can see."""
    return list(getattr(response.sagemaker_backend, kind.shelf).values())


def find(response: Any, kind: Kind) -> Job:
    """Return the job that a call names.

    Raises:
        Refusal: There is none.
    """
    name = response._get_param(kind.name)
    found: Job | None = getattr(response.sagemaker_backend, kind.shelf).get(name)
    if found is None:
        code, words = _MISSING[kind.title]
        raise Refusal(code, words.format(name))
    return found


def summary(job: Job) -> dict[str, Any]:
    """Return a job as listings show it."""
    kind, said = job.kind, job.describe()
    shown = (kind.name, kind.arn, kind.status, f"{kind.title}EndTime", *SUMMARY, *OF_TUNING)
    return {name: said[name] for name in shown if name in said}
