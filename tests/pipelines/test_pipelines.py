"""Pipelines as AWS keeps them: created, changed, listed, deleted, with a version for each definition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pipeline_case import ROLE, Caller, document, fail, processing, python

ONE, TWO = (json.dumps(document([fail(name)])) for name in ("One", "Two"))


def _code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_pipeline_shows_all_that_it_was_given(caller: Caller) -> None:
    """Description, display name, role, parallelism, tags: as given, under an ARN of the account."""
    made = caller.sagemaker.create_pipeline(
        PipelineName="p",
        PipelineDisplayName="shown",
        PipelineDefinition=ONE,
        PipelineDescription="why",
        RoleArn=ROLE,
        ParallelismConfiguration={"MaxParallelExecutionSteps": 3},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    arn = f"arn:aws:sagemaker:{caller.region}:{caller.account}:pipeline/p"
    assert made["PipelineArn"] == arn
    for name in ("p", arn):
        found = caller.sagemaker.describe_pipeline(PipelineName=name)
        assert found["PipelineDefinition"] == ONE
        assert (found["PipelineDisplayName"], found["PipelineDescription"]) == ("shown", "why")
        assert (found["PipelineStatus"], found["RoleArn"]) == ("Active", ROLE)
        assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
        assert "LastRunTime" not in found
    caller.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    tags = caller.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]


def test_a_name_is_taken_once(caller: Caller) -> None:
    """The refusal has the words by which the SDK knows to update instead."""
    caller.create("p", [fail("A")])
    with pytest.raises(
        ClientError, match=r"Pipeline names must be unique .* Pipeline with name \(p\) already exists"
    ) as refused:
        caller.create("p", [fail("A")])
    assert _code(refused) == "ValidationException"


def test_an_update_changes_what_it_says_and_nothing_else(caller: Caller) -> None:
    """Without a definition there is no new version; what is not mentioned stays."""
    caller.sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=ONE, RoleArn=ROLE, PipelineDescription="why")
    changed = caller.sagemaker.update_pipeline(PipelineName="p", PipelineDisplayName="shown")
    assert changed["PipelineVersionId"] == 1
    found = caller.sagemaker.describe_pipeline(PipelineName="p")
    assert (found["PipelineDescription"], found["PipelineDisplayName"]) == ("why", "shown")
    assert found["PipelineDefinition"] == ONE
    assert caller.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=TWO)["PipelineVersionId"] == 2
    assert caller.sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == TWO


def test_every_definition_is_a_version_that_can_be_run(caller: Caller) -> None:
    """By number or by an alias, which belongs to one version at a time."""
    caller.sagemaker.create_pipeline(
        PipelineName="p", PipelineDefinition=ONE, RoleArn=ROLE, PipelineVersionAliases=["good"]
    )
    arn = caller.sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=TWO)["PipelineArn"]

    def ran(**version: Any) -> str:
        started = caller.sagemaker.start_pipeline_execution(PipelineName="p", **version)["PipelineExecutionArn"]
        caller.ended(started)
        return "".join(caller.steps(started))

    assert (ran(), ran(PipelineVersionId=1), ran(PipelineVersionAlias="good")) == ("Two", "One", "One")
    caller.sagemaker.update_pipeline_version(
        PipelineArn=arn,
        PipelineVersionId=2,
        PipelineVersionDisplayName="second",
        PipelineVersionAliasOperations={"Add": ["good"]},
    )
    assert ran(PipelineVersionAlias="good") == "Two"
    listed = caller.sagemaker.list_pipeline_versions(PipelineName="p")["PipelineVersionSummaries"]
    assert [one["PipelineVersionId"] for one in listed] == [2, 1]
    assert (listed[0]["PipelineVersionDisplayName"], listed[0]["PipelineVersionAliases"]) == ("second", ["good"])
    assert "PipelineVersionAliases" not in listed[1]
    with pytest.raises(ClientError, match="has no version '7'") as refused:
        ran(PipelineVersionId=7)
    assert _code(refused) == "ResourceNotFound"


def test_a_definition_can_come_from_s3(caller: Caller) -> None:
    """In the version of the object that is asked for; what is not there is told."""
    s3, bucket = caller.client("s3"), f"definitions-{caller.account}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": caller.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="p.json", Body=ONE.encode())["VersionId"]
    s3.put_object(Bucket=bucket, Key="p.json", Body=TWO.encode())
    place = {"Bucket": bucket, "ObjectKey": "p.json"}
    caller.sagemaker.create_pipeline(PipelineName="p", PipelineDefinitionS3Location=place, RoleArn=ROLE)
    assert caller.sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == TWO
    caller.sagemaker.update_pipeline(PipelineName="p", PipelineDefinitionS3Location={**place, "VersionId": first})
    assert caller.sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == ONE
    with pytest.raises(ClientError, match="Unable to read the pipeline definition"):
        caller.sagemaker.update_pipeline(
            PipelineName="p", PipelineDefinitionS3Location={**place, "ObjectKey": "nothing"}
        )
    with pytest.raises(ClientError, match="Either PipelineDefinition or PipelineDefinitionS3Location"):
        caller.sagemaker.create_pipeline(PipelineName="q", RoleArn=ROLE)


def test_listings_are_filtered_sorted_and_paged(caller: Caller) -> None:
    """By prefix, time and name, the newest first unless it is asked otherwise."""
    times = []
    for name in ("b1", "a1", "b2"):
        caller.create(name, [fail("A")])
        times.append(caller.sagemaker.describe_pipeline(PipelineName=name)["CreationTime"])

    def names(**asked: Any) -> list[str]:
        return [one["PipelineName"] for one in caller.sagemaker.list_pipelines(**asked)["PipelineSummaries"]]

    assert names() == ["b2", "a1", "b1"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["a1", "b1", "b2"]
    assert names(PipelineNamePrefix="b") == ["b2", "b1"]
    assert names(CreatedAfter=times[0], CreatedBefore=times[2]) == ["a1"]
    assert names(ManagedBy="AWS") == []
    pages = caller.sagemaker.get_paginator("list_pipelines").paginate(MaxResults=2)
    assert [len(page["PipelineSummaries"]) for page in pages] == [2, 1]


def test_a_pipeline_goes_with_its_executions_and_not_before_they_ended(caller: Caller) -> None:
    """A running execution holds its pipeline; afterwards both are gone."""
    caller.create("p", [processing("Long", python("import time; time.sleep(600)"))])
    arn = caller.start("p")
    with pytest.raises(ClientError, match="has executions that run") as refused:
        caller.sagemaker.delete_pipeline(PipelineName="p")
    assert _code(refused) == "ConflictException"
    caller.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    caller.ended(arn)
    caller.sagemaker.delete_pipeline(PipelineName="p")
    for operation, asked in (
        ("describe_pipeline", {"PipelineName": "p"}),
        ("list_pipeline_executions", {"PipelineName": "p"}),
        ("start_pipeline_execution", {"PipelineName": "p"}),
        ("delete_pipeline", {"PipelineName": "p"}),
        ("describe_pipeline_execution", {"PipelineExecutionArn": arn}),
    ):
        with pytest.raises(ClientError, match="does not exist") as refused:
            getattr(caller.sagemaker, operation)(**asked)
        assert _code(refused) == "ResourceNotFound"


def test_accounts_do_not_see_each_other(caller: Caller) -> None:
    """A pipeline belongs to an account and a region."""
    caller.create("p", [fail("A")])
    for other in (Caller(caller.url, "999999999999", caller.region), Caller(caller.url, caller.account, "us-east-1")):
        assert other.sagemaker.list_pipelines()["PipelineSummaries"] == []
