"""Flow logs: who talked to whom in a network, kept encrypted."""

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.documents import policy, service_trust
from terrace_components.network_policies import flow_log_policy
from terrace_components.placement import Place


def flow_logs(
    child: Children, place: Place, vpc_id: pulumi.Input[str], logs_key_arn: pulumi.Input[str]
) -> aws.ec2.FlowLog:
    """Declare the flow log of a VPC with its log group and the role that writes it."""
    group_name = place.name("log-group", "flow")
    group = child(
        aws.cloudwatch.LogGroup,
        "flow-log-group",
        name=group_name,
        kms_key_id=logs_key_arn,
        retention_in_days=place.retention_days,
    )
    role = child(
        aws.iam.Role,
        "flow-log-role",
        name=place.role_name("flow-logs"),
        description="Writes the network's flow logs",
        assume_role_policy=policy(service_trust(place.account, "vpc-flow-logs.amazonaws.com")),
    )
    writing = child(
        aws.iam.RolePolicy,
        "flow-log-role-policy",
        name="write",
        role=role.name,
        policy=policy(flow_log_policy(place.arn("logs", f"log-group:{group_name}"))),
    )
    return child(
        aws.ec2.FlowLog,
        "flow-log",
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        max_aggregation_interval=600,
        opts=pulumi.ResourceOptions(depends_on=[writing]),
    )
