"""SageMaker's operations on executions of pipelines, in the place of moto's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.pipelines.asking import execution, listing, once, pipeline, user
from terrace.sandbox.pipelines.execution import EXECUTING, Execution, now
from terrace.sandbox.pipelines.expressions import text
from terrace.sandbox.pipelines.operations import version
from terrace.sandbox.pipelines.parameters import ParameterError, values
from terrace.sandbox.pipelines.pipeline import executions
from terrace.sandbox.pipelines.selection import select
from terrace.sandbox.services.extend import Refusal, add, page

if TYPE_CHECKING:
    from terrace.sandbox.pipelines.room import Pipelines

PARALLEL = 50
"""How many steps of an execution run at once when nothing is said."""


def install(room: Pipelines) -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""

    def start_pipeline_execution(response: Any) -> ActionResult:
        return ActionResult(once(response, lambda: {"PipelineExecutionArn": _start(room, response).arn}))

    def stop_pipeline_execution(response: Any) -> ActionResult:
        def stop() -> dict[str, Any]:
            found = execution(response)
            if found.over:
                raise Refusal(
                    "ConflictException",
                    f"Pipeline execution '{found.arn}' is {found.status} and cannot be stopped.",
                )
            room.stop_execution(found)
            return {"PipelineExecutionArn": found.arn}

        return ActionResult(once(response, stop))

    def retry_pipeline_execution(response: Any) -> ActionResult:
        def retry() -> dict[str, Any]:
            found = execution(response)
            if found.status not in ("Failed", "Stopped", "CompletedWithFailures"):
                raise Refusal(
                    "ConflictException",
                    f"Pipeline execution '{found.arn}' is {found.status}: only one that is Failed or Stopped can be "
                    "retried.",
                )
            before = found.status
            _put_parallelism(found, response)
            found.runs = {name: run for name, run in found.runs.items() if run.status == "Succeeded"}
            found.status, found.reason, found.ended, found.modified = EXECUTING, "", None, now()
            room.run(response, found, before)
            return {"PipelineExecutionArn": found.arn}

        return ActionResult(once(response, retry))

    def update_pipeline_execution(response: Any) -> ActionResult:
        found = execution(response)
        found.display = response._get_param("PipelineExecutionDisplayName") or found.display
        description = response._get_param("PipelineExecutionDescription")
        found.description = found.description if description is None else description
        _put_parallelism(found, response)
        found.modified = now()
        return ActionResult({"PipelineExecutionArn": found.arn})

    def describe_pipeline_execution(response: Any) -> ActionResult:
        return ActionResult(execution(response).describe())

    def describe_pipeline_definition_for_execution(response: Any) -> ActionResult:
        found = execution(response)
        return ActionResult({"PipelineDefinition": found.definition.text, "CreationTime": found.created})

    def list_pipeline_executions(response: Any) -> ActionResult:
        found = pipeline(response, response._get_param("PipelineName"))
        mine = [run for run in tuple(executions(response.sagemaker_backend).values()) if run.pipeline == found.arn]
        if response._get_param("PipelineVersionAlias"):
            mine = [run for run in mine if run.version == version(response, found).number]
        by_arn = response._get_param("SortBy") == "PipelineExecutionArn"
        listed, token = listing(
            response, mine, created=lambda one: one.created, order=(lambda one: one.arn) if by_arn else None
        )
        return ActionResult({"PipelineExecutionSummaries": [one.summary() for one in listed], "NextToken": token})

    def list_pipeline_execution_steps(response: Any) -> ActionResult:
        if response._get_param("PipelineExecutionArn") is None:
            raise Refusal("ValidationException", "PipelineExecutionArn must be provided.")
        runs = tuple(execution(response).runs.values())
        listed, token = listing(response, runs, created=lambda one: one.started)
        return ActionResult({"PipelineExecutionSteps": [one.describe() for one in listed], "NextToken": token})

    def list_pipeline_parameters_for_execution(response: Any) -> ActionResult:
        found = execution(response)
        given = [{"Name": name, "Value": text(found.parameters[name])} for name in found.given]
        listed, token = page(given, response._get_param("MaxResults"), response._get_param("NextToken"))
        return ActionResult({"PipelineParameters": listed, "NextToken": token})

    def send_pipeline_execution_step_success(response: Any) -> ActionResult:
        token = response._get_param("CallbackToken")
        raise Refusal("ResourceNotFound", f"No step waits for callback token '{token}': the sandbox runs none that do.")

    def send_pipeline_execution_step_failure(response: Any) -> ActionResult:
        return send_pipeline_execution_step_success(response)

    operations = (
        start_pipeline_execution,
        stop_pipeline_execution,
        retry_pipeline_execution,
        update_pipeline_execution,
        describe_pipeline_execution,
        describe_pipeline_definition_for_execution,
        list_pipeline_executions,
        list_pipeline_execution_steps,
        list_pipeline_parameters_for_execution,
        send_pipeline_execution_step_success,
        send_pipeline_execution_step_failure,
    )
    add(SageMakerResponse, operations)


def _start(room: Pipelines, response: Any) -> Execution:
    found = pipeline(response, response._get_param("PipelineName"))
    one = version(response, found)
    given = response._get_param("PipelineParameters") or []
    try:
        told = values(one.definition.parameters, given)
    except ParameterError as error:
        raise Refusal("ValidationException", error.message) from None
    made = Execution(
        pipeline=found.arn,
        pipeline_name=found.name,
        version=one.number,
        definition=one.definition,
        role=response._get_param("RoleArn") or found.role,
        parameters=told,
        given=tuple(parameter["Name"] for parameter in given),
        display=response._get_param("PipelineExecutionDisplayName") or f"execution-{int(time.time() * 1000)}",
        user=user(response),
        description=response._get_param("PipelineExecutionDescription"),
        parallelism=found.parallelism,
        selection=response._get_param("SelectiveExecutionConfig"),
    )
    known = executions(response.sagemaker_backend)
    select(made, known)
    _put_parallelism(made, response)
    known[made.arn] = made
    found.last_run, one.last = made.created, made.arn
    room.run(response, made, None)
    return made


def _put_parallelism(found: Execution, response: Any) -> None:
    found.parallelism = response._get_param("ParallelismConfiguration") or found.parallelism
    found.parallel = int((found.parallelism or {}).get("MaxParallelExecutionSteps", PARALLEL))
