"""Dashboards and alarms, and the handlers of logs and events, whose tokens are CloudWatch's too."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.events import EventRule, EventTarget
from terrace.sandbox.provider.logs import LogGroup, LogResourcePolicy, get_log_group
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_ACTIONS = frozenset({"alarmActions", "insufficientDataActions", "okActions"})


class Dashboard(Handler):
    """A page of graphs. Its id is its name."""

    type = "aws:cloudwatch/dashboard:Dashboard"
    inputs = {"dashboardBody": str, "dashboardName": str}
    required = frozenset(inputs)
    replace = frozenset({"dashboardName"})
    documents = frozenset({"dashboardBody"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("cloudwatch")
        client.put_dashboard(**request(client, "PutDashboard", inputs))
        return self._state(client.get_dashboard(DashboardName=inputs["dashboardName"]))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("cloudwatch").get_dashboard, "ResourceNotFound", DashboardName=id)
        return seen and self._state(seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("cloudwatch").delete_dashboards, "ResourceNotFound", DashboardNames=[id])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["dashboardName"], inputs)
        return state.id if state else None

    def _state(self, seen: Props) -> State:
        name, body = seen["DashboardName"], seen["DashboardBody"]
        return State(name, {"dashboardBody": body, "dashboardName": name, "dashboardArn": seen["DashboardArn"]})


class _Alarm(Handler):
    """What alarms on metrics and alarms on alarms have in common: ids are names, tags are set apart."""

    sets = _ACTIONS
    delete_before_replace = True
    kind: str
    """The list of `DescribeAlarms` that has them."""

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("cloudwatch")
        # Without the types AWS answers with alarms on metrics alone.
        types = [self.kind.removesuffix("s")]
        alarms = client.describe_alarms(AlarmNames=[id], AlarmTypes=types)[self.kind]
        if not alarms:
            return None
        arn = alarms[0]["AlarmArn"]
        tags = tag_map(client.list_tags_for_resource(ResourceARN=arn)["Tags"])
        outputs = self._outputs(inputs, {**alarms[0], "Tags": tags})
        return State(id, {**outputs, "arn": arn, "tagsAll": tags})

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("cloudwatch").delete_alarms, "ResourceNotFound", AlarmNames=[id])

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("cloudwatch")
        self._put(client, new)
        state = self._read(aws, id, new)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(ResourceARN=state.outputs["arn"], TagKeys=gone)
        if put:
            client.tag_resource(ResourceARN=state.outputs["arn"], Tags=tag_list({"tags": put}))
        return self._read(aws, id, new) if put or gone else state

    def _read(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        if state is None:
            raise LookupError(f"alarm {id} is gone right after it was set")
        return state

    def _put(self, client: Any, inputs: Props, **more: Any) -> None:
        raise NotImplementedError

    def _outputs(self, inputs: Props, seen: Props) -> dict[str, Any]:
        raise NotImplementedError


class MetricAlarm(_Alarm):
    """An alarm on a metric or on metric math. Its id is its name."""

    type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    inputs = {
        "actionsEnabled": bool,
        "alarmActions": [str],
        "alarmDescription": str,
        "comparisonOperator": str,
        "datapointsToAlarm": int,
        "dimensions": dict,
        "evaluateLowSampleCountPercentiles": str,
        "evaluationPeriods": int,
        "extendedStatistic": str,
        "insufficientDataActions": [str],
        "metricName": str,
        "metricQueries": [
            {
                "accountId": str,
                "expression": str,
                "id": str,
                "label": str,
                "metric": {
                    "dimensions": dict,
                    "metricName": str,
                    "namespace": str,
                    "period": int,
                    "stat": str,
                    "unit": str,
                },
                "period": int,
                "returnData": bool,
            }
        ],
        "name": str,
        "namespace": str,
        "okActions": [str],
        "period": int,
        "statistic": str,
        "tags": dict,
        "threshold": float,
        "thresholdMetricId": str,
        "treatMissingData": str,
        "unit": str,
    }
    required = frozenset(
        {
            "comparisonOperator",
            "evaluationPeriods",
            "metricQueries.id",
            "metricQueries.metric.metricName",
            "metricQueries.metric.period",
            "metricQueries.metric.stat",
            "name",
        }
    )
    replace = frozenset({"name"})
    kind = "MetricAlarms"
    names = {
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "metricQueries": "Metrics",
        "name": "AlarmName",
    }

    def create(self, aws: Clients, inputs: Props) -> State:
        self._put(aws("cloudwatch"), inputs, Tags=tag_list(inputs))
        return self._read(aws, inputs["name"], inputs)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["name"]) if self.read(aws, inputs["name"], inputs) else None

    def _put(self, client: Any, inputs: Props, **more: Any) -> None:
        settings = without(inputs, "tags", "dimensions", "metricQueries")
        more["Dimensions"] = tag_list({"tags": inputs.get("dimensions")}, "Name")
        if queries := inputs.get("metricQueries"):
            more["Metrics"] = [_query(client, query) for query in queries]
        client.put_metric_alarm(**request(client, "PutMetricAlarm", settings, self.names), **more)

    def _outputs(self, inputs: Props, seen: Props) -> dict[str, Any]:
        queries = [_seen_query(query) for query in seen.get("Metrics") or []]
        flat = {**seen, "Dimensions": tag_map(seen.get("Dimensions") or [], "Name"), "Metrics": queries}
        return response(self.inputs, inputs, flat, self.names)


class CompositeAlarm(_Alarm):
    """An alarm on other alarms. Its id is its name."""

    type = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    inputs = {
        "actionsEnabled": bool,
        "actionsSuppressor": {"alarm": str, "extensionPeriod": int, "waitPeriod": int},
        "alarmActions": [str],
        "alarmDescription": str,
        "alarmName": str,
        "alarmRule": str,
        "insufficientDataActions": [str],
        "okActions": [str],
        "tags": dict,
    }
    required = frozenset(
        {
            "actionsSuppressor.alarm",
            "actionsSuppressor.extensionPeriod",
            "actionsSuppressor.waitPeriod",
            "alarmName",
            "alarmRule",
        }
    )
    # The real provider makes a composite alarm anew to switch its actions on or off.
    replace = frozenset({"actionsEnabled", "alarmName"})
    kind = "CompositeAlarms"

    def create(self, aws: Clients, inputs: Props) -> State:
        self._put(aws("cloudwatch"), inputs, Tags=tag_list(inputs))
        return self._read(aws, inputs["alarmName"], inputs)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["alarmName"]) if self.read(aws, inputs["alarmName"], inputs) else None

    def _put(self, client: Any, inputs: Props, **more: Any) -> None:
        if suppressor := inputs.get("actionsSuppressor"):
            more["ActionsSuppressor"] = suppressor["alarm"]
            more["ActionsSuppressorExtensionPeriod"] = suppressor["extensionPeriod"]
            more["ActionsSuppressorWaitPeriod"] = suppressor["waitPeriod"]
        settings = request(client, "PutCompositeAlarm", without(inputs, "tags", "actionsSuppressor"))
        client.put_composite_alarm(**settings, **more)

    def _outputs(self, inputs: Props, seen: Props) -> dict[str, Any]:
        flat = dict(seen)
        if alarm := flat.pop("ActionsSuppressor", None):
            flat["ActionsSuppressor"] = {
                "alarm": alarm,
                "extensionPeriod": flat.get("ActionsSuppressorExtensionPeriod"),
                "waitPeriod": flat.get("ActionsSuppressorWaitPeriod"),
            }
        return response(self.inputs, inputs, flat)


def _query(client: Any, query: Props) -> dict[str, Any]:
    """Return a query of metric math as AWS nests it: the metric apart from what is measured of it."""
    shape = {"metrics": [{key: value for key, value in query.items() if key != "metric"}]}
    built: dict[str, Any] = request(client, "PutMetricAlarm", shape)["Metrics"][0]
    if metric := query.get("metric"):
        what = {key: metric[wire] for key, wire in _METRIC.items() if wire in metric}
        how = {key: metric[wire] for key, wire in _STAT.items() if wire in metric}
        what["Dimensions"] = tag_list({"tags": metric.get("dimensions")}, "Name")
        built["MetricStat"] = {"Metric": what, **how}
    return built


def _seen_query(query: Props) -> dict[str, Any]:
    flat = without(query, "MetricStat")
    if stat := query.get("MetricStat"):
        dimensions = tag_map(stat["Metric"].get("Dimensions") or [], "Name")
        flat["metric"] = {**without(stat, "Metric"), **stat["Metric"], "dimensions": dimensions}
        flat["metric"].pop("Dimensions", None)
    return flat


_METRIC = {"MetricName": "metricName", "Namespace": "namespace"}
_STAT = {"Period": "period", "Stat": "stat", "Unit": "unit"}

HANDLERS = (CompositeAlarm, Dashboard, EventRule, EventTarget, LogGroup, LogResourcePolicy, MetricAlarm)
INVOKES = {"aws:cloudwatch/getLogGroup:getLogGroup": get_log_group}
