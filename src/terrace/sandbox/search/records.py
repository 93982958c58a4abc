"""What is searched: each resource as its own Describe answers, cut to the shape that Search has for it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.model import StructureShape
from moto.core.exceptions import ServiceException

from terrace.sandbox.pipelines.pipeline import executions, pipelines
from terrace.sandbox.validation import described

Record = dict[str, Any]
_JOBS = {"training-job": "Training", "processing-job": "Processing", "transform-job": "Transform"}


class Source:
    """Descriptions as a caller gets them.

    Args:
        response: moto's response object of the search, which says whose resources they are.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self.backend = response.sagemaker_backend

    def call(self, operation: str, **given: Any) -> Record:
        """Return what another operation answers to the caller of the search.

        Args:
            operation: Its method, such as `describe_model`.
            given: Its parameters.
        """
        asked = copy.copy(self._response)
        asked._get_param = lambda name, if_none=None: given.get(name, if_none)
        asked._get_action = lambda: "".join(word.capitalize() for word in operation.split("_"))
        answer: Record = getattr(asked, operation)().result
        return answer

    @cached_property
    def served(self) -> list[tuple[set[str], Record]]:
        """Each endpoint with the names of the models that it serves."""
        found = []
        for endpoint in records_of(self, "Endpoint"):
            config = self.backend.endpoint_configs.get(endpoint["EndpointConfigName"])
            variants = config.production_variants if config is not None else ()
            found.append(({one["ModelName"] for one in variants if one.get("ModelName")}, endpoint))
        return found


@dataclass(frozen=True)
class Resource:
    """How resources of a kind are found and described.

    Attributes:
        member: Of `SearchRecord`.
        held: Takes moto's backend, returns key → what is kept of each.
        describe: Takes the source, the key and what is kept; returns at least what the shape has.
    """

    member: str
    held: Callable[[Any], Mapping[Any, Any]]
    describe: Callable[[Source, Any, Any], Record]


def shape_of(resource: str) -> StructureShape:
    """Return the shape of a resource's records."""
    found: StructureShape = _shape(RESOURCES[resource].member)
    return found


def records_of(source: Source, resource: str) -> list[Record]:
    """Return all resources of a kind."""
    kind, found = RESOURCES[resource], []
    for key, kept in tuple(kind.held(source.backend).items()):
        try:
            said = kind.describe(source, key, kept)
        except ServiceException:
            if key in kind.held(source.backend):
                raise
            continue  # it was deleted since it was listed
        found.append(cut({"Tags": getattr(kept, "tags", None), **said}, shape_of(resource)))
    return found


def cut(said: Mapping[str, Any], shape: StructureShape) -> Record:
    """Return the members of a description that a shape has."""
    return {name: said[name] for name in shape.members if said.get(name) is not None}


def tags_of(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the tags of a record; those of a model are further in."""
    tags: list[dict[str, str]] = record.get("Tags") or record.get("Model", {}).get("Tags") or []
    return tags


def _shape(member: str) -> Any:
    service = described("sagemaker")
    assert service is not None  # noqa: S101  (botocore has SageMaker)
    record: Any = service.shape_for("SearchRecord")
    return record.members[member]


def _by(operation: str, parameter: str) -> Callable[[Source, Any, Any], Record]:
    return lambda source, key, _: source.call(operation, **{parameter: key})


def _execution(source: Source, arn: str, run: Any) -> Record:
    said = source.call("describe_pipeline_execution", PipelineExecutionArn=arn)
    given = source.call("list_pipeline_parameters_for_execution", PipelineExecutionArn=arn, MaxResults=200)
    found = pipelines(source.backend).get(run.pipeline_name)
    version = found.version(run.version, None) if found is not None else None
    return {
        **said,
        "PipelineParameters": given["PipelineParameters"] or None,
        "PipelineVersionDisplayName": version.display if version is not None else None,
    }


def _versions(backend: Any) -> dict[tuple[str, int], Any]:
    return {(one.name, kept.number): kept for one in tuple(pipelines(backend).values()) for kept in one.versions}


def _version(source: Source, key: tuple[str, int], kept: Any) -> Record:
    found = pipelines(source.backend)[key[0]]
    last = executions(source.backend).get(kept.last) if kept.last else None
    said: Record = {**kept.describe(found.arn), "CreatedBy": found.user}
    if last is not None:
        said["LastExecutedPipelineExecutionArn"] = last.arn
        said["LastExecutedPipelineExecutionDisplayName"] = last.display
        said["LastExecutedPipelineExecutionStatus"] = last.status
    return said


def _model(source: Source, name: str, kept: Any) -> Record:
    shape = _shape("Model")
    said = {"Tags": kept.tags, **source.call("describe_model", ModelName=name)}
    endpoints = [one for models, one in source.served if name in models]
    jobs = [one for one in tuple(source.backend.transform_jobs.values()) if one.request["ModelName"] == name]
    last = max(jobs, key=lambda job: job.created).name if jobs else None
    return {
        "Model": cut(said, shape.members["Model"]),
        "Endpoints": [cut(one, shape.members["Endpoints"].member) for one in endpoints] or None,
        "LastBatchTransformJob": _job(source, "Transform", last) if last else None,
    }


def _job(source: Source, title: str, name: str) -> Record:
    kept = getattr(source.backend, f"{title.lower()}_jobs")[name]
    said = source.call(f"describe_{title.lower()}_job", **{f"{title}JobName": name})
    return cut({"Tags": kept.tags, **said}, _shape("TrialComponent").members["SourceDetail"].members[f"{title}Job"])


def _trial(source: Source, name: str, kept: Any) -> Record:
    components = source.backend.trial_components
    summaries = [
        {
            "TrialComponentName": one.trial_component_name,
            "TrialComponentArn": one.arn,
            "TrialComponentSource": getattr(one, "source", None),
            "CreationTime": one.creation_time,
        }
        for one in (components.get(component) for component in tuple(kept.trial_components))
        if one is not None
    ]
    return {**source.call("describe_trial", TrialName=name), "TrialComponentSummaries": summaries or None}


def _component(source: Source, name: str, kept: Any) -> Record:
    trials: Iterable[Any] = tuple(source.backend.trials.values())
    parents = [
        {"TrialName": one.trial_name, "ExperimentName": one.experiment_name}
        for one in trials
        if name in one.trial_components
    ]
    said = source.call("describe_trial_component", TrialComponentName=name)
    arn = (said.get("Source") or {}).get("SourceArn", "")
    kind, _, job = arn.rpartition(":")[2].partition("/")
    title = _JOBS.get(kind)
    if title is not None and job in getattr(source.backend, f"{title.lower()}_jobs"):
        said = {**said, "SourceDetail": {"SourceArn": arn, f"{title}Job": _job(source, title, job)}}
    return {**said, "Parents": parents or None}


RESOURCES = {
    "TrainingJob": Resource("TrainingJob", lambda b: b.training_jobs, _by("describe_training_job", "TrainingJobName")),
    "HyperParameterTuningJob": Resource(
        "HyperParameterTuningJob",
        lambda b: b.hyper_parameter_tuning_jobs,
        _by("describe_hyper_parameter_tuning_job", "HyperParameterTuningJobName"),
    ),
    "Pipeline": Resource("Pipeline", pipelines, _by("describe_pipeline", "PipelineName")),
    "PipelineExecution": Resource("PipelineExecution", executions, _execution),
    "PipelineVersion": Resource("PipelineVersion", _versions, _version),
    "Model": Resource("Model", lambda b: b._models, _model),
    "ModelPackage": Resource(
        "ModelPackage", lambda b: b.model_packages, _by("describe_model_package", "ModelPackageName")
    ),
    "ModelPackageGroup": Resource(
        "ModelPackageGroup",
        lambda b: b.model_package_groups,
        _by("describe_model_package_group", "ModelPackageGroupName"),
    ),
    "Endpoint": Resource("Endpoint", lambda b: b.endpoints, _by("describe_endpoint", "EndpointName")),
    "Experiment": Resource("Experiment", lambda b: b.experiments, _by("describe_experiment", "ExperimentName")),
    "ExperimentTrial": Resource("Trial", lambda b: b.trials, _trial),
    "ExperimentTrialComponent": Resource("TrialComponent", lambda b: b.trial_components, _component),
    "FeatureGroup": Resource(
        "FeatureGroup",
        lambda b: b.feature_groups,  # by ARN, and described by name
        lambda source, _, kept: source.call("describe_feature_group", FeatureGroupName=kept.feature_group_name),
    ),
}
"""Each value of `Resource` that the sandbox searches."""
