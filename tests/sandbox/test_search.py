"""Search through boto3: what is found, in which order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.search.records import RESOURCES

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/a:b"
SERVES = {
    "Containers": [
        {"Image": IMAGE, "ModelDataUrl": "s3://b/one.tar.gz", "ContainerHostname": "first"},
        {"Image": IMAGE, "ModelDataUrl": "s3://b/two.tar.gz", "ContainerHostname": "second"},
    ],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """A client of an account of its own."""
    return aws("sagemaker")


@pytest.fixture
def packages(sagemaker: Any) -> Any:
    """A client whose account has three versions of a model."""
    sagemaker.create_model_package_group(ModelPackageGroupName="models", Tags=[{"Key": "team", "Value": "ml"}])
    for stage, error, description in (("gold", "0.1", "the first"), ("silver", "0.2", "the second"), ("gold", "x", "")):
        sagemaker.create_model_package(
            ModelPackageGroupName="models",
            InferenceSpecification=SERVES,
            ModelApprovalStatus="Approved" if stage == "gold" else "Rejected",
            CustomerMetadataProperties={"stage": stage, "a.dotted.key": error},
            **({"ModelPackageDescription": description} if description else {}),
        )
    return sagemaker


def _filter(name: str, value: str | None = None, operator: str | None = None) -> dict[str, str]:
    said = {"Name": name, "Operator": operator, "Value": value}
    return {key: one for key, one in said.items() if one is not None}


def _numbers(sagemaker: Any, *filters: dict[str, str], **more: Any) -> list[int]:
    expression = {"Filters": list(filters), **more.pop("expression", {})}
    if not filters:
        del expression["Filters"]
    found = sagemaker.search(Resource="ModelPackage", SearchExpression=expression, **{"SortOrder": "Ascending", **more})
    return [one["ModelPackage"]["ModelPackageVersion"] for one in found["Results"]]


def _refused(sagemaker: Any, resource: str, **asked: Any) -> str:
    with pytest.raises(ClientError) as refused:
        sagemaker.search(Resource=resource, **asked)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Message"])


def test_packages_are_found_as_they_are_described(packages: Any) -> None:
    """A record has what the description has, as far as AWS's shape of it goes, and the number of all is told."""
    answer = packages.search(
        Resource="ModelPackage", SearchExpression={"Filters": [_filter("ModelPackageVersion", "2")]}
    )
    found = answer["Results"][0]["ModelPackage"]
    described = packages.describe_model_package(ModelPackageName=found["ModelPackageArn"])
    assert {name: described[name] for name in found if name != "Tags"} == {
        k: v for k, v in found.items() if k != "Tags"
    }
    assert found["InferenceSpecification"] == SERVES
    assert answer["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}


@pytest.mark.parametrize(
    ("name", "operator", "value", "found"),
    [
        ("ModelApprovalStatus", None, "Approved", [1, 3]),
        ("ModelApprovalStatus", "Equals", "approved", []),
        ("ModelApprovalStatus", "NotEquals", "Approved", [2]),
        ("ModelApprovalStatus", "In", "Rejected,PendingManualApproval", [2]),
        ("ModelPackageDescription", "Contains", "sec", [2]),
        ("ModelPackageDescription", "NotEquals", "the first", [2, 3]),
        ("ModelPackageDescription", "Exists", None, [1, 2]),
        ("ModelPackageDescription", "NotExists", None, [3]),
        ("ModelPackageVersion", "Equals", "2", [2]),
        ("ModelPackageVersion", "GreaterThan", "1.5", [2, 3]),
        ("ModelPackageVersion", "GreaterThanOrEqualTo", "2", [2, 3]),
        ("ModelPackageVersion", "LessThan", "2", [1]),
        ("ModelPackageVersion", "LessThanOrEqualTo", "2", [1, 2]),
        ("CertifyForMarketplace", "Equals", "false", [1, 2, 3]),
        ("CustomerMetadataProperties.stage", "Equals", "gold", [1, 3]),
        ("CustomerMetadataProperties.a.dotted.key", "Equals", "0.2", [2]),
        ("CustomerMetadataProperties.nothing", "NotExists", None, [1, 2, 3]),
        ("CreatedBy.IamIdentity.Arn", "Contains", ":user/", [1, 2, 3]),
        ("InferenceSpecification.Containers.ContainerHostname", "Equals", "second", [1, 2, 3]),
        ("InferenceSpecification.SupportedContentTypes", "Equals", "application/json", [1, 2, 3]),
        ("InferenceSpecification", "Exists", None, [1, 2, 3]),
        ("CreationTime", "GreaterThan", "2020-01-01T00:00:00", [1, 2, 3]),
        ("CreationTime", "LessThan", "2020-01-01T00:00:00Z", []),
    ],
)
def test_operators(packages: Any, name: str, operator: str | None, value: str | None, found: list[int]) -> None:
    """Each operator on text, numbers, truths and times, at the end of a path with structures, lists and maps."""
    assert _numbers(packages, _filter(name, value, operator)) == found


def test_expressions_join_filters_and_expressions(packages: Any) -> None:
    """All must hold, or one with Or; expressions lie in expressions; nested filters hold of one element together."""
    gold, first = _filter("CustomerMetadataProperties.stage", "gold"), _filter("ModelPackageVersion", "1")
    second = _filter("ModelPackageVersion", "2")
    assert _numbers(packages, gold, first) == [1]
    assert _numbers(packages, first, second) == []
    assert _numbers(packages, first, second, expression={"Operator": "Or"}) == [1, 2]
    either = {"Filters": [first, second], "Operator": "Or"}
    assert _numbers(packages, gold, expression={"SubExpressions": [either]}) == [1]
    assert _numbers(packages, expression={"SubExpressions": [{"SubExpressions": [either]}]}) == [1, 2]

    def nested(host: str) -> dict[str, Any]:
        containers = "InferenceSpecification.Containers"
        filters = [_filter(f"{containers}.ContainerHostname", host)]
        filters.append(_filter(f"{containers}.ModelDataUrl", "one", "Contains"))
        return {"NestedFilters": [{"NestedPropertyName": containers, "Filters": filters}]}

    assert _numbers(packages, expression=nested("first")) == [1, 2, 3]
    assert _numbers(packages, expression=nested("second")) == []


def test_sorting_and_pages(packages: Any) -> None:
    """The last that was changed comes first unless it is asked otherwise, and pages add up to all."""
    arn = packages.search(Resource="ModelPackage")["Results"][-1]["ModelPackage"]["ModelPackageArn"]
    assert arn.endswith("/1")
    packages.update_model_package(ModelPackageArn=arn, ApprovalDescription="again")
    assert packages.search(Resource="ModelPackage")["Results"][0]["ModelPackage"]["ModelPackageArn"] == arn
    every = _filter("ModelPackageArn", None, "Exists")
    assert _numbers(packages, every, SortBy="ModelPackageVersion", SortOrder="Descending") == [3, 2, 1]
    # Those without a description come last in either direction.
    assert _numbers(packages, every, SortBy="ModelPackageDescription", SortOrder="Ascending") == [1, 2, 3]
    assert _numbers(packages, every, SortBy="ModelPackageDescription", SortOrder="Descending") == [2, 1, 3]
    pages = packages.get_paginator("search").paginate(
        Resource="ModelPackage", SortBy="CreationTime", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    numbers = [[one["ModelPackage"]["ModelPackageVersion"] for one in page["Results"]] for page in pages]
    assert numbers == [[1, 2], [3]]


def test_tags_and_who_may_see(packages: Any) -> None:
    """Groups are found by tags; a visibility condition hides what has the tag with another value, not what has none."""
    packages.create_model_package_group(ModelPackageGroupName="others", Tags=[{"Key": "team", "Value": "ops"}])
    packages.create_model_package_group(ModelPackageGroupName="free")

    def names(**asked: Any) -> set[str]:
        found = packages.search(Resource="ModelPackageGroup", **asked)["Results"]
        return {one["ModelPackageGroup"]["ModelPackageGroupName"] for one in found}

    assert names() == {"models", "others", "free"}
    assert names(SearchExpression={"Filters": [_filter("Tags.team", "ml")]}) == {"models"}
    assert names(SearchExpression={"Filters": [_filter("Tags.team", None, "NotExists")]}) == {"free"}
    assert names(VisibilityConditions=[{"Key": "Tags.team", "Value": "ops"}]) == {"others", "free"}
    arn = packages.create_model_package(ModelPackageName="alone", InferenceSpecification=SERVES)["ModelPackageArn"]
    condition = {"Key": "Tags.sagemaker", "Value": "x"}
    found = packages.search(Resource="ModelPackage", MaxResults=1, VisibilityConditions=[condition])
    assert found["Results"][0]["ModelPackage"]["ModelPackageArn"] == arn
    tags = packages.get_search_suggestions(
        Resource="ModelPackageGroup", SuggestionQuery={"PropertyNameQuery": {"PropertyNameHint": "Tags.t"}}
    )
    assert tags["PropertyNameSuggestions"] == [{"PropertyName": "Tags.team"}]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"Filters": [_filter("Nonsense", "1")]}, "Unknown property name: Nonsense"),
        ({"Filters": [_filter("ModelMetrics.Nonsense", "1")]}, "Unknown property name: ModelMetrics.Nonsense"),
        ({"Filters": [_filter("ModelPackageArn.x", "1")]}, "Unknown property name: ModelPackageArn.x"),
        ({"Filters": [_filter("ModelPackageArn", "1", "GreaterThan")]}, "not supported for text property"),
        ({"Filters": [_filter("CreationTime", "1", "Contains")]}, "not supported for timestamp property"),
        ({"Filters": [_filter("CreationTime", "yesterday")]}, "must be YYYY-mm-dd'T'HH:MM:SS"),
        ({"Filters": [_filter("ModelPackageVersion", "two")]}, "must be an integer or a decimal"),
        ({"Filters": [_filter("ModelPackageVersion", "nan")]}, "must be an integer or a decimal"),
        ({"Filters": [_filter("CertifyForMarketplace", "maybe")]}, "must be true or false"),
        ({"Filters": [_filter("CertifyForMarketplace", "true", "LessThan")]}, "not supported for Boolean property"),
        ({"Filters": [_filter("ModelMetrics", "x")]}, "which is a structure"),
        ({"Filters": [_filter("ModelPackageArn")]}, "has no Value"),
        ({}, "at least one subexpression, filter, or nested filter"),
        ({"SubExpressions": [{"Operator": "Or"}]}, "at least one subexpression, filter, or nested filter"),
        (
            {"Filters": [_filter("ModelPackageArn", "a", "Contains"), _filter("Domain", "b", "Contains")]},
            "'CONTAINS' operator usage limit of 1 exceeded.",
        ),
        ({"SubExpressions": [{"Filters": [_filter("Domain", "a")] * 18}] * 3}, "at most 50"),
        (
            {"NestedFilters": [{"NestedPropertyName": "ModelPackageArn", "Filters": [_filter("Domain", "a")]}]},
            "no list of structures",
        ),
        (
            {
                "NestedFilters": [
                    {"NestedPropertyName": "AdditionalInferenceSpecifications", "Filters": [_filter("Domain")]}
                ]
            },
            "cannot filter by Domain",
        ),
    ],
)
def test_bad_expressions_are_refused(sagemaker: Any, said: dict[str, Any], words: str) -> None:
    """A name, an operator, a value or an expression that is none is a validation error, not an empty answer."""
    assert words in _refused(sagemaker, "ModelPackage", SearchExpression=said)


def test_other_refusals(sagemaker: Any) -> None:
    """What the sandbox does not search, an order that is none, a made-up token, and other accounts' resources."""
    for resource in ("Image", "Project", "ModelCard", "HubContent", "FeatureMetadata"):
        assert f"does not search {resource}: it searches Endpoint" in _refused(sagemaker, resource)
    assert "Unknown property name: Rank" in _refused(sagemaker, "Pipeline", SortBy="Rank")
    assert "Cannot sort by Tags" in _refused(sagemaker, "Pipeline", SortBy="Tags")
    assert "token is invalid" in _refused(sagemaker, "Pipeline", NextToken="garbage")
    assert "other accounts" in _refused(sagemaker, "Pipeline", CrossAccountFilterOption="CrossAccount")
    assert "Tags.<key>" in _refused(sagemaker, "Pipeline", VisibilityConditions=[{"Key": "team", "Value": "x"}])
    with pytest.raises(ClientError, match="does not search Image"):
        sagemaker.get_search_suggestions(Resource="Image")


def test_an_account_with_nothing_has_no_results(sagemaker: Any) -> None:
    """Each resource that is searched answers, with its default order, where there is none."""
    for resource in RESOURCES:
        assert sagemaker.search(Resource=resource)["Results"] == []


def test_accounts_find_their_own(packages: Any, sandbox: Running) -> None:
    """A search sees one account and one region."""
    other = SandboxClients(sandbox.url, "210987654321", "eu-central-1")("sagemaker")
    assert other.search(Resource="ModelPackage")["Results"] == []
