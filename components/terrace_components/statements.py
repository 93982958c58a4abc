"""Statements that several roles need, each as small as the job allows. Pure."""

from collections.abc import Sequence
from typing import Any

from terrace_components.documents import Statement, allow


def read_objects(bucket: str, prefixes: Sequence[str]) -> list[Statement]:
    """Return what reads objects below prefixes of a bucket, `*` for all; each prefix ends in `/` or is `*`."""
    patterns = [prefix if prefix == "*" else f"{prefix}*" for prefix in prefixes]
    return [
        allow("ReadObjects" + _word(bucket), ["s3:GetObject", "s3:GetObjectVersion"], _objects(bucket, patterns)),
        allow(
            "ListObjects" + _word(bucket),
            ["s3:ListBucket"],
            [f"arn:aws:s3:::{bucket}"],
            condition={"StringLike": {"s3:prefix": patterns}},
        ),
        allow("LocateBucket" + _word(bucket), ["s3:GetBucketLocation"], [f"arn:aws:s3:::{bucket}"]),
    ]


def write_objects(bucket: str, prefixes: Sequence[str]) -> Statement:
    """Return what writes objects below prefixes of a bucket; nothing is deleted."""
    patterns = [prefix if prefix == "*" else f"{prefix}*" for prefix in prefixes]
    actions = ["s3:AbortMultipartUpload", "s3:PutObject"]
    return allow("WriteObjects" + _word(bucket), actions, _objects(bucket, patterns))


def read_keys(keys: Sequence[Any]) -> Statement:
    """Return what decrypts with keys."""
    return allow("DecryptWithKeys", ["kms:Decrypt", "kms:DescribeKey"], keys)


def use_keys(keys: Sequence[Any]) -> Statement:
    """Return what encrypts and decrypts with keys."""
    return allow("UseKeys", ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], keys)


def grant_keys(keys: Sequence[Any]) -> Statement:
    """Return what lets AWS services use keys for resources that the role makes, such as volumes."""
    condition = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return allow("GrantKeysToServices", ["kms:CreateGrant"], keys, condition=condition)


def pull_images(repository_arns: Sequence[str]) -> list[Statement]:
    """Return what pulls images of repositories."""
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [allow("PullImages", actions, repository_arns), registry_login()]


def push_images(repository_arns: Sequence[str]) -> list[Statement]:
    """Return what pushes images into repositories."""
    actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    ]
    return [allow("PushImages", actions, repository_arns), registry_login()]


def registry_login() -> Statement:
    """Return what logs in to the account's registry; AWS knows no resource for it."""
    return allow("RegistryLogin", ["ecr:GetAuthorizationToken"], ["*"])


def write_logs(group_arns: Sequence[str]) -> Statement:
    """Return what writes into log groups.

    Args:
        group_arns: ARNs of the groups, without the `:*` that stands for their streams.
    """
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return allow("WriteLogs", actions, [arn for group in group_arns for arn in (group, f"{group}:*")])


def create_job_logs(account: str, region: str) -> Statement:
    """Return what writes the logs of SageMaker's jobs and apps, into groups that are the account's, not ours."""
    arn = f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/*"
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return allow("WriteJobLogs", actions, [arn])


def read_logs(group_arns: Sequence[str]) -> Statement:
    """Return what reads log groups, by ARN without `:*`."""
    actions = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery"]
    return allow("ReadLogs", actions, [arn for group in group_arns for arn in (group, f"{group}:*")])


def put_metrics(namespaces: Sequence[str]) -> Statement:
    """Return what publishes metrics into namespaces; AWS knows no resource for it."""
    condition = {"StringEquals": {"cloudwatch:namespace": list(namespaces)}}
    return allow("PutMetrics", ["cloudwatch:PutMetricData"], ["*"], condition=condition)


def read_metrics(account: str, prefix: str) -> list[Statement]:
    """Return what looks at metrics, alarms and the environment's dashboards."""
    find = [
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListDashboards",
        "cloudwatch:ListMetrics",
    ]
    dashboards = [f"arn:aws:cloudwatch::{account}:dashboard/{prefix}-*"]
    return [
        allow("FindMetrics", find, ["*"]),
        allow("ReadDashboards", ["cloudwatch:GetDashboard"], dashboards),
    ]


def attach_network(account: str, region: str) -> list[Statement]:
    """Return what a job needs to work inside the network: an interface of its own, made and removed."""
    arn = f"arn:aws:ec2:{region}:{account}"
    change = [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
    ]
    look = [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ]
    resources = [f"{arn}:network-interface/*", f"{arn}:security-group/*", f"{arn}:subnet/*"]
    return [allow("ChangeInterfaces", change, resources), allow("LookAtNetwork", look, ["*"])]


def read_parameters(account: str, region: str, environment: str) -> Statement:
    """Return what reads the environment's contracts and release records, also earlier ones."""
    arn = f"arn:aws:ssm:{region}:{account}:parameter/terrace/{environment}/*"
    read = ["ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters"]
    return allow("ReadContracts", read, [arn])


def read_packages(account: str, region: str, domain: str, repository: str) -> list[Statement]:
    """Return what installs packages from a CodeArtifact repository."""
    arn = f"arn:aws:codeartifact:{region}:{account}"
    return [
        allow("PackageToken", ["codeartifact:GetAuthorizationToken"], [f"{arn}:domain/{domain}"]),
        allow(
            "ReadPackages",
            ["codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository"],
            [f"{arn}:repository/{domain}/{repository}"],
        ),
        allow(
            "PackageBearer",
            ["sts:GetServiceBearerToken"],
            ["*"],
            condition={"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}},
        ),
    ]


def _objects(bucket: str, patterns: Sequence[str]) -> list[str]:
    return [f"arn:aws:s3:::{bucket}/{pattern}" for pattern in patterns]


def _word(bucket: str) -> str:
    """Return letters and digits that tell buckets apart in statement ids."""
    return "".join(part.capitalize() for part in bucket.split("-") if not part.isdigit())
