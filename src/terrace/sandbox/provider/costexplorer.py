"""Unusual cost: what watches for it, who hears of it, and by which tags cost is told apart."""

from __future__ import annotations

import json
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = ("UnknownMonitorException", "UnknownSubscriptionException", "ResourceNotFoundException")
_DIMENSION = {"key": str, "matchOptions": [str], "values": [str]}


class AnomalyMonitor(Handler):
    """Watches the cost of services or of a part of them. Its id is its ARN."""

    type = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
    inputs = {"monitorDimension": str, "monitorSpecification": str, "monitorType": str, "name": str, "tags": dict}
    required = frozenset({"monitorType", "name"})
    replace = frozenset({"monitorDimension", "monitorSpecification", "monitorType"})
    documents = frozenset({"monitorSpecification"})
    names = {"name": "MonitorName"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("ce")
        settings = without(inputs, "tags", "monitorSpecification")
        monitor = request(client, "CreateAnomalyMonitor", {"anomalyMonitor": settings}, self.names)["AnomalyMonitor"]
        if "monitorSpecification" in inputs:
            monitor["MonitorSpecification"] = json.loads(inputs["monitorSpecification"])
        arn = client.create_anomaly_monitor(AnomalyMonitor=monitor, ResourceTags=tag_list(inputs))["MonitorArn"]
        return self._read(aws, arn, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("ce")
        answer = found(client.get_anomaly_monitors, *_MISSING, MonitorArnList=[id])
        if not answer or not answer["AnomalyMonitors"]:
            return None
        seen = dict(answer["AnomalyMonitors"][0])
        if specification := seen.get("MonitorSpecification"):
            seen["MonitorSpecification"] = json.dumps(specification)
        tags = _tags(client, id)
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        return State(id, {**outputs, "arn": id, "tagsAll": tags})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("ce")
        client.update_anomaly_monitor(MonitorArn=id, MonitorName=new["name"])
        _retag(client, id, old, new)
        return self._read(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("ce").delete_anomaly_monitor, *_MISSING, MonitorArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        for seen in _all(aws("ce").get_anomaly_monitors, "AnomalyMonitors"):
            if seen["MonitorName"] == inputs["name"]:
                return str(seen["MonitorArn"])
        return None

    def _read(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        if state is None:
            raise LookupError(f"anomaly monitor {id} is gone right after it was set")
        return state


class AnomalySubscription(Handler):
    """Who hears of unusual cost, and from which amount on. Its id is its ARN."""

    type = "aws:costexplorer/anomalySubscription:AnomalySubscription"
    inputs = {
        "accountId": str,
        "frequency": str,
        "monitorArnLists": [str],
        "name": str,
        "subscribers": [{"address": str, "type": str}],
        "tags": dict,
        "thresholdExpression": {
            "ands": [{"dimension": _DIMENSION}],
            "dimension": _DIMENSION,
            "ors": [{"dimension": _DIMENSION}],
        },
    }
    required = frozenset(
        {"frequency", "monitorArnLists", "name", "subscribers", "subscribers.address", "subscribers.type"}
    )
    # The real provider sends no new account of an existing subscription; AWS has no way to.
    replace = frozenset({"accountId", "name"})
    sets = frozenset({"subscribers"})
    delete_before_replace = True
    names = {
        "ands": "And",
        "dimension": "Dimensions",
        "monitorArnLists": "MonitorArnList",
        "name": "SubscriptionName",
        "ors": "Or",
    }

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("ce")
        settings = {"anomalySubscription": without(inputs, "tags")}
        built = request(client, "CreateAnomalySubscription", settings, self.names)
        arn = client.create_anomaly_subscription(**built, ResourceTags=tag_list(inputs))["SubscriptionArn"]
        return self._read(aws, arn, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("ce")
        answer = found(client.get_anomaly_subscriptions, *_MISSING, SubscriptionArnList=[id])
        if not answer or not answer["AnomalySubscriptions"]:
            return None
        seen = answer["AnomalySubscriptions"][0]
        tags = _tags(client, id)
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        account = seen.get("AccountId") or aws.account
        return State(id, {"accountId": account, **outputs, "arn": id, "tagsAll": tags})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("ce")
        settings = without(new, "accountId", "tags")
        built = request(client, "UpdateAnomalySubscription", settings, self.names)
        client.update_anomaly_subscription(SubscriptionArn=id, **built)
        _retag(client, id, old, new)
        return self._read(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("ce").delete_anomaly_subscription, *_MISSING, SubscriptionArn=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        for seen in _all(aws("ce").get_anomaly_subscriptions, "AnomalySubscriptions"):
            if seen["SubscriptionName"] == inputs["name"]:
                return str(seen["SubscriptionArn"])
        return None

    def _read(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        if state is None:
            raise LookupError(f"anomaly subscription {id} is gone right after it was set")
        return state


class CostAllocationTag(Handler):
    """A tag by which bills tell cost apart. Its id is its key."""

    type = "aws:costexplorer/costAllocationTag:CostAllocationTag"
    inputs = {"status": str, "tagKey": str}
    required = frozenset(inputs)
    replace = frozenset({"tagKey"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        self._set(aws, inputs["tagKey"], inputs["status"])
        state = self.read(aws, inputs["tagKey"], inputs)
        if state is None:
            raise LookupError(f"cost allocation tag {inputs['tagKey']} is gone right after it was set")
        return state

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        tags = aws("ce").list_cost_allocation_tags(TagKeys=[id])["CostAllocationTags"]
        seen = next((tag for tag in tags if tag["TagKey"] == id), None)
        return seen and State(id, {"status": seen["Status"], "tagKey": id, "type": seen["Type"]})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        # AWS forgets no tag that a bill has ever had; it can only be switched off.
        if self.read(aws, id, inputs):
            self._set(aws, id, "Inactive")

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["tagKey"]) if self.read(aws, inputs["tagKey"], inputs) else None

    def _set(self, aws: Clients, key: str, status: str) -> None:
        wanted = [{"TagKey": key, "Status": status}]
        # AWS answers 200 and names what it did not do.
        for error in aws("ce").update_cost_allocation_tags_status(CostAllocationTagsStatus=wanted).get("Errors") or []:
            raise SandboxError(f"Cost allocation tag {key}: {error.get('Code')}: {error.get('Message')}")


def _all(call: Any, key: str) -> Any:
    token: dict[str, str] = {}
    while True:
        page = call(**token)
        yield from page[key]
        if not page.get("NextPageToken"):
            return
        token = {"NextPageToken": page["NextPageToken"]}


def _tags(client: Any, arn: str) -> dict[str, str]:
    return tag_map(client.list_tags_for_resource(ResourceArn=arn)["ResourceTags"])


def _retag(client: Any, arn: str, old: Props, new: Props) -> None:
    put, gone = tag_changes(old, new)
    if gone:
        client.untag_resource(ResourceArn=arn, ResourceTagKeys=gone)
    if put:
        client.tag_resource(ResourceArn=arn, ResourceTags=tag_list({"tags": put}))


HANDLERS = (AnomalyMonitor, AnomalySubscription, CostAllocationTag)
