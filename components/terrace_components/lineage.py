"""Lineage: that what a model was trained on, and what was said while it was, can be read again."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.parameters import log_group_owner
from terrace_components.placement import Place, Placement

JOB_LOGS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs", "/aws/sagemaker/TransformJobs")
"""Log groups of SageMaker's jobs. SageMaker decides their names, and all jobs of an account share them."""


class LineageArgs(TypedDict):
    """Arguments of Lineage."""

    placement: Placement
    """Where the component stands."""
    logs_key_arn: pulumi.Input[str]
    """Key that encrypts the logs of jobs."""


class Lineage(pulumi.ComponentResource):
    """Log groups of SageMaker's jobs, encrypted and kept as long as the environment keeps logs.

    A group that is there already and is not this environment's stays as it is: SageMaker makes one with the first job,
    and two environments in an account share them. Versions of the data are kept by the bucket itself.
    """

    job_log_groups: pulumi.Output[list[str]]
    """Names of the log groups that were built."""
    others_log_groups: pulumi.Output[list[str]]
    """Names of those that were there already, without this environment's key and retention."""

    def __init__(self, name: str, args: LineageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Lineage", name, {}, opts)
        child = Children(self, name, place, "lineage")

        owners = {group: log_group_owner(self, group) for group in JOB_LOGS}
        mine = [group for group, owner in owners.items() if owner in (None, place.environment)]
        for group in mine:
            child(
                aws.cloudwatch.LogGroup,
                f"{group.rpartition('/')[2]}-log-group",
                name=group,
                kms_key_id=args["logs_key_arn"],
                retention_in_days=place.retention_days,
            )

        self.job_log_groups = pulumi.Output.from_input(mine)
        self.others_log_groups = pulumi.Output.from_input([group for group in JOB_LOGS if group not in mine])
        self.register_outputs({"job_log_groups": self.job_log_groups, "others_log_groups": self.others_log_groups})
