"""Alarms: a model's service level objective, who is told when it is not kept, and where to look."""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.alarm import alarm
from terrace_components.alarm_rules import Objective, objective_rules
from terrace_components.child import Children
from terrace_components.dashboards import model_dashboard
from terrace_components.placement import Place, Placement


class AlarmsArgs(TypedDict):
    """Arguments of Alarms."""

    placement: Placement
    """Where the component stands; it names team and model."""
    endpoint: str
    """Name of the endpoint that is watched."""
    serving: bool
    """The endpoint exists; until then its silence is no alarm."""
    alarm_topic_arn: pulumi.Input[str]
    """Topic that is told."""
    latency_ms: int
    """Milliseconds in which 99 of 100 predictions are made."""
    availability: float
    """Percent of invocations without a server error."""
    runbook: NotRequired[str]
    """Page that says what to do."""
    on_call: NotRequired[str]
    """E-mail address of who is told besides the topic's subscribers."""


class Alarms(pulumi.ComponentResource):
    """Alarms on latency, errors and silence, one for the objective as a whole, and the model's dashboard."""

    objective_alarm: pulumi.Output[str]
    """Name of the alarm that rings when the objective is not kept."""
    dashboard: pulumi.Output[str]
    """Name of the dashboard."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        place = Place.of(args["placement"])
        objective = Objective(
            int(args["latency_ms"]), float(args["availability"]), args.get("runbook"), args.get("on_call")
        )
        super().__init__("terrace:index:Alarms", name, {}, opts)
        child = Children(self, name, place, "alarms")

        actions: list[pulumi.Input[str]] = [args["alarm_topic_arn"]]
        rules = objective_rules(args["endpoint"], objective, serving=args["serving"])
        alarms = {rule.id: alarm(child, rule, place.name("alarm", rule.id), actions) for rule in rules}
        whole = child(
            aws.cloudwatch.CompositeAlarm,
            "objective-alarm",
            alarm_name=place.name("alarm", "objective"),
            alarm_description=f"{place.model} does not keep its objective. {objective.advice()}",
            alarm_rule=pulumi.Output.format(
                'ALARM("{0}") OR ALARM("{1}")', alarms["latency"].name, alarms["errors"].name
            ),
            actions_enabled=True,
            alarm_actions=actions,
            ok_actions=actions,
        )
        if "on_call" in args:
            child(
                aws.sns.TopicSubscription,
                "on-call",
                topic=args["alarm_topic_arn"],
                protocol="email",
                endpoint=args["on_call"],
            )
        board = child(
            aws.cloudwatch.Dashboard,
            "dashboard",
            dashboard_name=place.name("dashboard"),
            dashboard_body=json.dumps(model_dashboard(str(place.model), args["endpoint"], place.region, objective)),
        )

        self.objective_alarm, self.dashboard = whole.alarm_name, board.dashboard_name
        self.register_outputs({"objective_alarm": self.objective_alarm, "dashboard": self.dashboard})
