"""Which data an execution read: where it lies, in which version, with which content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from terrace.executions import Execution
from terrace.target import Target


@dataclass(frozen=True)
class RunData:
    """The data of a run.

    Attributes:
        uri: Object or prefix, `s3://bucket/key`.
        version: Version id of the object, None where it is not told.
        sha256: Hash of the content, None where nothing told it.
    """

    uri: str | None = None
    version: str | None = None
    sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"uri": self.uri, "version": self.version, "sha256": self.sha256}

    def __str__(self) -> str:
        parts = [self.uri or "unknown data"]
        parts += [f"version {self.version}"] if self.version else []
        parts += [f"sha256 {self.sha256[:12]}"] if self.sha256 else []
        return ", ".join(parts)


def defaults(definition: str) -> dict[str, str]:
    """Return name → default of a definition's parameters, of those that have one."""
    parameters = json.loads(definition).get("Parameters", [])
    return {one["Name"]: str(one["DefaultValue"]) for one in parameters if "DefaultValue" in one}


def data_of(parameters: Mapping[str, str], evaluation: Mapping[str, Any] | None = None) -> RunData:
    """Return the data of a run.

    What the run itself wrote about it wins: parameters may leave open which object is the newest.

    Args:
        parameters: All of them, with defaults: `DataUri`, `DataKey`, `DataVersion`; of a run that scores, `InputUri`.
        evaluation: What the step `Evaluate` wrote, None where it did not come so far.
    """
    said = evaluation or {}
    sha256 = str(said.get("data") or "") or None
    if said.get("source"):
        uri, version = split_source(str(said["source"]))
        return RunData(uri, version or parameters.get("DataVersion") or None, sha256)
    prefix, key = parameters.get("DataUri") or parameters.get("InputUri", ""), parameters.get("DataKey", "")
    bucket = urlsplit(prefix).netloc
    uri = f"s3://{bucket}/{key}" if key and bucket else prefix or key
    return RunData(uri or None, parameters.get("DataVersion") or None, sha256)


def split_source(source: str) -> tuple[str, str | None]:
    """Return URI and version id of `s3://bucket/key?versionId=…`."""
    uri, _, query = source.partition("?")
    found = parse_qs(query).get("versionId")
    return uri, found[0] if found else None


def read_data(target: Target, execution: Execution) -> RunData:
    """Return the data of a run, from its parameters and, where it came so far, from its evaluation."""
    sagemaker = target.client("sagemaker")
    said = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution.arn)
    definition = said["PipelineDefinition"]
    parameters = defaults(definition) | dict(execution.parameters)
    return data_of(parameters, read_evaluation(target, definition, execution))


def read_evaluation(target: Target, definition: str, execution: Execution) -> dict[str, Any] | None:
    """Return what a step wrote into its property file `Evaluation`; None if none has or it was not written."""
    from botocore.exceptions import ClientError

    for said in _steps(json.loads(definition).get("Steps", [])):
        file = next((one for one in said.get("PropertyFiles", ()) if one["PropertyFileName"] == "Evaluation"), None)
        step = execution.step(said["Name"])
        if file is None or step is None or step.status != "Succeeded" or step.job is None:
            continue
        try:
            job = target.client("sagemaker").describe_processing_job(ProcessingJobName=step.job_name)
            outputs = {one["OutputName"]: one for one in job["ProcessingOutputConfig"]["Outputs"]}
            parts = urlsplit(outputs[file["OutputName"]]["S3Output"]["S3Uri"])
            key = f"{parts.path.strip('/')}/{file['FilePath']}"
            found = json.loads(target.client("s3").get_object(Bucket=parts.netloc, Key=key)["Body"].read())
        except (ClientError, KeyError, ValueError):
            # Removed in the meantime by the bucket's lifecycle, or written by a project with other habits.
            return None
        return found if isinstance(found, dict) else None
    return None


def _steps(steps: Any) -> list[Mapping[str, Any]]:
    """Return all steps of a definition, with those that a condition decides about."""
    found: list[Mapping[str, Any]] = []
    for step in steps:
        found.append(step)
        arguments = step.get("Arguments") or {}
        if step.get("Type") == "Condition":
            found += _steps([*arguments.get("IfSteps", ()), *arguments.get("ElseSteps", ())])
    return found
