"""The pipeline: what runs, under which role."""

from __future__ import annotations

import uuid
from typing import Any

from terrace.sandbox.provider.base import Clients, Failure, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import MISSING, retag, tags_of
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list

_SOURCES = ("pipelineDefinition", "pipelineDefinitionS3Location")


class Pipeline(Handler):
    """A pipeline. Its id is its name. The history of its runs goes with it."""

    type = "aws:sagemaker/pipeline:Pipeline"
    store = True
    inputs = {
        "parallelismConfiguration": {"maxParallelExecutionSteps": int},
        "pipelineDefinition": str,
        "pipelineDefinitionS3Location": {"bucket": str, "objectKey": str, "versionId": str},
        "pipelineDescription": str,
        "pipelineDisplayName": str,
        "pipelineName": str,
        "roleArn": str,
        "tags": dict,
    }
    required = frozenset(
        {
            "parallelismConfiguration.maxParallelExecutionSteps",
            "pipelineDefinitionS3Location.bucket",
            "pipelineDefinitionS3Location.objectKey",
            "pipelineDisplayName",
            "pipelineName",
        }
    )
    replace = frozenset({"pipelineName"})
    documents = frozenset({"pipelineDefinition"})
    delete_before_replace = True

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if sum(inputs.get(source) is not None for source in _SOURCES) != 1:
            failures.append(Failure(_SOURCES[0], f"is given or {_SOURCES[1]} is: exactly one of the two"))
        return failures

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreatePipeline", without(inputs, "tags"))
        client.create_pipeline(**settings, ClientRequestToken=uuid.uuid4().hex, Tags=tag_list(inputs))
        return self._made(aws, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_pipeline, *MISSING, PipelineName=id)
        if seen is None:
            return None
        tags = tags_of(client, seen["PipelineArn"])
        # AWS tells what it read at a location, never the location: it stays as it was given.
        told = response(self.inputs, without(inputs, _SOURCES[1]), {**seen, "Tags": tags})
        given: dict[str, Any] = {_SOURCES[1]: inputs[_SOURCES[1]]} if inputs.get(_SOURCES[1]) else {}
        return State(id, {**given, **told, "arn": seen["PipelineArn"], "tagsAll": tags})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        changed = {key: new[key] for key in without(new, "tags", "pipelineName") if old.get(key) != new[key]}
        if changed:
            client.update_pipeline(PipelineName=id, **request(client, "UpdatePipeline", changed))
        retag(client, client.describe_pipeline(PipelineName=id)["PipelineArn"], old, new)
        return self._made(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sagemaker").delete_pipeline, *MISSING, PipelineName=id, ClientRequestToken=uuid.uuid4().hex)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["pipelineName"]) if self.read(aws, inputs["pipelineName"], inputs) else None

    def _made(self, aws: Clients, inputs: Props) -> State:
        state = self.read(aws, inputs["pipelineName"], inputs)
        if state is None:
            raise LookupError(f"pipeline {inputs['pipelineName']} is gone right after it was set")
        return state
