"""SageMaker's operations on pipelines, in the place of moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.pipelines.asking import listing, once, pipeline, pipeline_arn, user
from terrace.sandbox.pipelines.definition import Definition, read
from terrace.sandbox.pipelines.execution import now
from terrace.sandbox.pipelines.pipeline import Pipeline, Version, executions, pipelines
from terrace.sandbox.pipelines.step import DefinitionError
from terrace.sandbox.services.extend import Refusal, add

if TYPE_CHECKING:
    from terrace.sandbox.pipelines.room import Pipelines


def install(room: Pipelines) -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""

    def create_pipeline(response: Any) -> ActionResult:
        def create() -> dict[str, Any]:
            name, known = response._get_param("PipelineName"), pipelines(response.sagemaker_backend)
            if name in known:
                raise Refusal(
                    "ValidationException",
                    "Pipeline names must be unique within an AWS account and region. "
                    f"Pipeline with name ({name}) already exists.",
                )
            definition = _definition(room, response)
            if definition is None:
                raise Refusal(
                    "ValidationException",
                    "Either PipelineDefinition or PipelineDefinitionS3Location must be provided.",
                )
            made = Pipeline(
                name=name,
                arn=pipeline_arn(response, name),
                role=response._get_param("RoleArn"),
                user=user(response),
                display=response._get_param("PipelineDisplayName") or name,
                description=response._get_param("PipelineDescription"),
                parallelism=response._get_param("ParallelismConfiguration"),
                tags=list(response._get_param("Tags") or ()),
            )
            made.add(definition, list(response._get_param("PipelineVersionAliases") or ()))
            known[name] = made
            return {"PipelineArn": made.arn}

        return ActionResult(once(response, create))

    def update_pipeline(response: Any) -> ActionResult:
        found = pipeline(response, response._get_param("PipelineName"))
        definition = _definition(room, response)
        aliases = list(response._get_param("PipelineVersionAliases") or ())
        for member, attribute in (
            ("PipelineDisplayName", "display"),
            ("PipelineDescription", "description"),
            ("RoleArn", "role"),
            ("ParallelismConfiguration", "parallelism"),
        ):
            given = response._get_param(member)
            if given is not None:
                setattr(found, attribute, given)
        if definition is not None:
            found.add(definition, aliases)
        elif aliases:
            found.name_version(found.latest, aliases)
        found.modified = now()
        return ActionResult({"PipelineArn": found.arn, "PipelineVersionId": found.latest.number})

    def describe_pipeline(response: Any) -> ActionResult:
        found = pipeline(response, response._get_param("PipelineName"))
        return ActionResult(found.describe(version(response, found)))

    def delete_pipeline(response: Any) -> ActionResult:
        def delete() -> dict[str, Any]:
            found, runs = (
                pipeline(response, response._get_param("PipelineName")),
                executions(response.sagemaker_backend),
            )
            mine = [run for run in runs.values() if run.pipeline == found.arn]
            if any(not run.over for run in mine):
                raise Refusal(
                    "ConflictException",
                    f"Pipeline '{found.arn}' has executions that run. Stop them before the pipeline is deleted.",
                )
            for run in mine:
                del runs[run.arn]
            del pipelines(response.sagemaker_backend)[found.name]
            return {"PipelineArn": found.arn}

        return ActionResult(once(response, delete))

    def list_pipelines(response: Any) -> ActionResult:
        prefix = response._get_param("PipelineNamePrefix") or ""
        # None of the sandbox's pipelines is AWS's own.
        own = response._get_param("ManagedBy") != "AWS"
        known = tuple(pipelines(response.sagemaker_backend).values())
        listed, token = listing(
            response,
            [one for one in known if own and one.name.startswith(prefix)],
            created=lambda one: one.created,
            order=(lambda one: one.name) if response._get_param("SortBy") == "Name" else None,
        )
        return ActionResult({"PipelineSummaries": [one.summary() for one in listed], "NextToken": token})

    def list_pipeline_versions(response: Any) -> ActionResult:
        found = pipeline(response, response._get_param("PipelineName"))
        listed, token = listing(response, found.versions, created=lambda one: one.created, order=lambda one: one.number)
        summaries = [one.describe(found.arn) for one in listed]
        return ActionResult({"PipelineVersionSummaries": summaries, "NextToken": token})

    def update_pipeline_version(response: Any) -> ActionResult:
        found = pipeline(response, response._get_param("PipelineArn"))
        one = version(response, found)
        one.display = response._get_param("PipelineVersionDisplayName") or one.display
        one.description = response._get_param("PipelineVersionDescription") or one.description
        changes = response._get_param("PipelineVersionAliasOperations") or {}
        one.aliases = [alias for alias in one.aliases if alias not in changes.get("Remove", ())]
        found.name_version(one, list(changes.get("Add", ())))
        return ActionResult({"PipelineArn": found.arn, "PipelineVersionId": one.number})

    operations = (
        create_pipeline,
        update_pipeline,
        describe_pipeline,
        delete_pipeline,
        list_pipelines,
        list_pipeline_versions,
        update_pipeline_version,
    )
    add(SageMakerResponse, operations)


def version(response: Any, found: Pipeline) -> Version:
    """Return the version of a pipeline that is asked for. Raises ResourceNotFound."""
    number, alias = response._get_param("PipelineVersionId"), response._get_param("PipelineVersionAlias")
    one = found.version(None if number is None else int(number), alias)
    if one is None:
        said = number if alias is None else alias
        raise Refusal("ResourceNotFound", f"Pipeline '{found.arn}' has no version '{said}'.")
    return one


def _definition(room: Pipelines, response: Any) -> Definition | None:
    """Return the definition of a request, None when it brings none."""
    said = response._get_param("PipelineDefinition")
    location: Mapping[str, Any] | None = response._get_param("PipelineDefinitionS3Location")
    if said is not None and location:
        raise Refusal(
            "ValidationException", "Only one of PipelineDefinition and PipelineDefinitionS3Location can be provided."
        )
    if location:
        said = _fetched(room, response, location)
    if said is None:
        return None
    try:
        return read(said)
    except DefinitionError as error:
        raise Refusal("ValidationException", error.message) from None


def _fetched(room: Pipelines, response: Any, location: Mapping[str, Any]) -> str:
    asked = {"Bucket": location["Bucket"], "Key": location["ObjectKey"]}
    if location.get("VersionId"):
        asked["VersionId"] = location["VersionId"]
    try:
        answer = room.clients(response.current_account, response.region)("s3").get_object(**asked)
        text: str = answer["Body"].read().decode()
    except (ClientError, BotoCoreError, UnicodeDecodeError) as error:
        raise Refusal(
            "ValidationException",
            f"Unable to read the pipeline definition from s3://{asked['Bucket']}/{asked['Key']}: {error}",
        ) from None
    return text
