"""Alarms: a model's service level objective, who is told when it is not kept, and where to look."""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.alarm import alarm
from terrace_components.alarm_rules import AlarmRule, Objective, objective_rules, run_rules, undelivered_rules
from terrace_components.batch_policies import BATCH
from terrace_components.child import Children
from terrace_components.dashboards import batch_dashboard, model_dashboard
from terrace_components.placement import Place, Placement


class AlarmsArgs(TypedDict):
    """Arguments of Alarms."""

    placement: Placement
    """Where the component stands; it names team and model."""
    endpoint: str
    """Name of the endpoint that is watched, where no scoring pipeline is."""
    serving: bool
    """The endpoint, or what scores, exists; until then its silence is no alarm."""
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
    scoring_pipeline: NotRequired[str]
    """In mode batch, the pipeline whose runs are watched in the place of an endpoint."""
    scoring_queue: NotRequired[str]
    """In mode batch, the queue of starts that could not be delivered."""
    late_after_hours: NotRequired[int]
    """Hours without a successful run that are too many, 1 to 168. Without it nobody is told."""


class Alarms(pulumi.ComponentResource):
    """Alarms on latency, errors and silence, one for the objective as a whole, and the model's dashboard.

    In mode batch they are on runs that fail, that do not come and that could not be started.
    """

    objective_alarm: pulumi.Output[str]
    """Name of the alarm that rings when the objective is not kept."""
    dashboard: pulumi.Output[str]
    """Name of the dashboard."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        place = Place.of(args["placement"])
        objective = Objective(
            int(args["latency_ms"]), float(args["availability"]), args.get("runbook"), args.get("on_call")
        )
        super().__init__("terrace:index:Alarms", name, {}, opts)
        child = Children(self, name, place, "alarms")

        actions: list[pulumi.Input[str]] = [args["alarm_topic_arn"]]
        batch = "scoring_pipeline" in args
        rules, broken = self._scoring(objective) if batch else self._endpoint(objective)
        alarms = {
            rule.id: alarm(child, rule, place.name("alarm", f"{BATCH}-{rule.id}" if batch else rule.id), actions)
            for rule in rules
        }
        whole = child(
            aws.cloudwatch.CompositeAlarm,
            "objective-alarm",
            alarm_name=place.name("alarm", "objective"),
            alarm_description=f"{place.model} does not keep its objective. {objective.advice()}",
            alarm_rule=pulumi.Output.all(*(alarms[id].name for id in broken)).apply(
                lambda names: " OR ".join(f'ALARM("{one}")' for one in names)
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
        model = str(place.model)
        if batch:
            body = batch_dashboard(model, args["scoring_pipeline"], place.region, objective)
        else:
            body = model_dashboard(model, args["endpoint"], place.region, objective)
        board = child(
            aws.cloudwatch.Dashboard,
            "dashboard",
            dashboard_name=place.name("dashboard"),
            dashboard_body=json.dumps(body),
        )

        self.objective_alarm, self.dashboard = whole.alarm_name, board.dashboard_name
        self.register_outputs({"objective_alarm": self.objective_alarm, "dashboard": self.dashboard})

    def _endpoint(self, objective: Objective) -> tuple[tuple[AlarmRule, ...], tuple[str, ...]]:
        """Return the alarms of an endpoint, and which of them break the objective."""
        rules = objective_rules(self._args["endpoint"], objective, serving=self._args["serving"])
        return rules, ("latency", "errors")

    def _scoring(self, objective: Objective) -> tuple[tuple[AlarmRule, ...], tuple[str, ...]]:
        """Return the alarms of what scores, and which of them break the objective."""
        args, late = self._args, self._args.get("late_after_hours")
        rules = run_rules(
            args["scoring_pipeline"],
            None if late is None else int(late),
            advice=objective.advice(),
            waiting=args["serving"],
        )
        broken = tuple(rule.id for rule in rules)
        return (*rules, *(undelivered_rules(args["scoring_queue"]) if "scoring_queue" in args else ())), broken
