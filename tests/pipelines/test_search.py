"""Pipelines, their versions and executions through Search, as a client that knows nothing of Terrace asks."""

from __future__ import annotations

import json
from typing import Any

from pipeline_case import ROLE, Caller, document, fail

FAILED = {"Name": "PipelineExecutionStatus", "Operator": "Equals", "Value": "Failed"}


def _found(caller: Caller, resource: str, *filters: dict[str, str], **more: Any) -> list[dict[str, Any]]:
    expression = {"SearchExpression": {"Filters": list(filters)}} if filters else {}
    answer = caller.sagemaker.search(Resource=resource, **expression, **more)
    return [one[resource] for one in answer["Results"]]


def test_failed_executions_are_found(caller: Caller) -> None:
    """By status, pipeline, parameter and reason; each as it is described, with the parameters that it was given."""
    parameter = {"Name": "Why", "Type": "String", "DefaultValue": "no reason"}
    caller.create("breaks", [fail("Stop", {"Get": "Parameters.Why"})], [parameter])
    same = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    choice = {"Conditions": [same], "IfSteps": [], "ElseSteps": [fail("Never")]}
    caller.create("works", [{"Name": "If", "Type": "Condition", "Arguments": choice}])
    arns = [caller.start("breaks"), caller.start("breaks", Why="because")]
    fine = caller.start("works")
    for arn in (*arns, fine):
        caller.ended(arn)

    assert [
        one["PipelineExecutionArn"] for one in _found(caller, "PipelineExecution", FAILED, SortBy="CreationTime")
    ] == arns[::-1]
    name = {"Name": "PipelineArn", "Operator": "Contains", "Value": "pipeline/works"}
    assert [one["PipelineExecutionArn"] for one in _found(caller, "PipelineExecution", name)] == [fine]
    given = {"Name": "PipelineParameters.Value", "Value": "because"}
    [found] = _found(caller, "PipelineExecution", FAILED, given)
    described = caller.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arns[1])
    assert found["PipelineParameters"] == [{"Name": "Why", "Value": "because"}]
    assert found["FailureReason"] == described["FailureReason"]
    del found["PipelineParameters"]
    assert found == {key: described[key] for key in found}


def test_pipelines_and_their_versions_are_found(caller: Caller) -> None:
    """Pipelines by name and tag; of a pipeline each definition that it had, with its last execution."""
    tags = [{"Key": "team", "Value": "ml"}]
    said = {"PipelineDefinition": json.dumps(document([fail("Stop")])), "RoleArn": ROLE}
    arn = caller.sagemaker.create_pipeline(PipelineName="scores", Tags=tags, **said)["PipelineArn"]
    caller.create("trains", [fail("Stop")])
    run = caller.start("scores")
    caller.ended(run)
    caller.sagemaker.update_pipeline(PipelineName="scores", PipelineDefinition=json.dumps(document([fail("Other")])))

    [mine] = _found(caller, "Pipeline", {"Name": "Tags.team", "Value": "ml"})
    described = caller.sagemaker.describe_pipeline(PipelineName="scores")
    assert mine.pop("Tags") == tags
    assert mine == {key: described[key] for key in mine}
    assert "PipelineDefinition" not in mine
    assert [one["PipelineName"] for one in _found(caller, "Pipeline", SortBy="PipelineName")] == ["trains", "scores"]

    versions = _found(caller, "PipelineVersion", {"Name": "PipelineArn", "Value": arn}, SortBy="PipelineVersionId")
    assert [one["PipelineVersionId"] for one in versions] == [2, 1]
    assert "LastExecutedPipelineExecutionArn" not in versions[0]
    assert (versions[1]["LastExecutedPipelineExecutionArn"], versions[1]["LastExecutedPipelineExecutionStatus"]) == (
        run,
        "Failed",
    )
    caller.sagemaker.delete_pipeline(PipelineName="scores")
    assert _found(caller, "PipelineExecution") == []
