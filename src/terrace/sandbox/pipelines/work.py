"""What a step does outside: one AWS call to make something, and others to look at it and to stop it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from terrace.sandbox.pipelines import retries
from terrace.sandbox.pipelines.arguments import fitted, operation
from terrace.sandbox.pipelines.execution import EXECUTING, Execution, StepRun, random_id
from terrace.sandbox.pipelines.expressions import Scope, UnresolvableError, resolve, walk
from terrace.sandbox.pipelines.kinds import JOBS, Kind

Clients = Callable[[str], Any]
_USUAL_NAME = 63
_ENDS = {"Completed": "Succeeded", "Failed": "Failed", "Stopped": "Stopped"}
_PROPERTY_FILE_BYTES = 4 * 2**20
"""Largest property file that is read."""


@dataclass(frozen=True)
class Outcome:
    """What became of what a step made.

    Attributes:
        status: Status of the step, empty when there is nothing new.
        reason: Why it failed.
        exception: What kind of failure it is, as retry policies name it.
    """

    status: str
    reason: str = ""
    exception: str = ""


class Work:
    """Makes the calls of an execution's steps, as a client of its account.

    Args:
        clients: Name of a service → its boto3 client.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def scope(self, execution: Execution, run: StepRun) -> Scope:
        """Return what the expressions of a step can see."""
        runs = execution.runs
        if run.step.type in JOBS and not run.name:
            run.name = job_name(execution.id, run.step.name, longest=_longest(JOBS[run.step.type]))

        def step(name: str, path: str) -> Any:
            found = runs.get(name)
            if found is None or found.status != "Succeeded":
                raise UnresolvableError(f"Property reference 'Steps.{name}.{path}': step {name} made nothing.")
            try:
                return walk(found.properties, path)
            except UnresolvableError as error:
                raise UnresolvableError(
                    f"Property reference 'Steps.{name}.{path}' cannot be resolved: {error.message}"
                ) from None

        def property_file(name: str, file: str) -> str:
            output, path = execution.definition.steps[name].files[file]
            folder = step(name, f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri")
            return f"{str(folder).rstrip('/')}/{path.lstrip('/')}"

        names = {f"{kind}Name": run.name for kind in ("TrainingJob", "ProcessingJob")}
        return Scope(execution.parameters, {**execution.variables(), **names}, step, self.read, property_file)

    def read(self, uri: str) -> Any:
        """Return a JSON document of S3.

        Raises:
            UnresolvableError: It is not there, is no JSON, or is larger than a property file may be.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            answer = self._clients("s3").get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > _PROPERTY_FILE_BYTES:
                raise UnresolvableError(f"{uri} is larger than {_PROPERTY_FILE_BYTES} bytes.")
            return json.loads(answer["Body"].read())
        except (ClientError, BotoCoreError, ValueError) as error:
            raise UnresolvableError(f"{uri}: {error}") from error

    def prepare(self, execution: Execution, run: StepRun) -> dict[str, Any]:
        """Return the arguments of a step's call, resolved, and note what a cache goes by.

        Raises:
            UnresolvableError: An expression in them has no value.
        """
        kind = JOBS[run.step.type]
        prefix = run.step.arguments.get(kind.name)
        longest = _longest(kind)
        run.name = job_name(execution.id, run.step.name, longest=longest)
        scope = self.scope(execution, run)
        if kind.name and isinstance(prefix, str) and prefix:
            # A definition may bring the first part of the name, as the SDK's custom prefixes do.
            run.name = job_name(execution.id, "", prefix, longest)
            scope = self.scope(execution, run)
        arguments = fitted(kind, resolve(run.step.arguments, scope))
        if kind.cached:
            keyed = {name: arguments[name] for name in kind.cached if name in arguments}
            said = json.dumps([run.step.type, keyed], sort_keys=True, default=str)
            run.key = hashlib.sha256(said.encode()).hexdigest()
        if kind.name:
            arguments[kind.name] = run.name
        _put_role(kind, arguments, execution.role)
        return arguments

    def create(self, execution: Execution, run: StepRun, arguments: Mapping[str, Any]) -> Outcome:
        """Make what a step makes."""
        kind = JOBS[run.step.type]
        sagemaker = self._clients("sagemaker")
        try:
            if kind.type == "RegisterModel":
                self._have_group(arguments.get("ModelPackageGroupName"))
            answer = getattr(sagemaker, xform_name(kind.create))(**arguments)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            exception = retries.of_call(code, error.response["ResponseMetadata"]["HTTPStatusCode"])
        except BotoCoreError as error:
            message, exception = str(error), retries.VALIDATION
        else:
            arn = answer[kind.arn]
            run.metadata = {kind.metadata: {"Arn": arn}}
            run.name = run.name if kind.name else arn
            return self.look(run)
        return Outcome(
            "Failed",
            f"ClientError: Failed to invoke sagemaker:{kind.create}. Error Details: {message}\n"
            f"Retry not appropriate on execution of step with PipelineExecutionArn {execution.arn} and StepId: "
            f"{run.step.name}. No retry policy configured for the exception type {exception}.",
            exception,
        )

    def look(self, run: StepRun) -> Outcome:
        """Look at what a step made."""
        kind = JOBS[run.step.type]
        sagemaker = self._clients("sagemaker")
        try:
            found = getattr(sagemaker, xform_name(kind.describe))(**{kind.name or "ModelPackageName": run.name})
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                return Outcome("")
            return Outcome("Failed", f"ClientError: {error.response['Error']['Message']}", retries.VALIDATION)
        except BotoCoreError:
            return Outcome("")
        status = _ENDS.get(found.get(kind.status, "Completed"))
        if status is None:
            return Outcome("" if run.status != "Starting" else EXECUTING)
        found.pop("ResponseMetadata", None)
        if kind.type == "Tuning" and status == "Succeeded":
            found["TrainingJobSummaries"] = self._ranked(run.name, found)
        run.properties = found
        reason = str(found.get("FailureReason") or found.get("ExitMessage") or "")
        if status == "Failed":
            return Outcome(
                status, f"ClientError: {reason or f'{kind.noun} {run.name} failed.'}", retries.of_job(reason)
            )
        return Outcome(status, reason if status == "Stopped" else "")

    def stop(self, run: StepRun) -> None:
        """Stop what a step made, if it can be stopped; whether it is, a look tells."""
        kind = JOBS.get(run.step.type)
        if kind is None or not kind.stops:
            return
        try:
            getattr(self._clients("sagemaker"), xform_name(kind.stop))(**{kind.name: run.name})
        except (ClientError, BotoCoreError):
            # It ended by itself in the meantime, which the next look sees.
            return

    def _ranked(self, name: str, found: Mapping[str, Any]) -> list[Any]:
        objective = found.get("HyperParameterTuningJobConfig", {}).get("HyperParameterTuningJobObjective", {})
        order = "Ascending" if objective.get("Type") == "Minimize" else "Descending"
        try:
            answer = self._clients("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=name, SortBy="FinalObjectiveMetricValue", SortOrder=order, MaxResults=100
            )
        except ClientError:
            return []
        summaries: list[Any] = answer["TrainingJobSummaries"]
        return summaries

    def _have_group(self, group: str | None) -> None:
        """Make the package group of a registration when it is missing, as AWS's pipelines do."""
        if not group or group.startswith("arn:"):
            return
        sagemaker = self._clients("sagemaker")
        try:
            sagemaker.describe_model_package_group(ModelPackageGroupName=group)
        except ClientError:
            try:
                sagemaker.create_model_package_group(ModelPackageGroupName=group)
            except ClientError as error:
                if "already exists" not in str(error):
                    raise


def job_name(execution: str, step: str, prefix: str = "", longest: int = _USUAL_NAME) -> str:
    """Return a name as AWS makes it: `pipelines-<execution>-<step>-<random>`, cut to what such a name may be.

    Where names are short, as those of tuning jobs, the first word is left out, as AWS leaves it out.
    """
    tail = random_id(10)
    step = step.replace("_", "-")
    first = f"{prefix}-{execution}" if prefix else f"pipelines-{execution}-{step}"
    if not prefix and longest < _USUAL_NAME:
        first = f"{execution}-{step}"
    return f"{first[: longest - len(tail) - 1].strip('-')}-{tail}"


def _longest(kind: Kind) -> int:
    """Return how long a name may be."""
    if not kind.name:
        return _USUAL_NAME
    shape: Any = operation(kind.create).input_shape
    return int(shape.members[kind.name].metadata.get("max", _USUAL_NAME))


def _put_role(kind: Kind, arguments: dict[str, Any], role: str) -> None:
    """Give a step that names no role that of the execution."""
    if kind.type in ("Training", "Processing"):
        arguments.setdefault("RoleArn", role)
    elif kind.type == "Model":
        arguments.setdefault("ExecutionRoleArn", role)
