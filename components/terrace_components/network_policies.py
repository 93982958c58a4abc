"""What endpoints of the network let through. Pure.

The policy of an endpoint grants nothing: it only narrows, on the way out of the network, what the caller's own
policies allow. That is why these name whole services, and everyone of this account.
"""

from terrace_components.documents import Document, account_root, allow, document


def s3_gateway_policy(account: str, region: str) -> Document:
    """Return what may be reached in S3 from the network: this account's buckets, and the layers of ECR's images.

    Gateway endpoints take no principal but `*`; the condition names the account.
    """
    ours = {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}}
    layers = f"arn:aws:s3:::prod-{region}-starport-layer-bucket/*"
    return document(
        allow("OwnBuckets", ["s3:*"], ["*"], principal="*", condition=ours),
        allow("ImageLayers", ["s3:GetObject"], [layers], principal="*"),
    )


def interface_policy(account: str, actions: str) -> Document:
    """Return what may pass an interface endpoint: what this account's principals do in this account.

    Args:
        account: The account.
        actions: The service's actions as IAM writes them, for example `kms:*`.
    """
    return document(allow("OwnAccount", [actions], ["*"], principal={"AWS": account_root(account)}))


def flow_log_policy(log_group_arn: str) -> Document:
    """Return what the role that writes flow logs may do: write into its one log group.

    Args:
        log_group_arn: ARN of the group, without the `:*` that stands for its streams.
    """
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return document(allow("WriteFlowLogs", actions, [log_group_arn, f"{log_group_arn}:*"]))
