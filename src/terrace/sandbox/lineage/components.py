"""Trial components of jobs, and what moto's operations on experiments, trials and their components do otherwise.

moto says ValidationException where AWS says ResourceNotFound, and lists components without looking at their source.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.lineage.graph import Graph
from terrace.sandbox.services.extend import page
from terrace.sandbox.services.kept import wrap

_NOUNS = ("experiment", "trial", "trial_component")
_PARAMETERS, _TEXT = 300, 2500
"""How many parameters a component has at most, and how long a text of one may be."""
_STATUS = {"Completed": "Completed", "Failed": "Failed", "Stopping": "Stopping", "Stopped": "Stopped"}


def install() -> None:
    """Mend moto's operations. Once in a process, before the server starts."""
    for noun in _NOUNS:
        for verb in ("describe", "update", "delete"):
            if hasattr(SageMakerResponse, f"{verb}_{noun}"):
                wrap(SageMakerResponse, f"{verb}_{noun}", functools.partial(_found, noun))
    wrap(SageMakerResponse, "list_trial_components", _list)


def component_name(kind: str, job: str) -> str:
    """Return the name of the trial component of a job, as AWS makes it."""
    ending = f"-aws-{kind}-job"
    return job[: 120 - len(ending)] + ending


def put_component(graph: Graph, kind: str, job: Mapping[str, Any], said: Mapping[str, Any]) -> Any:
    """Make or bring up to date the trial component of a job.

    Args:
        graph: The lineage that it is part of.
        kind: `training`, `processing` or `transform`.
        job: `Name`, `Arn`, `Status`, and `Started`, `Ended`, `Reason` where there are any.
        said: `parameters`, `inputs`, `outputs`: names and values; `metrics`: names and numbers.
    """
    name = component_name(kind, job["Name"])
    backend = graph.backend
    if name not in backend.trial_components:
        backend.create_trial_component(
            trial_component_name=name,
            trial_name=None,
            status=None,
            start_time=None,
            end_time=None,
            display_name=name,
            parameters=None,
            input_artifacts=None,
            output_artifacts=None,
            metadata_properties=None,
        )
    made = backend.trial_components[name]
    made.source = {"SourceArn": job["Arn"], "SourceType": f"SageMaker{kind.capitalize()}Job"}
    made.sources = [made.source]
    made.status = {"PrimaryStatus": _STATUS.get(job["Status"], "InProgress"), "Message": job.get("Reason") or ""}
    made.start_time, made.end_time = job.get("Started"), job.get("Ended")
    made.parameters = dict(list(_parameters(said["parameters"]))[:_PARAMETERS])
    made.input_artifacts = {key: {"Value": value} for key, value in said["inputs"].items()}
    made.output_artifacts = {key: {"Value": value} for key, value in said["outputs"].items()}
    now = int(datetime.now(UTC).timestamp())
    made.metrics = {
        metric: {"Values": {0: {"Value": value}}, "Timestamp": now} for metric, value in said["metrics"].items()
    }
    made.last_modified_time = datetime.now(UTC).replace(tzinfo=None)
    return made


def join_trial(graph: Graph, component: Any, config: Mapping[str, str]) -> None:
    """Put a component into the experiment and the trial that a job's ExperimentConfig names, made where missing."""
    backend, experiment, trial = graph.backend, config.get("ExperimentName"), config.get("TrialName")
    if config.get("TrialComponentDisplayName"):
        component.display_name = config["TrialComponentDisplayName"]
    if not experiment:
        return
    trial = trial or f"{experiment}-{component.trial_component_name}"[:120]
    with graph.lock:
        if experiment not in backend.experiments:
            backend.create_experiment(experiment)
        if trial not in backend.trials:
            backend.create_trial(trial, experiment)
        if component.trial_component_name not in backend.trials[trial].trial_components:
            backend.associate_trial_component(trial, component.trial_component_name)


def tag(component: Any, tags: Mapping[str, str]) -> None:
    """Give a component tags; those that it has of the same keys are replaced."""
    kept = [one for one in component.tags if one["Key"] not in tags]
    component.tags = [*kept, *({"Key": key, "Value": value} for key, value in tags.items())]


def _parameters(given: Mapping[str, Any]) -> Any:
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        yield name, {"NumberValue": float(value)} if number else {"StringValue": str(value)[:_TEXT]}


def _found(noun: str, original: Any, self: Any) -> Any:
    """Refuse what is not there, by name or ARN, before moto does in its own way."""
    words = noun.split("_")
    name = self._get_param("".join(word.capitalize() for word in words) + "Name").rpartition("/")[2]
    if name not in getattr(self.sagemaker_backend, f"{noun}s"):
        raise ResourceNotFound(message=f"{' '.join(words).capitalize()} '{name}' does not exist.")
    if noun == "trial_component" and self._get_action().startswith("Describe"):
        return ActionResult(self.sagemaker_backend.describe_trial_component(name))  # a name or an ARN was given
    return original()


def _list(original: Any, self: Any) -> Any:
    """List components; those of a source are found by it, which moto doesn't do."""
    source = self._get_param("SourceArn")
    if source is None:
        return original()
    found = [
        {
            "TrialComponentName": one.trial_component_name,
            "TrialComponentArn": one.arn,
            "TrialComponentSource": one.source,
            "Status": one.status,
            "CreationTime": one.creation_time,
            "LastModifiedTime": one.last_modified_time,
        }
        for one in self.sagemaker_backend.trial_components.values()
        if (getattr(one, "source", None) or {}).get("SourceArn") == source
    ]
    summaries, token = page(found, self._get_param("MaxResults"), self._get_param("NextToken"), 10)
    return ActionResult({"TrialComponentSummaries": summaries, "NextToken": token})
