"""Continuous training: what starts the pipeline without a person."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.alarm import alarm
from terrace_components.alarm_rules import undelivered_rules
from terrace_components.child import Children
from terrace_components.documents import policy, service_trust
from terrace_components.model_policies import ModelScope
from terrace_components.placement import Place, Placement
from terrace_components.training_policies import queue_policy, trigger_policy

RETRIES, LONGEST_TRY_SECONDS = 8, 3600
"""How often, and for how long, a start is tried again before it becomes a dead letter."""
KEPT_SECONDS = 14 * 24 * 3600
"""How long a dead letter is kept: as long as SQS keeps any."""


class ContinuousTrainingArgs(TypedDict):
    """Arguments of ContinuousTraining."""

    placement: Placement
    """Where the component stands; it names team and model."""
    data_bucket: str
    """Name of the environment's data bucket; its object events go to EventBridge."""
    pipeline_arn: pulumi.Input[str]
    """The training pipeline."""
    logs_key_arn: pulumi.Input[str]
    """Key of the queue of what could not be delivered; EventBridge must be allowed to use it."""
    on_new_data: bool
    """Whether a new object below the model's watched prefix starts a run."""
    schedule: NotRequired[str]
    """When a run starts by the clock: rate(…) or cron(…). Without it none does."""
    timezone: NotRequired[str]
    """Time zone of the schedule. Default UTC."""
    alarm_topic_arn: NotRequired[str]
    """Topic that is told of triggers that could not start a run. Without it there is no alarm."""


class ContinuousTraining(pulumi.ComponentResource):
    """A schedule and a rule on new objects of the data bucket, which start one pipeline and can do nothing else."""

    watched_prefix: pulumi.Output[str]
    """Prefix in the data bucket below which a new object starts a run; empty where none does."""
    schedule: pulumi.Output[str]
    """Name of the schedule, with its group before it; empty without one."""
    queue_url: pulumi.Output[str]
    """URL of the queue of starts that could not be delivered."""

    def __init__(self, name: str, args: ContinuousTrainingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        self._place = place = Place.of(args["placement"])
        self._scope = ModelScope(place, args["data_bucket"], "", "", "")
        super().__init__("terrace:index:ContinuousTraining", name, {}, opts)
        self._child = Children(self, name, place, "continuous-training")

        queue = self._queue()
        role = self._role()
        self.watched_prefix = self.schedule = pulumi.Output.from_input("")
        if args["on_new_data"]:
            self._rule(role)
            self.watched_prefix = pulumi.Output.from_input(self._scope.watched_prefix)
        if "schedule" in args:
            self.schedule = self._schedule(args["schedule"], role)
        if "alarm_topic_arn" in args:
            for rule in undelivered_rules(self._queue_name):
                alarm(self._child, rule, place.name("alarm", rule.id), [args["alarm_topic_arn"]])

        self.queue_url = queue.url
        self.register_outputs(
            {"watched_prefix": self.watched_prefix, "schedule": self.schedule, "queue_url": self.queue_url}
        )

    @property
    def _queue_name(self) -> str:
        return self._place.name("queue", "undelivered")

    @property
    def _queue_arn(self) -> str:
        return self._place.arn("sqs", self._queue_name)

    @property
    def _rule_name(self) -> str:
        return self._place.name("rule", "new-data")

    def _queue(self) -> aws.sqs.Queue:
        place = self._place
        queue = self._child(
            aws.sqs.Queue,
            "queue",
            name=self._queue_name,
            kms_master_key_id=self._args["logs_key_arn"],
            message_retention_seconds=KEPT_SECONDS,
        )
        rule_arn = place.arn("events", f"rule/{self._rule_name}")
        self._child(
            aws.sqs.QueuePolicy,
            "queue-policy",
            queue_url=queue.url,
            policy=policy(queue_policy(self._queue_arn, rule_arn, place.account)),
        )
        return queue

    def _role(self) -> pulumi.Output[str]:
        """Declare the role of both triggers; the ARN comes out once it may start the pipeline."""
        place = self._place
        role = self._child(
            aws.iam.Role,
            "role",
            name=place.role_name("trigger"),
            description="Starts the training pipeline on new data and by the clock",
            assume_role_policy=policy(service_trust(place.account, "events.amazonaws.com", "scheduler.amazonaws.com")),
        )
        doc = trigger_policy(self._scope.pipeline_arn, self._queue_arn, self._args["logs_key_arn"])
        written = self._child(aws.iam.RolePolicy, "role-policy", name="trigger", role=role.name, policy=policy(doc))
        return pulumi.Output.all(role.arn, written.id).apply(lambda found: str(found[0]))

    def _rule(self, role_arn: pulumi.Input[str]) -> None:
        scope = self._scope
        rule = self._child(
            aws.cloudwatch.EventRule,
            "rule",
            name=self._rule_name,
            description=f"New training data of {scope.model}",
            event_pattern=json.dumps(new_data(scope.data_bucket, scope.watched_prefix)),
        )
        self._child(
            aws.cloudwatch.EventTarget,
            "rule-target",
            rule=rule.name,
            target_id="pipeline",
            arn=self._args["pipeline_arn"],
            role_arn=role_arn,
            sagemaker_pipeline_target={
                "pipeline_parameter_lists": [{"name": name, "value": path} for name, path in FROM_EVENT.items()]
            },
            retry_policy={"maximum_event_age_in_seconds": LONGEST_TRY_SECONDS, "maximum_retry_attempts": RETRIES},
            dead_letter_config={"arn": self._queue_arn},
        )

    def _schedule(self, expression: str, role_arn: pulumi.Input[str]) -> pulumi.Output[str]:
        place = self._place
        group = self._child(aws.scheduler.ScheduleGroup, "schedule-group", name=place.name("schedule-group"))
        target: dict[str, Any] = {
            "arn": self._args["pipeline_arn"],
            "role_arn": role_arn,
            "retry_policy": {
                "maximum_event_age_in_seconds": LONGEST_TRY_SECONDS,
                "maximum_retry_attempts": RETRIES,
            },
            "dead_letter_config": {"arn": self._queue_arn},
        }
        schedule = self._child(
            aws.scheduler.Schedule,
            "schedule",
            name=place.name("schedule", "training"),
            group_name=group.name,
            description=f"Trains {place.model} by the clock",
            schedule_expression=expression,
            schedule_expression_timezone=self._args.get("timezone", "UTC"),
            flexible_time_window={"mode": "OFF"},
            target=target,
        )
        return pulumi.Output.concat(group.name, "/", schedule.name)


FROM_EVENT = {"DataKey": "$.detail.object.key", "DataVersion": "$.detail.object.version-id"}
"""Parameter of the pipeline → where the event has its value: which object in which version started the run."""


def new_data(bucket: str, prefix: str) -> dict[str, object]:
    """Return the pattern of the events of new objects below a prefix."""
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
    }
