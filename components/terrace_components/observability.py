"""Observability: who hears of alarms, what the platform alarms on, and where to look."""

import json
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.alarm import alarm
from terrace_components.alarm_rules import platform_rules
from terrace_components.alarm_topic import topic_policy
from terrace_components.child import Children
from terrace_components.dashboards import platform_dashboard
from terrace_components.documents import policy
from terrace_components.placement import Place, Placement


class ObservabilityArgs(TypedDict):
    """Arguments of Observability."""

    placement: Placement
    """Where the component stands."""
    logs_key_arn: pulumi.Input[str]
    """Key that encrypts alarms on their way."""
    emails: list[str]
    """Who is told of alarms; each confirms once."""
    build_project: str
    """Name of the build project that is watched."""
    buckets: list[str]
    """Names of the buckets whose size is shown."""


class Observability(pulumi.ComponentResource):
    """An encrypted alarm topic with its subscribers, alarms on the platform itself, and its dashboard."""

    alarm_topic_arn: pulumi.Output[str]
    """ARN of the topic that all alarms of the environment publish to."""

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        super().__init__("terrace:index:Observability", name, {}, opts)
        child = Children(self, name, place, "observability")

        physical = place.name("topic", "alarms")
        topic = child(
            aws.sns.Topic,
            "alarm-topic",
            name=physical,
            display_name=f"Terrace {place.environment}",
            kms_master_key_id=args["logs_key_arn"],
        )
        child(
            aws.sns.TopicPolicy,
            "alarm-topic-policy",
            arn=topic.arn,
            policy=policy(topic_policy(place.arn("sns", physical), place.account)),
        )
        for email in args["emails"]:
            child(aws.sns.TopicSubscription, f"to-{email}", topic=topic.arn, protocol="email", endpoint=email)
        for rule in platform_rules(args["build_project"]):
            alarm(child, rule, place.name("alarm", rule.id), [topic.arn])
        child(
            aws.cloudwatch.Dashboard,
            "dashboard",
            dashboard_name=place.name("dashboard", "platform"),
            dashboard_body=json.dumps(
                platform_dashboard(place.environment, place.region, args["build_project"], args["buckets"])
            ),
        )

        self.alarm_topic_arn = topic.arn
        self.register_outputs({"alarm_topic_arn": self.alarm_topic_arn})
