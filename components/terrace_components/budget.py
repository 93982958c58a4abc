"""Budget: what the environment and each team may cost, who hears of it, and what is out of the ordinary."""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.budget_rules import AlertRule, alert_rules, anomaly_threshold, tagged
from terrace_components.child import Children
from terrace_components.placement import Place, Placement


class TeamBudget(TypedDict):
    """What one team may cost."""

    team: str
    """Name of the team."""
    monthly: float
    """US dollars a month."""


class BudgetArgs(TypedDict):
    """Arguments of Budget."""

    placement: Placement
    """Where the component stands."""
    monthly: float
    """US dollars a month that the environment may cost."""
    emails: list[str]
    """Who is told at 80 and 100 percent, and of anomalies; at least one."""
    teams: NotRequired[list[TeamBudget]]
    """Budgets of teams, within that of the environment."""
    activate_tags: NotRequired[list[str]]
    """Tag keys to switch on for cost allocation. Only the account that pays may, and only once AWS has seen the keys
    on a bill, a day after their first use. Default none."""


class Budget(pulumi.ComponentResource):
    """Monthly budgets with alerts at 80 and 100 percent, and an anomaly monitor on the environment's costs."""

    budget_name: pulumi.Output[str]
    """Name of the environment's budget."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = place = Place.of(args["placement"])
        super().__init__("terrace:index:Budget", name, {}, opts)
        self._child = Children(self, name, place, "budget")

        budget = self._budget("environment", "environment", place.environment, args["monthly"], args["emails"])
        for team in args.get("teams", []):
            self._budget(f"team-{team['team']}", "team", team["team"], team["monthly"], args["emails"])
        monitor = self._child(
            aws.costexplorer.AnomalyMonitor,
            "anomaly-monitor",
            name=place.name("anomaly", "costs"),
            monitor_type="CUSTOM",
            monitor_specification=json.dumps(tagged("environment", place.environment)),
        )
        self._child(
            aws.costexplorer.AnomalySubscription,
            "anomaly-subscription",
            name=place.name("anomaly", "alerts"),
            frequency="DAILY",
            monitor_arn_lists=[monitor.arn],
            subscribers=[{"type": "EMAIL", "address": email} for email in args["emails"]],
            threshold_expression=anomaly_threshold(args["monthly"]),
        )
        for tag in args.get("activate_tags", []):
            self._child(aws.costexplorer.CostAllocationTag, f"tag-{tag}", tag_key=tag, status="Active")

        self.budget_name = budget.name
        self.register_outputs({"budget_name": self.budget_name})

    def _budget(self, key: str, tag: str, value: str, monthly: float, emails: list[str]) -> aws.budgets.Budget:
        return self._child(
            aws.budgets.Budget,
            f"{key}-budget",
            name=self._place.name("budget", key),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{monthly:.2f}",
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:{tag}${value}"]}],
            notifications=[_notification(rule, emails) for rule in alert_rules()],
        )


def _notification(rule: AlertRule, emails: list[str]) -> dict[str, object]:
    return {
        "notification_type": rule.kind,
        "comparison_operator": "GREATER_THAN",
        "threshold": rule.percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_email_addresses": emails,
    }
