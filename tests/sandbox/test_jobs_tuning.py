"""Tuning jobs: they try what they were given to try, a few at a time, and know the best."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_case import ENDED, PATIENCE, JobCase
from serving import fresh, until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

CODE = """
import json, sys
hyper = json.load(open("/opt/ml/input/config/hyperparameters.json"))
x = float(hyper["x"])
if x > 90:
    sys.exit(1)
print("score=%s" % (-abs(x - 5.0)))
"""
CONTINUOUS = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "10"}]}
GRID = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "4", "99"]}]}


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def _tune(jobs: JobCase, strategy: str, ranges: dict[str, Any], most: int | None, **more: Any) -> str:
    name, code = fresh("tune"), more.pop("code", CODE)
    request = jobs.training_request(code, metrics={"score": r"score=(\S+)"})
    request.pop("TrainingJobName")
    request["AlgorithmSpecification"].pop("ContainerEntrypoint")
    request["AlgorithmSpecification"]["TrainingImage"] = jobs.register(
        "tuned:1", ["python", "/opt/ml/input/data/job/job.py"]
    )
    limits = {"MaxParallelTrainingJobs": 2}
    if most is not None:
        limits["MaxNumberOfTrainingJobs"] = most
    jobs.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits,
            "ParameterRanges": ranges,
            "RandomSeed": 1,
            **more,
        },
        TrainingJobDefinition={**request, "StaticHyperParameters": {"fixed": "yes"}},
    )
    return name


def _tuned(jobs: JobCase, name: str) -> dict[str, Any]:
    seen: dict[str, Any] = until(
        lambda: jobs.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        lambda one: one["HyperParameterTuningJobStatus"] in ENDED,
        PATIENCE,
    )
    return seen


def test_a_grid_is_tried_whole(jobs: JobCase) -> None:
    """Every value has a training job; one that fails fails alone, and the best of the others is the best."""
    name = _tune(jobs, "Grid", GRID, None)
    seen = _tuned(jobs, name)
    assert seen["HyperParameterTuningJobStatus"] == "Completed"
    assert seen["BestTrainingJob"]["TunedHyperParameters"] == {"x": "4"}
    assert seen["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Maximize",
        "MetricName": "score",
        "Value": -1.0,
    }
    assert seen["TrainingJobStatusCounters"]["Completed"] == 2
    assert seen["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    assert seen["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    listed = jobs.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, SortBy="FinalObjectiveMetricValue"
    )["TrainingJobSummaries"]
    assert [one["TunedHyperParameters"]["x"] for one in listed] == ["4", "1", "99"]
    assert listed[0]["TrainingJobName"].startswith(f"{name}-")
    told = jobs.sagemaker.describe_training_job(TrainingJobName=listed[0]["TrainingJobName"])
    assert told["TuningJobArn"] == seen["HyperParameterTuningJobArn"]
    assert told["HyperParameters"] == {"fixed": "yes", "x": "4", "_tuning_objective_metric": "score"}


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_search_stays_in_its_range(jobs: JobCase, strategy: str) -> None:
    """As many as were asked for are tried, two at a time; where the search learns, it comes near the best."""
    name = _tune(jobs, strategy, CONTINUOUS, 8)
    most = 0
    while True:
        seen = jobs.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        most = max(most, seen["TrainingJobStatusCounters"]["InProgress"])
        if seen["HyperParameterTuningJobStatus"] in ENDED:
            break
        time.sleep(0.05)
    assert most == 2
    pages = jobs.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 3}
    )
    tried = [float(one["TunedHyperParameters"]["x"]) for page in pages for one in page["TrainingJobSummaries"]]
    assert len(tried) == 8
    assert all(0 <= x <= 10 for x in tried)
    best = seen["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert best == pytest.approx(max(-abs(x - 5) for x in tried), abs=1e-6)
    listed = jobs.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [(one["Strategy"], one["HyperParameterTuningJobStatus"]) for one in listed] == [(strategy, "Completed")]


def test_a_good_value_ends_the_search(jobs: JobCase) -> None:
    """No more is tried than it takes to reach the target."""
    criteria = {"TargetObjectiveMetricValue": -100.0}
    seen = _tuned(jobs, _tune(jobs, "Random", CONTINUOUS, 50, TuningJobCompletionCriteria=criteria))
    assert seen["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(seen["TrainingJobStatusCounters"].values()) <= 4


def test_all_failures_fail_it(jobs: JobCase) -> None:
    """A tuning job of which nothing has succeeded says so."""
    seen = _tuned(jobs, _tune(jobs, "Random", CONTINUOUS, 2, code="import sys; sys.exit(1)"))
    assert seen["HyperParameterTuningJobStatus"] == "Failed"
    assert seen["FailureReason"].startswith("All training jobs failed.")


def test_stopping_stops_its_training_jobs(jobs: JobCase) -> None:
    """Those that run are stopped too."""
    name = _tune(jobs, "Random", CONTINUOUS, 5, code="import time; time.sleep(60)")
    until(lambda: jobs.sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"], bool)
    jobs.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert _tuned(jobs, name)["HyperParameterTuningJobStatus"] == "Stopped"
    seen = jobs.sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    assert {one["TrainingJobStatus"] for one in seen} == {"Stopped"}
    jobs.sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        jobs.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


@pytest.mark.parametrize(
    ("strategy", "ranges", "most", "more", "said"),
    [
        ("Hyperband", CONTINUOUS, 5, {}, "no Hyperband"),
        ("Grid", CONTINUOUS, None, {}, "categorical parameters only"),
        ("Grid", GRID, 2, {}, "number of combinations"),
        ("Random", {}, 2, {}, "at least one parameter range"),
        ("Random", CONTINUOUS, 2, {"TrainingJobEarlyStoppingType": "Auto"}, "stops no training job early"),
        (
            "Random",
            CONTINUOUS,
            2,
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"}},
            "not among the metric definitions",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    jobs: JobCase, strategy: str, ranges: dict[str, Any], most: int | None, more: dict[str, Any], said: str
) -> None:
    """By name, before anything is made."""
    with pytest.raises(ClientError, match=said):
        _tune(jobs, strategy, ranges, most, **more)
    assert jobs.sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
