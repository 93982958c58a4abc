"""What people see: the jobs of their environment, their pipelines' among them, and nobody else's."""

import json
from typing import Any

import pytest
from components.conftest import graph_of
from components.recorder import ACCOUNT

from terrace.sandbox.services.iam_simulation import judged

PERSONAS = ("data-scientist", "ml-engineer", "operator", "auditor")
SAGEMAKER = f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}"
JOBS = {
    "DescribeHyperParameterTuningJob": "hyper-parameter-tuning-job/ab12cd34ef56-Tune-Ab1Cd2Ef3G",
    "DescribeProcessingJob": "processing-job/pipelines-ab12cd34ef56-Prepare-Ab1Cd2Ef3G",
    "DescribeTrainingJob": "training-job/pipelines-ab12cd34ef56-Train-Ab1Cd2Ef3G",
    "DescribeTransformJob": "transform-job/pipelines-ab12cd34ef56-Score-Ab1Cd2Ef3G",
    "ListTrainingJobsForHyperParameterTuningJob": "hyper-parameter-tuning-job/ab12cd34ef56-Tune-Ab1Cd2Ef3G",
}
"""Operation → a job as SageMaker names those of pipelines; a tuning job has 32 characters and no word before them."""
TAG = "aws:resourcetag/sagemaker:pipeline-execution-arn"


def _may(persona: str, level: int, action: str, resource: str, run_of: str | None) -> bool:
    """Judge an action on a job that a run of a pipeline made, or that nobody's pipeline made."""
    policy = json.loads(
        graph_of("platform", level, "dev").one(f"platform-identity-{persona}-role-policy").inputs["policy"]
    )
    context: dict[str, list[str]] = {}
    if run_of is not None:
        context[TAG] = [f"{SAGEMAKER}:pipeline/{run_of}/execution/ab12cd34ef56"]
    found: dict[str, Any] = judged([("own", policy)], None, f"sagemaker:{action}", f"{SAGEMAKER}:{resource}", context)
    return bool(found["EvalDecision"] == "allowed")


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("level", [0, 2])
def test_people_read_the_jobs_of_their_own_pipelines(persona: str, level: int) -> None:
    """SageMaker makes up their names and tags them with their execution: the tag says whose they are."""
    for action, job in JOBS.items():
        assert _may(persona, level, action, job, "acme-dev-ml-flights")
        assert not _may(persona, level, action, job, "acme-prod-ml-flights")
        assert not _may(persona, level, action, job, None)


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("level", [0, 2])
def test_people_look_at_pipelines_at_every_level(persona: str, level: int) -> None:
    """Batch scoring is a pipeline too, and needs no tracking."""
    own = "pipeline/acme-dev-ml-flights"
    assert _may(persona, level, "DescribePipeline", own, None)
    assert _may(persona, level, "ListPipelineExecutionSteps", f"{own}/execution/ab12cd34ef56", None)
    assert not _may(persona, level, "DescribePipeline", own.replace("dev", "prod"), None)
