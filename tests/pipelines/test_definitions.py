"""Definitions that AWS refuses are refused with AWS's code, at creation, and nothing is made."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_case import ROLE, Caller, compare, condition, document, fail, get, join, processing

from terrace.sandbox.pipelines.kinds import REFUSED

PARAMETERS = [{"Name": "Rows", "Type": "Integer", "DefaultValue": 1}]
RETRY = {"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}


def _training(**more: Any) -> dict[str, Any]:
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": "nothing", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://nowhere"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **more,
    }
    return {"Name": "Train", "Type": "Training", "Arguments": arguments}


BAD: dict[str, tuple[Any, str]] = {
    "no JSON": ("{not json", "Unable to parse pipeline definition"),
    "a list": ([], "Expecting start of Json Object"),
    "another version": ({**document([fail("A")]), "Version": "2030-01-01"}, "Unknown Version"),
    "no steps": (document([]), "at least one step"),
    "steps that are no list": ({**document([]), "Steps": {}}, "Expecting start of Json Array"),
    "a step that is none": (document(["A"]), "Expecting start of Json Object"),
    "a step without a name": (document([{**fail("A"), "Name": ""}]), "Invalid step name"),
    "a step's name with a space": (document([fail("A step")]), "Invalid step name"),
    "two of a name": (document([fail("A"), fail("A")]), "Duplicate step name"),
    "two of a name in branches": (
        document([condition("C", compare("Equals", 1, 1), [fail("A")], [fail("A")])]),
        "Duplicate step name",
    ),
    "an unknown type": (document([{**fail("A"), "Type": "Dance"}]), "Unknown step type 'Dance'"),
    "no arguments": (document([{"Name": "A", "Type": "Processing"}]), "Expecting start of Json Object"),
    "an unknown argument": (document([processing("A", {"Colour": "red"})]), "Unknown Argument member 'Colour'"),
    "an unknown argument within": (
        document([processing("A", {"AppSpecification": {"ImageUri": "x", "Colour": "red"}})]),
        "Unknown Argument member 'Colour'",
    ),
    "a missing argument": (document([processing("A", {"AppSpecification": {}})]), "ImageUri"),
    "an object for a list": (document([processing("A", {"ProcessingInputs": {}})]), "Expecting start of Json Array"),
    "a text for an object": (document([processing("A", {"AppSpecification": "x"})]), "Expecting start of Json Object"),
    "a name for a package of its own": (
        document([{"Name": "R", "Type": "RegisterModel", "Arguments": {"ModelPackageName": "x"}}]),
        "Unknown Argument member 'ModelPackageName'",
    ),
    "an unknown step to wait for": (document([fail("A", DependsOn=["B"])]), "Unknown step 'B'"),
    "an invalid trigger": (
        document([fail("A"), fail("B", DependsOn=[{"Step": "A", "Trigger": "Sometimes"}])]),
        "invalid DependsOn",
    ),
    "a cycle": (document([fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])]), "Cycle"),
    "a step that waits for itself": (document([fail("A", DependsOn=["A"])]), "Cycle"),
    "a cycle by properties": (
        document([processing("A", {"Environment": {"x": get("Steps.A.ProcessingJobArn")}})]),
        "Cycle",
    ),
    "a cycle through a branch": (
        document([condition("C", compare("Equals", 1, 1), [fail("A")], DependsOn=["A"])]),
        "Cycle",
    ),
    "a reference to an unknown step": (document([fail("A", get("Steps.B.ProcessingJobArn"))]), "Unknown step 'B'"),
    "a reference to an unknown property": (
        document([processing("P"), fail("A", get("Steps.P.Colour"))]),
        "Invalid property reference 'Steps.P.Colour'",
    ),
    "a reference to an unknown property file": (
        document(
            [processing("P"), fail("A", {"Std:JsonGet": {"PropertyFile": get("Steps.P.PropertyFiles.x"), "Path": "a"}})]
        ),
        "Invalid property reference",
    ),
    "a reference to an unknown parameter": (
        document([fail("A", get("Parameters.Other"))]),
        "Invalid property reference",
    ),
    "a reference to an unknown variable": (
        document([fail("A", get("Execution.Colour"))]),
        "Invalid property reference",
    ),
    "a reference to a step's step": (document([fail("A", get("Steps"))]), "Invalid property reference"),
    "a broken reference": (document([fail("A", get("Steps.[x"))]), "is not a path"),
    "a join without values": (document([fail("A", {"Std:Join": {"On": ","}})]), "invalid Std:Join"),
    "a read without a file": (document([fail("A", {"Std:JsonGet": {"Path": "a"}})]), "invalid Std:JsonGet"),
    "no conditions": (document([condition("C", [])]), "at least one condition"),
    "an unknown condition": (document([condition("C", compare("Like", 1, 1))]), "unknown condition Type 'Like'"),
    "half a comparison": (document([condition("C", {"Type": "Equals", "LeftValue": 1})]), "lacks"),
    "a denial of nothing": (document([condition("C", {"Type": "Not"})]), "unknown condition Type"),
    "an unknown condition within": (
        document([condition("C", {"Type": "Or", "Conditions": [{"Type": "Not", "Condition": {"Type": "Like"}}]})]),
        "unknown condition Type 'Like'",
    ),
    "no list to be in": (document([condition("C", {"Type": "In", "QueryValue": 1, "Values": 1})]), "Json Array"),
    "a failure without words": (document([{"Name": "A", "Type": "Fail", "Arguments": {}}]), "ErrorMessage"),
    "a cache without a time": (
        document([processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})]),
        "not a duration",
    ),
    "a cache that may be": (document([processing("A", CacheConfig={"Enabled": "yes"})]), "boolean Enabled"),
    "a retry of something unknown": (
        document([processing("A", RetryPolicies=[{**RETRY, "ExceptionType": ["Step.BAD_LUCK"]}])]),
        "ExceptionType",
    ),
    "a retry without an end": (
        document([processing("A", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"]}])]),
        "either MaxAttempts or ExpireAfterMin",
    ),
    "a retry too many": (document([processing("A", RetryPolicies=[{**RETRY, "MaxAttempts": 21}])]), "from 1 to 20"),
    "half a property file": (document([processing("A", PropertyFiles=[{"FilePath": "x"}])]), "PropertyFileName"),
    "two parameters of a name": (document([fail("A")], PARAMETERS * 2), "Duplicate parameter name"),
    "a parameter of an unknown type": (document([fail("A")], [{"Name": "X", "Type": "Date"}]), "unknown Type 'Date'"),
    "a parameter without a name": (document([fail("A")], [{"Type": "String"}]), "Invalid parameter name"),
    "a default of another type": (
        document([fail("A")], [{"Name": "X", "Type": "Integer", "DefaultValue": "1"}]),
        "not of type Integer",
    ),
    "a default that is not allowed": (
        document([fail("A")], [{"Name": "X", "Type": "String", "DefaultValue": "a", "EnumValues": ["b"]}]),
        "not in EnumValues",
    ),
    "a training without an output": (document([_training(OutputDataConfig=None)]), "OutputDataConfig"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_definition_is_refused(name: str, caller: Caller) -> None:
    """With a ValidationException that tells what is wrong, and no pipeline is left."""
    said, match = BAD[name]
    definition = said if isinstance(said, str) else json.dumps(said)
    with pytest.raises(ClientError, match=match) as refused:
        caller.sagemaker.create_pipeline(PipelineName="bad", PipelineDefinition=definition, RoleArn=ROLE)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert caller.sagemaker.list_pipelines()["PipelineSummaries"] == []


@pytest.mark.parametrize("type", REFUSED)
def test_a_type_that_does_not_run_here_is_refused_by_name(type: str, caller: Caller) -> None:
    """The refusal names the step, its type and the reason, so that nobody takes it for a mistake of theirs."""
    step = {"Name": "Other", "Type": type, "Arguments": {}}
    with pytest.raises(ClientError, match=f"The sandbox does not run step 'Other' of type {type}: ") as refused:
        caller.create("p", [condition("C", compare("Equals", 1, 1), no=[step])])
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_bad_update_leaves_the_pipeline_as_it_was(caller: Caller) -> None:
    """An update that is refused adds no version."""
    caller.create("p", [fail("A")])
    before = caller.sagemaker.describe_pipeline(PipelineName="p")
    with pytest.raises(ClientError, match="Cycle"):
        caller.sagemaker.update_pipeline(
            PipelineName="p", PipelineDefinition=json.dumps(document([fail("A", DependsOn=["A"])]))
        )
    after = caller.sagemaker.describe_pipeline(PipelineName="p")
    for answer in (before, after):
        del answer["ResponseMetadata"]
    assert after == before
    assert len(caller.sagemaker.list_pipeline_versions(PipelineName="p")["PipelineVersionSummaries"]) == 1


def test_an_expression_stands_for_any_value(caller: Caller) -> None:
    """Functions are taken wherever a value of the call is, even for a list or an object."""
    said: dict[str, Any] = copy.deepcopy(processing("P"))
    said["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = get("Parameters.Rows")
    said["Arguments"]["RoleArn"] = join("", ROLE)
    said["Arguments"]["Environment"] = {"ROWS": get("Parameters.Rows")}
    caller.create(
        "p", [said, fail("A", join(" ", get("Steps.P.ProcessingOutputConfig.Outputs['x'].S3Output.S3Uri")))], PARAMETERS
    )


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"Other": "1"}, "Unknown Parameters"),
        ({"Must": "x", "Rows": "many"}, "'many' is not a value of type Integer"),
        ({"Must": "x", "Rows": "1.5"}, "'1.5' is not a value of type Integer"),
        ({"Must": "x", "Share": "half"}, "not a value of type Float"),
        ({"Must": "x", "Whether": "perhaps"}, "not a value of type Boolean"),
        ({"Must": "x", "Size": "huge"}, "is not one of"),
        ({}, "Missing required parameters"),
    ],
)
def test_a_wrong_parameter_is_refused_at_the_start(parameters: dict[str, str], match: str, caller: Caller) -> None:
    """With a ValidationException, and no execution is left."""
    declared = [
        *PARAMETERS,
        {"Name": "Must", "Type": "String"},
        {"Name": "Share", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Whether", "Type": "Boolean", "DefaultValue": False},
        {"Name": "Size", "Type": "String", "DefaultValue": "small", "EnumValues": ["small", "large"]},
    ]
    caller.create("p", [fail("A")], declared)
    with pytest.raises(ClientError, match=match) as refused:
        caller.start("p", **parameters)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert caller.sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"] == []
