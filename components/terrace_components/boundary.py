"""The permissions boundary: the most that any role of the environment can ever do, whatever its policies say. Pure.

A role does what its own policy and the boundary both allow. The boundary keeps roles to this account and environment:
their names begin with the environment's prefix, keys are the environment's, new roles get the same boundary. IAM allows
6144 characters for it.
"""

from collections.abc import Sequence
from typing import Any

from terrace_components.documents import Document, allow, document
from terrace_components.placement import Place


def boundary(place: Place, boundary_arn: str, keys: Sequence[Any]) -> Document:
    """Return the boundary of an environment's roles.

    Args:
        place: The environment.
        boundary_arn: ARN of the boundary itself: roles may only make roles that carry it.
        keys: ARNs of the environment's keys.
    """
    named = f"{place.prefix}-*"
    roles = place.arn("iam", f"role/{named}")
    return document(
        allow(
            "Objects",
            ["s3:AbortMultipartUpload", "s3:DeleteObject*", "s3:Get*", "s3:List*", "s3:PutObject*"],
            [f"arn:aws:s3:::{named}"],
        ),
        allow(
            "Keys",
            ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
            keys,
        ),
        allow("SageMaker", _verbs("sagemaker", _SAGEMAKER), [place.arn("sagemaker", "*")]),
        allow("Runs", _verbs("sagemaker-mlflow", _MLFLOW), [place.arn("sagemaker", "mlflow-*")]),
        allow("Images", _verbs("ecr", _ECR), [place.arn("ecr", f"repository/{named}")]),
        allow("Builds", _verbs("codebuild", _CODEBUILD), [place.arn("codebuild", f"project/{named}")]),
        allow("Logs", _verbs("logs", _LOGS), [place.arn("logs", "log-group:*")]),
        allow(
            "Alarms",
            _verbs("cloudwatch", _CLOUDWATCH),
            [place.arn("cloudwatch", f"alarm:{named}"), f"arn:aws:cloudwatch::{place.account}:dashboard/{named}"],
        ),
        allow("Topics", ["sns:Publish"], [place.arn("sns", named)]),
        allow("Queues", _verbs("sqs", _SQS), [place.arn("sqs", named)]),
        allow("Rules", _verbs("events", _EVENTS), [place.arn("events", f"rule/{named}")]),
        allow("Schedules", _verbs("scheduler", _SCHEDULER), [place.arn("scheduler", f"schedule*/{named}")]),
        allow("Secrets", ["secretsmanager:GetSecretValue"], [place.arn("secretsmanager", "secret:*")]),
        allow(
            "Parameters",
            _verbs("ssm", ("AddTags*", "DeleteParameter*", "GetParameter*", "ListTags*", "PutParameter")),
            [place.arn("ssm", f"parameter/terrace/{place.environment}/*")],
        ),
        allow(
            "Packages",
            _verbs("codeartifact", ("Describe*", "Get*", "List*", "Read*")),
            [place.arn("codeartifact", "*")],
        ),
        allow(
            "Interfaces",
            ["ec2:CreateNetworkInterface*", "ec2:DeleteNetworkInterface*"],
            [place.arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")],
        ),
        allow("Roles", _verbs("iam", _IAM), [roles]),
        allow(
            "BoundedRoles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
            [roles],
            condition={"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        allow("AssumeRoles", ["sts:AssumeRole"], [roles]),
        allow("WithoutResource", _WITHOUT_RESOURCE, ["*"]),
    )


_SAGEMAKER = (
    "Add*",
    "Batch*",
    "CallMlflowAppApi",
    "Create*",
    "Delete*",
    "Describe*",
    "Get*",
    "Invoke*",
    "List*",
    "PutModelPackageGroupPolicy",
    "Query*",
    "RetryPipelineExecution",
    "Search",
    "Start*",
    "Stop*",
    "Update*",
)
_SQS = ("CreateQueue", "DeleteQueue", "Get*", "List*", "SendMessage", "SetQueueAttributes", "TagQueue")
_EVENTS = ("DeleteRule", "Describe*", "List*", "Put*", "RemoveTargets", "TagResource")
_SCHEDULER = ("Create*", "Delete*", "Get*", "List*", "TagResource", "UpdateSchedule")
_MLFLOW = ("AccessUI", "Create*", "Get*", "List*", "Log*", "Search*", "Set*", "Update*")
_ECR = (
    "Batch*",
    "CompleteLayerUpload",
    "CreateRepository",
    "DeleteLifecyclePolicy",
    "Describe*",
    "Get*",
    "InitiateLayerUpload",
    "List*",
    "Put*",
    "TagResource",
    "UploadLayerPart",
)
_CODEBUILD = ("Batch*", "CreateProject", "DeleteProject", "List*", "StartBuild", "StopBuild", "UpdateProject")
_LOGS = (
    "AssociateKmsKey",
    "CreateLogGroup",
    "CreateLogStream",
    "Describe*",
    "Filter*",
    "Get*",
    "List*",
    "PutLogEvents",
    "PutRetentionPolicy",
    "StartQuery",
    "TagResource",
)
_CLOUDWATCH = (
    "DeleteAlarms",
    "DeleteDashboards",
    "Describe*",
    "DisableAlarmActions",
    "EnableAlarmActions",
    "Get*",
    "List*",
    "PutCompositeAlarm",
    "PutDashboard",
    "PutMetricAlarm",
    "TagResource",
)
_IAM = (
    "DeleteRole",
    "GetRole*",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListRole*",
    "PassRole",
    "TagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole*",
)
# Actions for which AWS knows no resource, or none that could be named beforehand. They read, publish or log in.
_WITHOUT_RESOURCE = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListDashboards",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "ec2:Describe*",
    "ecr:GetAuthorizationToken",
    "logs:GetQueryResults",
    "sagemaker:List*",
    "sagemaker:Search",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "sts:GetServiceBearerToken",
)


def _verbs(service: str, verbs: Sequence[str]) -> list[str]:
    return [f"{service}:{verb}" for verb in verbs]
