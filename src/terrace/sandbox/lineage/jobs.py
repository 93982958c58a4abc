"""What is recorded of a job: its trial component, the artifacts that went in and those that came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from terrace.sandbox.lineage.components import join_trial, put_component, tag
from terrace.sandbox.lineage.journal import Journal

Said = Mapping[str, Any]
_MODEL, _IMAGE, _DATA = "Model", "Image", "DataSet"


def record(journal: Journal, kind: str, name: str) -> Any:
    """Record a training, processing or transform job as it is now, and return its trial component.

    What it wrote is recorded once it has completed: before that nothing is there.

    Raises:
        ClientError: There is no such job.
    """
    noun = kind.capitalize()
    said = getattr(journal.client, f"describe_{kind}_job")(**{f"{noun}JobName": name})
    job = {
        "Name": name,
        "Arn": said[f"{noun}JobArn"],
        "Status": said[f"{noun}JobStatus"],
        "Started": said.get(f"{noun}StartTime"),
        "Ended": said.get(f"{noun}EndTime"),
        "Reason": said.get("FailureReason"),
    }
    inputs, outputs = {"training": _training, "processing": _processing, "transform": _transform}[kind](journal, said)
    told = {
        "parameters": _parameters(kind, said),
        "inputs": {label: uri for label, uri, _ in inputs},
        "outputs": {label: uri for label, uri, _ in outputs},
        "metrics": {one["MetricName"]: one["Value"] for one in said.get("FinalMetricDataList", ())},
    }
    component = put_component(journal.graph, kind, job, told)
    join_trial(journal.graph, component, said.get("ExperimentConfig", {}))
    tags = journal.client.list_tags(ResourceArn=job["Arn"]).get("Tags", ())
    tag(component, {one["Key"]: one["Value"] for one in tags})
    for _, uri, of in inputs:
        journal.link(journal.artifact(uri, of), component.arn, "ContributedTo")
    for _, uri, of in outputs if job["Status"] == "Completed" else ():
        journal.link(component.arn, journal.artifact(uri, of), "Produced")
    return component


Flow = tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]
"""What goes in and what comes out: label, URI, type of artifact."""


def _training(_: Journal, said: Said) -> Flow:
    inputs = [
        (channel["ChannelName"], source["S3Uri"], _DATA)
        for channel in said.get("InputDataConfig", ())
        if (source := channel.get("DataSource", {}).get("S3DataSource"))
    ]
    image = said["AlgorithmSpecification"].get("TrainingImage")
    if image:
        inputs.append(("SageMaker.ImageUri", image, _IMAGE))
    model = said.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    outputs = [("SageMaker.ModelArtifact", model, _MODEL)] if model else []
    checkpoint = said.get("CheckpointConfig", {}).get("S3Uri")
    if checkpoint:
        outputs.append(("SageMaker.Checkpoint", checkpoint, "Checkpoint"))
    return inputs, outputs


def _processing(_: Journal, said: Said) -> Flow:
    inputs = [
        (one["InputName"], one["S3Input"]["S3Uri"], _DATA)
        for one in said.get("ProcessingInputs", ())
        if one.get("S3Input", {}).get("S3Uri")
    ]
    inputs.append(("SageMaker.ImageUri", said["AppSpecification"]["ImageUri"], _IMAGE))
    outputs = [
        (one["OutputName"], one["S3Output"]["S3Uri"], _DATA)
        for one in said.get("ProcessingOutputConfig", {}).get("Outputs", ())
        if one.get("S3Output", {}).get("S3Uri")
    ]
    return inputs, outputs


def _transform(journal: Journal, said: Said) -> Flow:
    source = said["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    inputs = [("SageMaker.TransformInput", source, _DATA)]
    inputs += [(label, uri, of) for label, uri, of in model_artifacts(journal, said["ModelName"])]
    return inputs, [("SageMaker.TransformOutput", said["TransformOutput"]["S3OutputPath"], _DATA)]


def model_artifacts(journal: Journal, model: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a model is made of: of each container its image, its data, and the package that it names.

    Raises:
        ClientError: There is no such model.
    """
    said = journal.client.describe_model(ModelName=model)
    for container in [
        *([said["PrimaryContainer"]] if said.get("PrimaryContainer") else []),
        *said.get("Containers", ()),
    ]:
        source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
        found = {
            "SageMaker.ImageUri": (container.get("Image"), _IMAGE),
            "SageMaker.ModelArtifact": (container.get("ModelDataUrl") or source, _MODEL),
            "SageMaker.ModelPackage": (container.get("ModelPackageName"), _MODEL),
        }
        yield from ((label, uri, of) for label, (uri, of) in found.items() if uri)


def _parameters(kind: str, said: Said) -> dict[str, Any]:
    found: dict[str, Any] = (
        dict(said.get("HyperParameters", {})) if kind == "training" else dict(said.get("Environment", {}))
    )
    resources = said.get("ResourceConfig") or said.get("ProcessingResources", {}).get("ClusterConfig")
    resources = resources or said.get("TransformResources") or {}
    names = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    return found | {f"SageMaker.{name}": resources[name] for name in names if resources.get(name) is not None}
