"""Requests that AWS would refuse are refused, with AWS's code and in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.clients import SandboxClients

ROLE = "arn:aws:iam::123456789012:role/x"
TRUST = "{}"
BAD: list[tuple[str, str, dict[str, Any], str, str]] = [
    # service, operation, parameters, AWS's code, what the message must say
    ("sagemaker", "create_model_package_group", {"ModelPackageGroupName": "a" * 64}, "ValidationException", "63"),
    ("sagemaker", "create_model_package_group", {"ModelPackageGroupName": "a_b"}, "ValidationException", "pattern"),
    ("sagemaker", "create_model_package_group", {"ModelPackageGroupName": "a-"}, "ValidationException", "pattern"),
    (
        "sagemaker",
        "create_model_package_group",
        {"ModelPackageGroupName": "a", "Tags": [{"Key": "k" * 129, "Value": "v"}]},
        "ValidationException",
        "'tags.1.member.key'",
    ),
    (
        "sagemaker",
        "create_model",
        {"ModelName": "m", "ExecutionRoleArn": "not an arn at all, really"},
        "ValidationException",
        "'executionRoleArn'",
    ),
    (
        "sagemaker",
        "create_endpoint_config",
        {
            "EndpointConfigName": "c",
            "ProductionVariants": [
                {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.huge", "InitialInstanceCount": 1}
            ],
        },
        "ValidationException",
        "'productionVariants.1.member.instanceType'",
    ),
    (
        "sagemaker",
        "create_endpoint_config",
        {
            "EndpointConfigName": "c",
            "ProductionVariants": [
                {
                    "VariantName": "v",
                    "ModelName": "m",
                    "ServerlessConfig": {"MemorySizeInMB": 99999, "MaxConcurrency": 1},
                }
            ],
        },
        "ValidationException",
        "less than or equal to 6144",
    ),
    ("sagemaker", "describe_endpoint", {"EndpointName": "${x}"}, "ValidationException", "'endpointName'"),
    ("sagemaker", "list_endpoints", {"SortBy": "Colour"}, "ValidationException", "enum value set: [Name"),
    ("iam", "create_role", {"RoleName": "a" * 65, "AssumeRolePolicyDocument": TRUST}, "ValidationError", "64"),
    ("iam", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": TRUST}, "ValidationError", "pattern"),
    (
        "iam",
        "create_role",
        {"RoleName": "a", "AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 99999},
        "ValidationError",
        "43200",
    ),
    (
        "cloudwatch",
        "put_metric_alarm",
        {"AlarmName": "a", "ComparisonOperator": "Foo", "EvaluationPeriods": 1},
        "ValidationError",
        "'comparisonOperator'",
    ),
    ("cloudwatch", "describe_alarms", {"AlarmTypes": ["Foo"]}, "ValidationError", "enum"),
    ("kms", "create_key", {"KeySpec": "FOO"}, "ValidationException", "'keySpec'"),
    ("kms", "create_alias", {"AliasName": "a b", "TargetKeyId": "x"}, "ValidationException", "'aliasName'"),
    ("kms", "schedule_key_deletion", {"KeyId": "x", "PendingWindowInDays": 400}, "ValidationException", "365"),
    ("ecr", "create_repository", {"repositoryName": "UPPER"}, "InvalidParameterException", "'repositoryName'"),
    (
        "ecr",
        "create_repository",
        {"repositoryName": "ab", "imageTagMutability": "SOMETIMES"},
        "InvalidParameterException",
        "IMMUTABLE",
    ),
    ("ssm", "put_parameter", {"Name": "/x", "Value": "y", "Type": "Secret"}, "ValidationException", "SecureString"),
    ("ssm", "put_parameter", {"Name": "/x", "Value": "y", "Tier": "Huge"}, "ValidationException", "'tier'"),
    ("logs", "create_log_group", {"logGroupName": "a b"}, "InvalidParameterException", "'logGroupName'"),
    ("logs", "create_log_group", {"logGroupName": "a" * 513}, "InvalidParameterException", "512"),
    ("events", "put_rule", {"Name": "a b"}, "ValidationException", "'name'"),
    ("codebuild", "list_builds", {"sortOrder": "SIDEWAYS"}, "ValidationException", "ASCENDING"),
    ("budgets", "describe_budget", {"AccountId": "a" * 12, "BudgetName": "b"}, "ValidationException", "'accountId'"),
]


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "says"), BAD, ids=[f"{case[1]}-{case[4]}" for case in BAD]
)
def test_a_bad_request_is_refused(
    aws: SandboxClients, service: str, operation: str, params: dict[str, Any], code: str, says: str
) -> None:
    """The client gets AWS's code, status 400, the path of the member and the constraint that it breaks."""
    call = getattr(aws(service), operation)
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response
    assert error["Error"]["Code"] == code
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "failed to satisfy constraint" in error["Error"]["Message"]
    assert says in error["Error"]["Message"]


def test_every_violation_is_told_at_once(aws: SandboxClients) -> None:
    """Two mistakes are two violations in one message, counted as AWS counts them."""
    with pytest.raises(ClientError, match="2 validation errors detected"):
        aws("sagemaker").create_model_package_group(ModelPackageGroupName="_" * 64)


def test_an_operation_that_nobody_has_says_so(aws: SandboxClients) -> None:
    """What the sandbox lacks is refused by name at once, and never made up."""
    with pytest.raises(ClientError, match=r"The sandbox does not have sagemaker:ListHubs") as refused:
        aws("sagemaker").list_hubs()
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_good_request_passes(aws: SandboxClients) -> None:
    """Judgement does not stand in the way of what AWS takes."""
    name = "a-" * 30 + "abc"
    aws("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    listed = aws("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in listed] == [name]
