"""What may be spent, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.shapes import found, request, response
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "NotFoundException"
_CLOCK = "%Y-%m-%d_%H:%M"
_SUBSCRIBERS = {"EMAIL": "subscriberEmailAddresses", "SNS": "subscriberSnsTopicArns"}


class Budget(Handler):
    """A limit of cost or usage with its notifications. Its id is `account:name`."""

    type = "aws:budgets/budget:Budget"
    inputs = {
        "accountId": str,
        "budgetType": str,
        "costFilters": [{"name": str, "values": [str]}],
        "costTypes": {
            "includeCredit": bool,
            "includeDiscount": bool,
            "includeOtherSubscription": bool,
            "includeRecurring": bool,
            "includeRefund": bool,
            "includeSubscription": bool,
            "includeSupport": bool,
            "includeTax": bool,
            "includeUpfront": bool,
            "useAmortized": bool,
            "useBlended": bool,
        },
        "limitAmount": str,
        "limitUnit": str,
        "name": str,
        "notifications": [
            {
                "comparisonOperator": str,
                "notificationType": str,
                "subscriberEmailAddresses": [str],
                "subscriberSnsTopicArns": [str],
                "threshold": float,
                "thresholdType": str,
            }
        ],
        "tags": dict,
        "timePeriodEnd": str,
        "timePeriodStart": str,
        "timeUnit": str,
    }
    required = frozenset(
        {
            "budgetType",
            "costFilters.name",
            "costFilters.values",
            "limitAmount",
            "limitUnit",
            "name",
            "notifications.comparisonOperator",
            "notifications.notificationType",
            "notifications.threshold",
            "notifications.thresholdType",
            "timeUnit",
        }
    )
    replace = frozenset({"accountId", "name"})
    sets = frozenset(
        {
            "costFilters",
            "notifications",
            "notifications.subscriberEmailAddresses",
            "notifications.subscriberSnsTopicArns",
        }
    )
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client, account = aws("budgets"), inputs.get("accountId", aws.account)
        client.create_budget(
            AccountId=account,
            Budget=_budget(client, inputs),
            NotificationsWithSubscribers=[
                {"Notification": notification, "Subscribers": subscribers}
                for notification, subscribers in _notifications(inputs)
            ],
            ResourceTags=tag_list(inputs),
        )
        return self._state(client, account, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("budgets")
        account, name = id.split(":", 1)
        there = found(client.describe_budget, _MISSING, AccountId=account, BudgetName=name)
        return self._state(client, account, {**inputs, "name": name}) if there else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("budgets")
        account, name = id.split(":", 1)
        which = {"AccountId": account, "BudgetName": name}
        client.update_budget(AccountId=account, NewBudget=_budget(client, new))
        wanted = _notifications(new)
        have = _seen_notifications(client, which)
        # A notification is known by what it says, so that a changed one is another one.
        for notification, subscribers in have:
            if (notification, subscribers) not in wanted:
                client.delete_notification(**which, Notification=notification)
        for notification, subscribers in wanted:
            if (notification, subscribers) not in have:
                client.create_notification(**which, Notification=notification, Subscribers=subscribers)
        put, gone = tag_changes(old, new)
        arn = _arn(account, name)
        if gone:
            client.untag_resource(ResourceARN=arn, ResourceTagKeys=gone)
        if put:
            client.tag_resource(ResourceARN=arn, ResourceTags=tag_list({"tags": put}))
        return self._state(client, account, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        account, name = id.split(":", 1)
        found(aws("budgets").delete_budget, _MISSING, AccountId=account, BudgetName=name)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        account, name = inputs.get("accountId", aws.account), inputs["name"]
        there = found(aws("budgets").describe_budget, _MISSING, AccountId=account, BudgetName=name)
        return f"{account}:{name}" if there else None

    def _state(self, client: Any, account: str, inputs: Props) -> State:
        which = {"AccountId": account, "BudgetName": inputs["name"]}
        seen = client.describe_budget(**which)["Budget"]
        arn = _arn(account, inputs["name"])
        tags = tag_map(client.list_tags_for_resource(ResourceARN=arn)["ResourceTags"])
        limit = seen.get("BudgetLimit") or {}
        amount = limit.get("Amount")
        if amount is not None and "limitAmount" in inputs and Decimal(amount) == Decimal(inputs["limitAmount"]):
            amount = inputs["limitAmount"]  # AWS answers 100.0 for 100
        flat = {
            "accountId": account,
            "budgetType": seen["BudgetType"],
            "costFilters": [{"name": name, "values": values} for name, values in seen.get("CostFilters", {}).items()],
            "costTypes": seen.get("CostTypes"),
            "limitAmount": amount,
            "limitUnit": limit.get("Unit"),
            "name": seen["BudgetName"],
            "notifications": [_wire(*notification) for notification in _seen_notifications(client, which)],
            "tags": tags,
            "timePeriodEnd": _clock(seen["TimePeriod"].get("End")),
            "timePeriodStart": _clock(seen["TimePeriod"].get("Start")),
            "timeUnit": seen["TimeUnit"],
        }
        outputs = response(self.inputs, inputs, flat)
        computed = {key: flat[key] for key in ("accountId", "timePeriodEnd", "timePeriodStart")}
        return State(f"{account}:{inputs['name']}", {**computed, **outputs, "arn": arn, "tagsAll": tags})


def _budget(client: Any, inputs: Props) -> dict[str, Any]:
    budget: dict[str, Any] = {
        "budgetName": inputs["name"],
        "budgetType": inputs["budgetType"],
        "timeUnit": inputs["timeUnit"],
        "budgetLimit": {"amount": inputs["limitAmount"], "unit": inputs["limitUnit"]},
        "costFilters": {wanted["name"]: wanted["values"] for wanted in inputs.get("costFilters") or []},
        "costTypes": inputs.get("costTypes"),
    }
    period = {"start": inputs.get("timePeriodStart"), "end": inputs.get("timePeriodEnd")}
    if any(period.values()):
        budget["timePeriod"] = {key: _moment(text) for key, text in period.items() if text}
    built: dict[str, Any] = request(client, "CreateBudget", {"budget": budget})["Budget"]
    return built


def _notifications(inputs: Props) -> list[tuple[dict[str, Any], list[dict[str, str]]]]:
    return [
        (
            {
                "NotificationType": wanted["notificationType"],
                "ComparisonOperator": wanted["comparisonOperator"],
                "Threshold": float(wanted["threshold"]),
                "ThresholdType": wanted["thresholdType"],
            },
            _ordered(
                {"SubscriptionType": type, "Address": address}
                for type, key in _SUBSCRIBERS.items()
                for address in wanted.get(key) or []
            ),
        )
        for wanted in inputs.get("notifications") or []
    ]


def _seen_notifications(client: Any, which: Mapping[str, str]) -> list[tuple[dict[str, Any], list[dict[str, str]]]]:
    result = []
    for page in client.get_paginator("describe_notifications_for_budget").paginate(**which):
        for seen in page["Notifications"]:
            keys = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
            # AWS leaves the type out when it is the percentage.
            notification = {"ThresholdType": "PERCENTAGE", **{key: seen[key] for key in keys if key in seen}}
            pages = client.get_paginator("describe_subscribers_for_notification")
            subscribers = [s for p in pages.paginate(**which, Notification=notification) for s in p["Subscribers"]]
            result.append((notification, _ordered(subscribers)))
    return result


def _ordered(subscribers: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(subscribers, key=lambda subscriber: (subscriber["SubscriptionType"], subscriber["Address"]))


def _wire(notification: Props, subscribers: list[dict[str, str]]) -> dict[str, Any]:
    addresses = {
        key: [subscriber["Address"] for subscriber in subscribers if subscriber["SubscriptionType"] == type]
        for type, key in _SUBSCRIBERS.items()
    }
    return {**notification, **addresses}


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _CLOCK).replace(tzinfo=UTC)


def _clock(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime(_CLOCK) if moment else None


def _arn(account: str, name: str) -> str:
    return f"arn:aws:budgets::{account}:budget/{name}"


HANDLERS = (Budget,)
