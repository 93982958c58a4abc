"""Batch scoring: what arrives under a prefix is scored by the clock, without an endpoint."""

import json
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity.scoring import ScoringPlan, retired, unsettled
from terrace_components.batch_policies import (
    COLLECT_ROLE,
    PIPELINE_ROLE,
    TRIGGER_ROLE,
    BatchScope,
    batch_queue_policy,
    collect_policy,
    deploy_batch_policy,
    score_policy,
    serve_batch_policy,
)
from terrace_components.child import Children
from terrace_components.continuous_training import KEPT_SECONDS, LONGEST_TRY_SECONDS, RETRIES
from terrace_components.documents import Document, policy, service_trust
from terrace_components.model_policies import ModelScope
from terrace_components.placement import Place, Placement
from terrace_components.serving_rules import has_nvme
from terrace_components.training_policies import trigger_policy


class BatchScoringArgs(TypedDict):
    """Arguments of BatchScoring."""

    placement: Placement
    """Where the component stands; it names team and model."""
    image: str
    """The project's image by digest, whose command `collect` looks for what is new."""
    model: pulumi.Input[str]
    """Name of the SageMaker model that scores until a version is released."""
    data_bucket: str
    """Name of the environment's data bucket."""
    data_key_arn: pulumi.Input[str]
    """Key of the data."""
    logs_key_arn: pulumi.Input[str]
    """Key of the queue of what could not be delivered."""
    serve_role_arn: pulumi.Input[str]
    """Role of the model; it gets what scoring takes."""
    deploy_role_arn: pulumi.Input[str]
    """Role that releases; it gets what changing the version that scores takes."""
    instance_type: str
    """Instances of the jobs."""
    instance_count: int
    """How many instances score."""
    subnet_ids: list[str]
    """Subnets of the jobs."""
    security_group_ids: list[str]
    """Security groups of the jobs."""
    schedule: str
    """When what has arrived is scored: rate(…) or cron(…)."""
    timezone: NotRequired[str]
    """Time zone of the schedule. Default UTC."""
    prefix: NotRequired[str]
    """Where, below the model's own data, records arrive (`in/`) and predictions are put (`out/`). Default batch/."""
    released_model: NotRequired[str]
    """Name of the SageMaker model of the released version. Once there is one, releases decide what scores. Empty while
    the released version is that of another mode: then nothing is scored before it is brought here."""
    released_image: NotRequired[str]
    """Image of the released version."""
    stores_only: NotRequired[bool]
    """Build pipeline and role alone, for the history of runs: without permissions nothing can run. Default false."""


class BatchScoring(pulumi.ComponentResource):
    """A SageMaker pipeline that scores what is new, a schedule that starts it, and the roles of both.

    The history of runs is in the pipeline and goes with it, so in another mode it stays, and does nothing.
    """

    pipeline: pulumi.Output[str]
    """Name of the pipeline."""
    schedule: pulumi.Output[str]
    """Name of the schedule, with its group before it; empty when only stores are built."""
    queue_url: pulumi.Output[str]
    """URL of the queue of starts that could not be delivered; empty when only stores are built."""

    def __init__(self, name: str, args: BatchScoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        self._place = place = Place.of(args["placement"])
        folder = f"{args.get('prefix', 'batch/').rstrip('/')}/"
        self._scope = BatchScope(ModelScope(place, args["data_bucket"], "", args["data_key_arn"], ""), folder)
        super().__init__("terrace:index:BatchScoring", name, {}, opts)
        self._child = Children(self, name, place, "serving")

        role = self._role(PIPELINE_ROLE, "Starts the jobs of scoring", "sagemaker.amazonaws.com")
        self.schedule = self.queue_url = pulumi.Output.from_input("")
        if args.get("stores_only"):
            pipeline = self._pipeline([role])
        else:
            pipeline = self._pipeline(self._permissions(role))
            self.queue_url = self._queue().url
            self.schedule = self._schedule(pipeline)

        self.pipeline = pipeline.pipeline_name
        self.register_outputs({"pipeline": self.pipeline, "schedule": self.schedule, "queue_url": self.queue_url})

    def _permissions(self, role: aws.iam.Role) -> list[pulumi.Resource]:
        """Declare what lets the pipeline score."""
        scope, args = self._scope, self._args
        collect = self._role(COLLECT_ROLE, "Looks for what is to be scored", "sagemaker.amazonaws.com")
        return [
            self._grant("serve", args["serve_role_arn"], serve_batch_policy(scope)),
            self._grant("deploy", args["deploy_role_arn"], deploy_batch_policy(scope)),
            self._permit(collect, COLLECT_ROLE, collect_policy(scope)),
            self._permit(role, PIPELINE_ROLE, score_policy(scope)),
        ]

    def _pipeline(self, needs: Sequence[pulumi.Resource]) -> aws.sagemaker.Pipeline:
        place, scope, args = self._place, self._scope, self._args
        # A release changes the definition outside of this program, and stays: an `up` changes it only before the first,
        # and in a pipeline that scored before in this mode, or does not any more.
        released = args.get("released_model") and not args.get("stores_only")
        return self._child(
            aws.sagemaker.Pipeline,
            "pipeline",
            pipeline_name=scope.pipeline,
            pipeline_display_name=scope.pipeline,
            pipeline_description=f"Scores what arrives for {place.model}, of team {place.team}",
            pipeline_definition=self._definition(),
            role_arn=scope.model.role(PIPELINE_ROLE),
            opts=pulumi.ResourceOptions(depends_on=needs, ignore_changes=["pipelineDefinition"] if released else []),
        )

    def _definition(self) -> pulumi.Output[str]:
        args, scope = self._args, self._scope
        if args.get("stores_only"):
            return pulumi.Output.from_input(json.dumps(retired()))

        def written(found: dict[str, Any]) -> str:
            if args.get("released_model") == "":
                return json.dumps(unsettled())
            plan = ScoringPlan(
                environment=self._place.environment,
                data_bucket=args["data_bucket"],
                prefix=scope.prefix,
                collect_role_arn=scope.model.role(COLLECT_ROLE),
                data_key_arn=found["key"],
                volume_key_arn=None if has_nvme(args["instance_type"]) else found["key"],
                subnet_ids=tuple(args["subnet_ids"]),
                security_group_ids=tuple(args["security_group_ids"]),
                instance_type=args["instance_type"],
                instance_count=int(args["instance_count"]),
            )
            model = args.get("released_model", found["model"])
            return json.dumps(plan.definition(model, args.get("released_image", args["image"])))

        return pulumi.Output.all(model=args["model"], key=args["data_key_arn"]).apply(written)

    def _queue(self) -> aws.sqs.Queue:
        queue = self._child(
            aws.sqs.Queue,
            "queue",
            name=self._scope.queue,
            kms_master_key_id=self._args["logs_key_arn"],
            message_retention_seconds=KEPT_SECONDS,
        )
        self._child(
            aws.sqs.QueuePolicy, "queue-policy", queue_url=queue.url, policy=policy(batch_queue_policy(self._scope))
        )
        return queue

    def _schedule(self, pipeline: aws.sagemaker.Pipeline) -> pulumi.Output[str]:
        place, scope, args = self._place, self._scope, self._args
        may = trigger_policy(scope.pipeline_arn, scope.queue_arn, args["logs_key_arn"])
        role = self._role(TRIGGER_ROLE, "Starts scoring by the clock", "scheduler.amazonaws.com")
        permission = self._permit(role, TRIGGER_ROLE, may)
        group = self._child(aws.scheduler.ScheduleGroup, "schedule-group", name=scope.group)
        target: dict[str, Any] = {
            "arn": pipeline.arn,
            "role_arn": scope.model.role(TRIGGER_ROLE),
            "retry_policy": {"maximum_event_age_in_seconds": LONGEST_TRY_SECONDS, "maximum_retry_attempts": RETRIES},
            "dead_letter_config": {"arn": scope.queue_arn},
        }
        schedule = self._child(
            aws.scheduler.Schedule,
            "schedule",
            name=scope.schedule,
            group_name=group.name,
            description=f"Scores what has arrived for {place.model}",
            schedule_expression=args["schedule"],
            schedule_expression_timezone=args.get("timezone", "UTC"),
            flexible_time_window={"mode": "OFF"},
            target=target,
            opts=pulumi.ResourceOptions(depends_on=[permission]),
        )
        return pulumi.Output.concat(group.name, "/", schedule.name)

    def _role(self, purpose: str, description: str, service: str) -> aws.iam.Role:
        """Declare a role of scoring."""
        return self._child(
            aws.iam.Role,
            f"{_key(purpose)}-role",
            name=self._place.role_name(purpose),
            description=description,
            assume_role_policy=policy(service_trust(self._place.account, service)),
        )

    def _permit(self, role: aws.iam.Role, purpose: str, doc: Document) -> aws.iam.RolePolicy:
        """Declare what a role of scoring may do: what needs the role needs that."""
        key = _key(purpose)
        return self._child(aws.iam.RolePolicy, f"{key}-role-policy", name=key, role=role.name, policy=policy(doc))

    def _grant(self, purpose: str, role_arn: pulumi.Input[str], doc: Document) -> aws.iam.RolePolicy:
        """Give one of the model's roles what scoring adds to its work."""
        name = pulumi.Output.from_input(role_arn).apply(lambda arn: arn.rpartition("/")[2])
        return self._child(aws.iam.RolePolicy, f"{purpose}-role-policy", name="batch", role=name, policy=policy(doc))


def _key(purpose: str) -> str:
    return purpose.lstrip("-").removeprefix("batch-")
