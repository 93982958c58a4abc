"""What moto's Cost Explorer lacks: anomaly monitors and subscriptions, and which tags tell costs apart.

Costs themselves are not computed here, so no anomaly is ever found.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.ce.responses import CostExplorerResponse

from terrace.sandbox.services.extend import Refusal, add, merge_tags, page, state, tag_list
from terrace.sandbox.services.kept import wrap

_NOT_A_PAGE = "InvalidNextTokenException"


def install() -> None:
    """Put the operations of this module on moto's Cost Explorer."""
    add(
        CostExplorerResponse,
        [
            create_anomaly_monitor,
            get_anomaly_monitors,
            update_anomaly_monitor,
            delete_anomaly_monitor,
            create_anomaly_subscription,
            get_anomaly_subscriptions,
            update_anomaly_subscription,
            delete_anomaly_subscription,
            update_cost_allocation_tags_status,
            list_cost_allocation_tags,
        ],
    )
    wrap(CostExplorerResponse, "tag_resource", _tag_resource)
    wrap(CostExplorerResponse, "untag_resource", _untag_resource)
    wrap(CostExplorerResponse, "list_tags_for_resource", _list_tags)


def _said(self: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(self.body)
    return found


def _create(self: Any, kind: str, what: str) -> str:
    said = _said(self)
    account = self.current_account
    arn = f"arn:aws:ce::{account}:anomaly{kind}/{uuid.uuid4()}"
    state(self.ce_backend, what)[arn] = {**said[f"Anomaly{kind.capitalize()}"], f"{kind.capitalize()}Arn": arn}
    merge_tags(_tags(self).setdefault(arn, {}), said.get("ResourceTags"))
    return arn


def _tags(self: Any) -> dict[str, dict[str, str]]:
    return state(self.ce_backend, "tags")


def _found(self: Any, what: str, arn: str, code: str) -> dict[str, Any]:
    held: dict[str, dict[str, Any]] = state(self.ce_backend, what)
    if arn not in held:
        raise Refusal(code, f"Can't find {arn}.")
    return held[arn]


def _listed(self: Any, what: str, arns: list[str] | None, code: str) -> tuple[list[Any], str | None]:
    said = _said(self)
    if arns:
        return [_found(self, what, arn, code) for arn in arns], None
    held = list(state(self.ce_backend, what).values())
    return page(held, said.get("MaxResults"), said.get("NextPageToken"), code=_NOT_A_PAGE)


def create_anomaly_monitor(self: Any) -> str:
    """Make a monitor. AWS allows one for the dimension SERVICE in an account."""
    given = _said(self)["AnomalyMonitor"]
    if given.get("MonitorDimension") == "SERVICE" and any(
        held.get("MonitorDimension") == "SERVICE" for held in state(self.ce_backend, "monitors").values()
    ):
        raise Refusal("LimitExceededException", "Limit exceeded on dimensional spend monitor creation")
    arn = _create(self, "monitor", "monitors")
    held = state(self.ce_backend, "monitors")[arn]
    held["CreationDate"] = held["LastUpdatedDate"] = datetime.now(UTC).date().isoformat()
    held["DimensionalValueCount"] = 1
    return json.dumps({"MonitorArn": arn})


def get_anomaly_monitors(self: Any) -> str:
    """List monitors, or those with given ARNs."""
    found, token = _listed(self, "monitors", _said(self).get("MonitorArnList"), "UnknownMonitorException")
    return json.dumps({"AnomalyMonitors": found, "NextPageToken": token})


def update_anomaly_monitor(self: Any) -> str:
    """Rename a monitor."""
    said = _said(self)
    held = _found(self, "monitors", said["MonitorArn"], "UnknownMonitorException")
    if "MonitorName" in said:
        held["MonitorName"] = said["MonitorName"]
    return json.dumps({"MonitorArn": said["MonitorArn"]})


def delete_anomaly_monitor(self: Any) -> str:
    """Remove a monitor."""
    arn = _said(self)["MonitorArn"]
    _found(self, "monitors", arn, "UnknownMonitorException")
    del state(self.ce_backend, "monitors")[arn]
    return json.dumps({})


def create_anomaly_subscription(self: Any) -> str:
    """Make a subscription to monitors that exist."""
    for arn in _said(self)["AnomalySubscription"]["MonitorArnList"]:
        _found(self, "monitors", arn, "UnknownMonitorException")
    arn = _create(self, "subscription", "subscriptions")
    state(self.ce_backend, "subscriptions")[arn]["AccountId"] = self.current_account
    return json.dumps({"SubscriptionArn": arn})


def get_anomaly_subscriptions(self: Any) -> str:
    """List subscriptions, or those with given ARNs."""
    arns = _said(self).get("SubscriptionArnList")
    found, token = _listed(self, "subscriptions", arns, "UnknownSubscriptionException")
    return json.dumps({"AnomalySubscriptions": found, "NextPageToken": token})


def update_anomaly_subscription(self: Any) -> str:
    """Change what a subscription says; what is not given stays."""
    said = _said(self)
    held = _found(self, "subscriptions", said["SubscriptionArn"], "UnknownSubscriptionException")
    for name in ("Threshold", "Frequency", "MonitorArnList", "Subscribers", "SubscriptionName", "ThresholdExpression"):
        if name in said:
            held[name] = said[name]
    return json.dumps({"SubscriptionArn": said["SubscriptionArn"]})


def delete_anomaly_subscription(self: Any) -> str:
    """Remove a subscription."""
    arn = _said(self)["SubscriptionArn"]
    _found(self, "subscriptions", arn, "UnknownSubscriptionException")
    del state(self.ce_backend, "subscriptions")[arn]
    return json.dumps({})


def update_cost_allocation_tags_status(self: Any) -> str:
    """Switch tags on or off for cost allocation. AWS knows a tag once it was used; here any key is taken."""
    held = state(self.ce_backend, "cost tags")
    for given in _said(self)["CostAllocationTagsStatus"]:
        held[given["TagKey"]] = given["Status"]
    return json.dumps({"Errors": []})


def list_cost_allocation_tags(self: Any) -> str:
    """List tags with their status."""
    said = _said(self)
    listed = [
        {"TagKey": key, "Type": "UserDefined", "Status": status}
        for key, status in state(self.ce_backend, "cost tags").items()
        if said.get("Status") in (None, status) and (not said.get("TagKeys") or key in said["TagKeys"])
    ]
    found, token = page(listed, said.get("MaxResults"), said.get("NextToken"), code=_NOT_A_PAGE)
    return json.dumps({"CostAllocationTags": found, "NextToken": token})


def _tag_resource(original: Any, self: Any) -> str:
    said = _said(self)
    if said["ResourceArn"] not in _tags(self):
        answer: str = original()
        return answer
    merge_tags(_tags(self)[said["ResourceArn"]], said["ResourceTags"])
    return json.dumps({})


def _untag_resource(original: Any, self: Any) -> str:
    said = _said(self)
    if said["ResourceArn"] not in _tags(self):
        answer: str = original()
        return answer
    for key in said["ResourceTagKeys"]:
        _tags(self)[said["ResourceArn"]].pop(key, None)
    return json.dumps({})


def _list_tags(original: Any, self: Any) -> str:
    arn = _said(self)["ResourceArn"]
    if arn not in _tags(self):
        answer: str = original()
        return answer
    return json.dumps({"ResourceTags": tag_list(_tags(self)[arn])})
