"""Budgets, cost anomalies and cost allocation tags, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.budgets import Budget
from terrace.sandbox.provider.costexplorer import AnomalyMonitor, AnomalySubscription, CostAllocationTag

BUDGET, MONITOR, SUBSCRIPTION, TAG = Budget(), AnomalyMonitor(), AnomalySubscription(), CostAllocationTag()
_TAGS = ({"owner": "ml@example.com", "level": "0"}, {"owner": "platform@example.com"})
_COST_TYPES = [path.split(".")[1] for path in ("costTypes." + key for key in Budget.inputs["costTypes"])]


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d_%H:%M")


def _budget(aws: Clients, state: State) -> Any:
    client = aws("budgets")
    account, name = state.id.split(":")
    which = {"AccountId": account, "BudgetName": name}
    seen = client.describe_budget(**which)["Budget"]
    notifications = client.describe_notifications_for_budget(**which)["Notifications"]
    for notification in notifications:
        wanted = {key: value for key, value in notification.items() if key != "NotificationState"}
        answer = client.describe_subscribers_for_notification(**which, Notification=wanted)["Subscribers"]
        for kind in ("EMAIL", "SNS"):
            notification[kind] = sorted(s["Address"] for s in answer if s["SubscriptionType"] == kind)
    return {
        **seen,
        "Account": account,
        "Filters": [{"name": name, "values": values} for name, values in seen["CostFilters"].items()],
        "Start": _clock(seen["TimePeriod"]["Start"]),
        "End": _clock(seen["TimePeriod"]["End"]),
        "Notifications": sorted(notifications, key=lambda n: n["Threshold"]),
        "Tags": named(client.list_tags_for_resource(ResourceARN=state.outputs["arn"])["ResourceTags"]),
    }


def _notification(n: int, threshold: int) -> dict[str, Any]:
    return {
        "comparisonOperator": ("GREATER_THAN", "EQUAL_TO")[n],
        "notificationType": ("ACTUAL", "FORECASTED")[n],
        "subscriberEmailAddresses": [f"ml-{n}@example.com"],
        "subscriberSnsTopicArns": [f"arn:aws:sns:eu-central-1:<ACCOUNT>:budget-{n}"],
        "threshold": threshold,
        "thresholdType": ("PERCENTAGE", "ABSOLUTE_VALUE")[n],
    }


def _limits(n: int) -> dict[str, Any]:
    return {
        "accountId": "<ACCOUNT>",
        "budgetType": ("COST", "USAGE")[n],
        "costFilters": [{"name": ("TagKeyValue", "Service")[n], "values": [f"user:team$ml{n}"]}],
        # AWS has no such budget of both kinds; the sandbox shows what it is told.
        "costTypes": {key: bool((place + n) % 2) for place, key in enumerate(_COST_TYPES)},
        "limitAmount": ("500", "750.5")[n],
        "limitUnit": ("USD", "GB")[n],
        "name": "acme-dev",
        "notifications": [_notification(n, 80 + n), _notification(n, 100 + n)],
        "tags": _TAGS[n],
        "timePeriodEnd": f"2087-06-1{n}_00:00",
        "timePeriodStart": f"2026-0{n + 1}-01_00:00",
        "timeUnit": ("MONTHLY", "ANNUALLY")[n],
    }


def _spelt(key: str) -> str:
    return key[0].upper() + key[1:]


def _monitor(aws: Clients, state: State) -> Any:
    client = aws("ce")
    seen = client.get_anomaly_monitors(MonitorArnList=[state.id])["AnomalyMonitors"][0]
    return {**seen, "Tags": named(client.list_tags_for_resource(ResourceArn=state.id)["ResourceTags"])}


def _subscription(aws: Clients, state: State) -> Any:
    client = aws("ce")
    seen = client.get_anomaly_subscriptions(SubscriptionArnList=[state.id])["AnomalySubscriptions"][0]
    return {**seen, "Tags": named(client.list_tags_for_resource(ResourceArn=state.id)["ResourceTags"])}


def _above(amount: int, n: int = 0) -> dict[str, Any]:
    return {
        "dimension": {
            "key": ("ANOMALY_TOTAL_IMPACT_ABSOLUTE", "ANOMALY_TOTAL_IMPACT_PERCENTAGE")[n],
            "matchOptions": [("GREATER_THAN_OR_EQUAL", "EQUALS")[n]],
            "values": [str(amount)],
        }
    }


def _watched(aws: Clients) -> dict[str, str]:
    part = {"monitorType": "CUSTOM", "monitorSpecification": _SPENT_ON[0]}
    return {name: MONITOR.create(aws, {"name": name, **part}).id for name in ("ONE", "OTHER")}


def _heard(n: int, **threshold: Any) -> dict[str, Any]:
    return {
        "accountId": "<ACCOUNT>",
        "frequency": ("DAILY", "IMMEDIATE")[n],
        "monitorArnLists": [("<ONE>", "<OTHER>")[n]],
        "name": "acme-dev",
        "subscribers": [
            {"address": (f"ml{n}@example.com", "arn:aws:sns:eu-central-1:<ACCOUNT>:x")[n], "type": ("EMAIL", "SNS")[n]}
        ],
        "tags": _TAGS[n],
        "thresholdExpression": threshold,
    }


_HEARD_SHOWS = {
    "accountId": "AccountId",
    "frequency": "Frequency",
    "monitorArnLists": "MonitorArnList",
    "name": "SubscriptionName",
    "subscribers.address": "Subscribers[].Address",
    "subscribers.type": "Subscribers[].Type",
    "tags": "Tags",
    **{
        f"thresholdExpression.{ours}dimension.{key}": f"ThresholdExpression.{theirs}Dimensions.{_spelt(key)}"
        for ours, theirs in (("", ""), ("ands.", "And[]."), ("ors.", "Or[]."))
        for key in ("key", "matchOptions", "values")
    },
}
_SPENT_ON = [
    json.dumps({"Tags": {"Key": "user:team", "Values": ["ml"], "MatchOptions": ["EQUALS"]}}),
    json.dumps({"CostCategories": {"Key": "team", "Values": ["ml"]}}),
]
CASES = [
    Case(
        "budget",
        BUDGET,
        before=_limits(0),
        after=_limits(1),
        look=_budget,
        shows={
            "accountId": "Account",
            "budgetType": "BudgetType",
            "costFilters.name": "Filters[].name",
            "costFilters.values": "Filters[].values",
            **{f"costTypes.{key}": f"CostTypes.{_spelt(key)}" for key in _COST_TYPES},
            "limitAmount": "BudgetLimit.Amount",
            "limitUnit": "BudgetLimit.Unit",
            "name": "BudgetName",
            "notifications.comparisonOperator": "Notifications[].ComparisonOperator",
            "notifications.notificationType": "Notifications[].NotificationType",
            "notifications.subscriberEmailAddresses": "Notifications[].EMAIL",
            "notifications.subscriberSnsTopicArns": "Notifications[].SNS",
            "notifications.threshold": "Notifications[].Threshold",
            "notifications.thresholdType": "Notifications[].ThresholdType",
            "tags": "Tags",
            "timePeriodEnd": "End",
            "timePeriodStart": "Start",
            "timeUnit": "TimeUnit",
        },
    ),
    Case(
        "anomaly monitor of services",
        MONITOR,
        before={"monitorDimension": "SERVICE", "monitorType": "DIMENSIONAL", "name": "all", "tags": _TAGS[0]},
        after={"monitorDimension": "SERVICE", "monitorType": "DIMENSIONAL", "name": "every", "tags": _TAGS[1]},
        look=_monitor,
        shows={
            "monitorDimension": "MonitorDimension",
            "monitorType": "MonitorType",
            "name": "MonitorName",
            "tags": "Tags",
        },
    ),
    Case(
        "anomaly subscription from an amount on",
        SUBSCRIPTION,
        before=_heard(0, **_above(100)),
        after=_heard(0, **_above(40, 1)),
        look=_subscription,
        shows=_HEARD_SHOWS,
        given=_watched,
    ),
    Case(
        "anomaly subscription by both",
        SUBSCRIPTION,
        before=_heard(0, ands=[_above(100), _above(40, 1)]),
        after=_heard(1, ands=[_above(50, 1), _above(60)]),
        look=_subscription,
        shows=_HEARD_SHOWS,
        given=_watched,
    ),
    Case(
        "anomaly subscription by either",
        SUBSCRIPTION,
        before=_heard(0, ors=[_above(100), _above(40, 1)]),
        after=_heard(1, ors=[_above(50, 1), _above(60)]),
        look=_subscription,
        shows=_HEARD_SHOWS,
        given=_watched,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_the_bill_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a budget and of what watches cost is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [BUDGET, SUBSCRIPTION], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_a_monitor_of_a_part_of_the_cost_reaches_aws_and_is_replaced_when_it_changes(aws: Clients) -> None:
    """The part is an expression in JSON, which AWS cannot change."""
    inputs = {"monitorType": "CUSTOM", "name": "ml", "monitorSpecification": _SPENT_ON[0]}
    made = MONITOR.create(aws, inputs)
    assert _monitor(aws, made)["MonitorSpecification"] == json.loads(_SPENT_ON[0])
    assert MONITOR.read(aws, made.id, inputs) == made
    change = MONITOR.diff(inputs, {**inputs, "monitorSpecification": _SPENT_ON[1]})
    assert change.replace == ("monitorSpecification",)
    assert set(uncovered(MONITOR, CASES)) == {"monitorSpecification"}


def test_a_cost_allocation_tag_is_switched_on_and_off(aws: Clients) -> None:
    """AWS never forgets a tag, so that its deletion switches it off."""
    inputs = {"status": "Active", "tagKey": "cost-center"}
    state = TAG.create(aws, inputs)
    assert state.id == "cost-center"
    assert state.outputs["type"] == "UserDefined"
    assert _tag(aws) == ("cost-center", "Active")
    TAG.update(aws, state.id, inputs, {**inputs, "status": "Inactive"})
    assert _tag(aws) == ("cost-center", "Inactive")
    TAG.update(aws, state.id, {}, inputs)
    assert TAG.find(aws, inputs) == "cost-center"
    TAG.delete(aws, state.id, inputs)
    assert _tag(aws) == ("cost-center", "Inactive")
    assert TAG.diff(inputs, {**inputs, "tagKey": "team"}).replace == ("tagKey",)


def _tag(aws: Clients) -> tuple[str, str]:
    (tag,) = aws("ce").list_cost_allocation_tags(TagKeys=["cost-center"])["CostAllocationTags"]
    return tag["TagKey"], tag["Status"]


def test_the_same_amount_in_other_words_is_no_change(aws: Clients) -> None:
    """AWS answers 500.0 for 500, and the outputs say what the program said."""
    plain = {"name": "b", "budgetType": "COST", "limitAmount": "500.00", "limitUnit": "USD", "timeUnit": "MONTHLY"}
    state = BUDGET.create(aws, plain)
    assert state.id == f"{aws.account}:b"
    assert state.outputs["arn"] == f"arn:aws:budgets::{aws.account}:budget/b"
    assert state.outputs["limitAmount"] == "500.00"


def test_a_notification_that_is_no_longer_given_goes_away(aws: Clients) -> None:
    """Only what is declared is told."""
    old = {
        "name": "b",
        "budgetType": "COST",
        "limitAmount": "5",
        "limitUnit": "USD",
        "timeUnit": "MONTHLY",
        "notifications": [_notification(0, 80), _notification(0, 100)],
    }
    state = BUDGET.create(aws, old)
    BUDGET.update(aws, state.id, old, {**old, "notifications": [_notification(0, 100)]})
    assert [n["Threshold"] for n in _budget(aws, state)["Notifications"]] == [100]
