"""What a call asks for that no job of the sandbox does, refused by name before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from terrace.sandbox.jobs.opt_ml import inside
from terrace.sandbox.services.extend import Refusal

_TRAINING = {
    "DebugRuleConfigurations": "debugger rules",
    "ProfilerRuleConfigurations": "profiler rules",
    "ServerlessJobConfig": "serverless customisation of models",
    "ModelPackageConfig": "customised models as packages",
}
_RESOURCES = {
    "InstanceGroups": "groups of instances",
    "InstancePreferences": "preferences of instances",
    "TrainingPlanArn": "training plans",
}


def refuse(message: str) -> Refusal:
    """Return a refusal in the code that AWS has for what it cannot accept."""
    return Refusal("ValidationException", message)


def check_training(request: Mapping[str, Any]) -> None:
    """Raise a `Refusal` for a training job that the sandbox does not run as AWS would."""
    for name, what in _TRAINING.items():
        if request.get(name):
            raise refuse(f"The sandbox has no {what} ({name}).")
    if not request.get("ResourceConfig"):
        raise refuse("ResourceConfig is required for a job that is not serverless.")
    check_resources(request["ResourceConfig"], "ResourceConfig")
    algorithm = request["AlgorithmSpecification"]
    if algorithm.get("AlgorithmName") or not algorithm.get("TrainingImage"):
        raise refuse("The sandbox has no algorithm resources: name an image, AlgorithmSpecification.TrainingImage.")
    for definition in algorithm.get("MetricDefinitions") or ():
        try:
            groups = regex.compile(definition["Regex"]).groups
        except regex.error as error:
            raise refuse(f"Invalid regular expression of the metric {definition['Name']}: {error}") from None
        if groups < 1:
            raise refuse(f"The regular expression of the metric {definition['Name']} has no group for the value.")
    seen = set()
    for channel in request.get("InputDataConfig") or ():
        name = channel["ChannelName"]
        if name in seen:
            raise refuse(f"Channel names must be unique: {name} is there more than once.")
        seen.add(name)
        _check_channel(name, channel, channel.get("InputMode") or algorithm["TrainingInputMode"])
    for name in ("CheckpointConfig", "TensorBoardOutputConfig"):
        _check_path((request.get(name) or {}).get("LocalPath"), f"{name}.LocalPath")


def check_processing(request: Mapping[str, Any]) -> None:
    """Raise a `Refusal` for a processing job that the sandbox does not run as AWS would."""
    check_resources(request["ProcessingResources"]["ClusterConfig"], "ProcessingResources.ClusterConfig")
    names = []
    places: dict[str, str] = {}
    for one in request.get("ProcessingInputs") or ():
        name, found = one["InputName"], one.get("S3Input")
        names.append(name)
        if one.get("DatasetDefinition"):
            raise refuse(f"The sandbox has no data sets of Athena or Redshift (DatasetDefinition of {name}).")
        if found is None:
            raise refuse(f"The input {name} has no S3Input.")
        if found.get("S3InputMode") == "Pipe":
            raise refuse(f"The sandbox has no Pipe mode (S3InputMode of {name}): use File.")
        if found.get("S3CompressionType") == "Gzip":
            raise refuse(f"Gzip can only be used if Pipe is specified as the S3InputMode ({name}).")
        if not one.get("AppManaged") and not found.get("LocalPath"):
            raise refuse(f"The input {name} needs a LocalPath.")
        _check_path(found.get("LocalPath"), f"LocalPath of the input {name}")
        place = str(found.get("LocalPath") or name).rstrip("/")
        if place in places:
            # AWS says no more than that the call is invalid: https://github.com/aws/sagemaker-python-sdk/issues/4939
            raise refuse(f"The inputs {places[place]} and {name} have one LocalPath, {place}; each needs its own.")
        places[place] = name
    for one in (request.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        name, found = one["OutputName"], one.get("S3Output")
        names.append(name)
        if one.get("FeatureStoreOutput"):
            raise refuse(f"The sandbox does not write to feature groups (FeatureStoreOutput of {name}).")
        if found is None:
            raise refuse(f"The output {name} has no S3Output.")
        if not one.get("AppManaged") and not found.get("LocalPath"):
            raise refuse(f"The output {name} needs a LocalPath.")
        _check_path(found.get("LocalPath"), f"LocalPath of the output {name}")
    for name in names:
        if names.count(name) > 1:
            raise refuse(f"Names of inputs and outputs must be unique: {name} is there more than once.")


def check_resources(config: Mapping[str, Any], where: str) -> None:
    """Raise a `Refusal` for instances that the sandbox does not have: it has one for each job."""
    for name, what in _RESOURCES.items():
        if config.get(name):
            raise refuse(f"The sandbox has no {what} ({where}.{name}).")
    count = int(config.get("InstanceCount") or 1)
    if count > 1:
        raise refuse(
            f"The sandbox runs a job on one instance, and {where}.InstanceCount is {count}: what several would do "
            "together it cannot show."
        )


def _check_channel(name: str, channel: Mapping[str, Any], mode: str) -> None:
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise refuse(f"The sandbox reads channels from S3 only (DataSource of {name}).")
    if mode == "Pipe":
        raise refuse(f"The sandbox has no Pipe mode (channel {name}): use File or FastFile.")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise refuse(f"The sandbox has no {source['S3DataType']} (channel {name}): use S3Prefix or ManifestFile.")
    if channel.get("CompressionType") == "Gzip":
        raise refuse(f"CompressionType Gzip is used only in Pipe input mode (channel {name}).")
    if channel.get("RecordWrapperType") == "RecordIO":
        raise refuse(f"The sandbox wraps no records (RecordWrapperType of {name}).")
    if source.get("ModelAccessConfig") or source.get("HubAccessConfig"):
        raise refuse(f"The sandbox has no model hub (channel {name}).")


def _check_path(path: str | None, where: str) -> None:
    if path and not inside(path):
        raise refuse(f"The {where} is {path}: the sandbox gives a job folders below /opt/ml only.")
