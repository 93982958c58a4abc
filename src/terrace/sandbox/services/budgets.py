"""What moto's Budgets lacks: updates, tags, and the subscribers of a notification."""

from __future__ import annotations

import json
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse
from moto.core.utils import unix_time

from terrace.sandbox.services.extend import add, merge_tags, state, tag_list
from terrace.sandbox.services.kept import wrap


def install() -> None:
    """Put the operations of this module on moto's Budgets."""
    add(
        BudgetsResponse,
        [
            update_budget,
            describe_subscribers_for_notification,
            tag_resource,
            untag_resource,
            list_tags_for_resource,
        ],
    )
    wrap(BudgetsResponse, "create_budget", _create_budget)


def _create_budget(original: Any, self: Any) -> str:
    answer: str = original()
    account, name = self._get_param("AccountId"), self._get_param("Budget")["BudgetName"]
    merge_tags(_tags(self, f"arn:aws:budgets::{account}:budget/{name}"), self._get_param("ResourceTags"))
    return answer


def update_budget(self: Any) -> str:
    """Replace what a budget says; its notifications stay."""
    given = self._get_param("NewBudget")
    budget = _budget(self, given["BudgetName"])
    period = given.get("TimePeriod", budget.budget["TimePeriod"])
    budget.budget = {**given, "TimePeriod": period, "LastUpdatedTime": unix_time()}
    return json.dumps({})


def describe_subscribers_for_notification(self: Any) -> str:
    """List who hears of a notification, which is known by what it says."""
    wanted = self._get_param("Notification")
    for notification in _budget(self, self._get_param("BudgetName")).notifications:
        if all(notification.details.get(key) == value for key, value in wanted.items()):
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")


def tag_resource(self: Any) -> str:
    """Add tags to a budget."""
    merge_tags(_tags(self, self._get_param("ResourceARN")), self._get_param("ResourceTags"))
    return json.dumps({})


def untag_resource(self: Any) -> str:
    """Remove tags from a budget."""
    tags = _tags(self, self._get_param("ResourceARN"))
    for key in self._get_param("ResourceTagKeys"):
        tags.pop(key, None)
    return json.dumps({})


def list_tags_for_resource(self: Any) -> str:
    """List the tags of a budget."""
    return json.dumps({"ResourceTags": tag_list(_tags(self, self._get_param("ResourceARN")))})


def _budget(self: Any, name: str) -> Budget:
    budgets = self.backend.budgets[self._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    found: Budget = budgets[name]
    return found


def _tags(self: Any, arn: str) -> dict[str, str]:
    found: dict[str, str] = state(self.backend, "tags").setdefault(arn, {})
    return found
