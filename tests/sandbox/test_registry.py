"""Model packages through boto3: versions, approval, what an update changes, listings."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.clients import SandboxClients

SERVES = {
    "Containers": [{"Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/a:b", "ModelDataUrl": "s3://b/m.tar.gz"}],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """A client whose account has a group named `models`."""
    aws("sagemaker").create_model_package_group(ModelPackageGroupName="models")
    return aws("sagemaker")


def _register(sagemaker: Any, **more: Any) -> str:
    made = sagemaker.create_model_package(ModelPackageGroupName="models", InferenceSpecification=SERVES, **more)
    return str(made["ModelPackageArn"])


def _shown(sagemaker: Any, name: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=name, **more)
    del found["ResponseMetadata"]
    return found


def test_a_version_shows_all_that_it_was_given(sagemaker: Any) -> None:
    """Metrics, properties, card, life cycle, source and who made it, as given."""
    said: dict[str, Any] = {
        "ModelPackageDescription": "the first",
        "ModelApprovalStatus": "Rejected",
        "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/e.json"}}},
        "MetadataProperties": {"CommitId": "abc", "GeneratedBy": "me"},
        "CustomerMetadataProperties": {"code": "abc"},
        "ModelCard": {"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "In-Progress"},
        "SourceUri": "s3://b/source",
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SamplePayloadUrl": "s3://b/sample",
        "SkipModelValidation": "All",
        "DriftCheckBaselines": {"ModelQuality": {"Statistics": {"ContentType": "a/b", "S3Uri": "s3://b/d.json"}}},
    }
    arn = _register(sagemaker, **said)
    assert arn.endswith(":model-package/models/1")
    for name in (arn, "models/1"):
        found = _shown(sagemaker, name)
        assert {key: found[key] for key in said} == said
        assert found["InferenceSpecification"] == SERVES
        assert (found["ModelPackageGroupName"], found["ModelPackageVersion"]) == ("models", 1)
        assert found["ModelPackageStatus"] == "Completed"
        assert "ModelPackageName" not in found
        assert "LastModifiedTime" not in found
    assert "ModelCardContent" not in _shown(sagemaker, arn, IncludedData="MetadataOnly")["ModelCard"]


def test_a_version_waits_for_approval_unless_it_says_otherwise(sagemaker: Any) -> None:
    """A version without a status is pending; one of no group has none."""
    assert _shown(sagemaker, _register(sagemaker))["ModelApprovalStatus"] == "PendingManualApproval"
    alone = sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SERVES)["ModelPackageArn"]
    found = _shown(sagemaker, "alone")
    assert found["ModelPackageArn"] == alone
    assert "ModelApprovalStatus" not in found
    with pytest.raises(ClientError, match="is not versioned"):
        sagemaker.update_model_package(ModelPackageArn=alone, ModelApprovalStatus="Approved")


def test_a_number_is_never_given_twice(sagemaker: Any) -> None:
    """The version after a deleted one has the next number, so that a number means one model for ever."""
    first, second = _register(sagemaker), _register(sagemaker)
    sagemaker.delete_model_package(ModelPackageName=second)
    assert _register(sagemaker).endswith("/3")
    sagemaker.delete_model_package(ModelPackageName=first)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package(ModelPackageName=first)


def test_an_update_changes_what_it_says_and_nothing_else(sagemaker: Any) -> None:
    """An approval leaves the properties; properties are added, replaced and removed by name."""
    arn = _register(sagemaker, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
    found = _shown(sagemaker, arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "good")
    assert found["CustomerMetadataProperties"] == {"a": "1", "b": "2"}
    assert found["LastModifiedTime"] >= found["CreationTime"]
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
        ModelLifeCycle={"Stage": "Production", "StageStatus": "Approved"},
    )
    found = _shown(sagemaker, arn)
    assert found["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert (found["ModelApprovalStatus"], found["ModelLifeCycle"]["Stage"]) == ("Approved", "Production")
    with pytest.raises(ClientError, match="at most 50"):
        sagemaker.update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties={f"k{number}": "v" for number in range(49)}
        )


def test_versions_are_listed_by_group_status_and_time(sagemaker: Any) -> None:
    """The oldest first unless it is asked otherwise, a page at a time; packages of no group are listed apart."""
    for status in ("Approved", "Rejected", "Approved"):
        _register(sagemaker, ModelApprovalStatus=status)
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SERVES)

    def listed(**asked: Any) -> list[Any]:
        found = sagemaker.list_model_packages(**asked)["ModelPackageSummaryList"]
        return [one.get("ModelPackageVersion", one.get("ModelPackageName")) for one in found]

    assert listed(ModelPackageGroupName="models") == [1, 2, 3]
    assert listed(ModelPackageGroupName="models", SortOrder="Descending") == [3, 2, 1]
    assert listed(ModelPackageGroupName="models", ModelApprovalStatus="Approved") == [1, 3]
    assert listed(ModelPackageType="Versioned", NameContains="MOD") == [1, 2, 3]
    assert listed() == ["alone"]
    assert listed(ModelPackageType="Both", SortBy="Name") == ["alone", 1, 2, 3]
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName="models")["ModelPackageGroupArn"]
    assert listed(ModelPackageGroupName=arn) == [1, 2, 3]
    second = _shown(sagemaker, "models/2")["CreationTime"]
    assert listed(ModelPackageGroupName="models", CreationTimeAfter=second) == [3]
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName="models", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 1]


def test_a_request_sent_twice_registers_once(sagemaker: Any) -> None:
    """The same token is the same version."""
    assert len({_register(sagemaker, ClientToken="once") for _ in range(3)}) == 1


def test_many_are_described_at_once(sagemaker: Any) -> None:
    """What is there is shown, what is not is told."""
    arn = _register(sagemaker)
    missing = arn[:-1] + "9"
    found = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, missing])
    assert found["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert "does not exist" in found["BatchDescribeModelPackageErrorMap"][missing]["ErrorResponse"]


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"ModelPackageGroupName": "nothing"}, "ModelPackageGroup .*nothing does not exist"),
        ({"ModelPackageGroupName": "models", "ModelPackageName": "m"}, "Cannot determine which one to use"),
        ({}, "Missing ARN"),
        ({"ModelPackageGroupName": "models", "Tags": [{"Key": "a", "Value": "b"}]}, "Tags are not allowed"),
    ],
)
def test_a_package_that_cannot_be_is_refused(asked: dict[str, Any], match: str, sagemaker: Any) -> None:
    """With a ValidationException."""
    with pytest.raises(ClientError, match=match) as refused:
        sagemaker.create_model_package(InferenceSpecification=SERVES, **asked)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_group_is_made_once(sagemaker: Any) -> None:
    """A second group of the name is refused, and the first one keeps its versions."""
    _register(sagemaker)
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName="models")
    assert len(sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]) == 1


def test_a_package_of_its_own_has_tags(sagemaker: Any) -> None:
    """Given at its creation, and changed later."""
    arn = sagemaker.create_model_package(
        ModelPackageName="alone", InferenceSpecification=SERVES, Tags=[{"Key": "a", "Value": "b"}]
    )["ModelPackageArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"a": "b", "c": "d"}


def test_a_model_is_made_of_an_approved_version(sagemaker: Any) -> None:
    """CreateModel that names a version has its image and data, with the caller's variables over the package's."""
    role = "arn:aws:iam::123456789012:role/model"
    [container] = SERVES["Containers"]
    serves = {**SERVES, "Containers": [{**container, "Environment": {"A": "1", "B": "2"}}]}
    arn = sagemaker.create_model_package(ModelPackageGroupName="models", InferenceSpecification=serves)[
        "ModelPackageArn"
    ]
    said = {"ModelPackageName": arn, "Environment": {"B": "3"}}
    with pytest.raises(ClientError, match="PendingManualApproval, not Approved"):
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer=said)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer=said)
    found = sagemaker.describe_model(ModelName="m")["PrimaryContainer"]
    assert found == {**container, "ModelPackageName": arn, "Environment": {"A": "1", "B": "3"}}
    sagemaker.create_model(ModelName="n", ExecutionRoleArn=role, Containers=[container, said])
    assert sagemaker.describe_model(ModelName="n")["Containers"] == [container, found]
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.create_model(ModelName="o", ExecutionRoleArn=role, PrimaryContainer={"ModelPackageName": "models/9"})
