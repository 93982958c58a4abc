"""Alarms, dashboards and logs, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.cloudwatch import CompositeAlarm, Dashboard, LogGroup, LogResourcePolicy, MetricAlarm

ALARM, COMPOSITE, DASHBOARD, GROUP, POLICY = (
    MetricAlarm(),
    CompositeAlarm(),
    Dashboard(),
    LogGroup(),
    LogResourcePolicy(),
)
TOPIC = f"arn:aws:sns:{REGION}:<ACCOUNT>"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-55555555555"
_TAGS = {"tags": {"owner": "ml@example.com", "level": "0"}}
_OTHER_TAGS = {"tags": {"owner": "platform@example.com"}}


def _alarm(kind: str) -> Any:
    def look(aws: Clients, state: State) -> Any:
        client = aws("cloudwatch")
        seen = client.describe_alarms(AlarmNames=[state.id], AlarmTypes=[kind])[f"{kind}s"][0]
        tags = named(client.list_tags_for_resource(ResourceARN=state.outputs["arn"])["Tags"])
        metrics = [_query_with_named(query) for query in seen.get("Metrics", [])]
        dimensions = {d["Name"]: d["Value"] for d in seen.get("Dimensions", [])}
        return {**seen, "Tags": tags, "Dimensions": dimensions, "Metrics": metrics}

    return look


def _query_with_named(query: dict[str, Any]) -> dict[str, Any]:
    if "MetricStat" in query:
        metric = query["MetricStat"]["Metric"]
        metric["Dimensions"] = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
    return query


def _group(aws: Clients, state: State) -> Any:
    client = aws("logs")
    seen = client.describe_log_groups(logGroupNamePrefix=state.id)["logGroups"][0]
    return {**seen, "tags": client.list_tags_for_resource(resourceArn=state.outputs["arn"])["tags"]}


def _policy(aws: Clients, state: State) -> Any:
    policies = aws("logs").describe_resource_policies()["resourcePolicies"]
    return next(policy for policy in policies if policy["policyName"] == state.id)


def _actions(n: int) -> dict[str, Any]:
    return {
        "actionsEnabled": not n,
        "alarmActions": [f"{TOPIC}:alarm-{n}"],
        "alarmDescription": f"Something is wrong {n}",
        "insufficientDataActions": [f"{TOPIC}:quiet-{n}"],
        "okActions": [f"{TOPIC}:ok-{n}"],
    }


_ACTIONS_SHOW = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "insufficientDataActions": "InsufficientDataActions",
    "okActions": "OKActions",
    "tags": "Tags",
}
_ALARM_SHOWS = {
    **_ACTIONS_SHOW,
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "dimensions": "Dimensions",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "metricName": "MetricName",
    "metricQueries.accountId": "Metrics[].AccountId",
    "metricQueries.expression": "Metrics[].Expression",
    "metricQueries.id": "Metrics[].Id",
    "metricQueries.label": "Metrics[].Label",
    "metricQueries.metric.dimensions": "Metrics[].MetricStat.Metric.Dimensions",
    "metricQueries.metric.metricName": "Metrics[].MetricStat.Metric.MetricName",
    "metricQueries.metric.namespace": "Metrics[].MetricStat.Metric.Namespace",
    "metricQueries.metric.period": "Metrics[].MetricStat.Period",
    "metricQueries.metric.stat": "Metrics[].MetricStat.Stat",
    "metricQueries.metric.unit": "Metrics[].MetricStat.Unit",
    "metricQueries.period": "Metrics[].Period",
    "metricQueries.returnData": "Metrics[].ReturnData",
    "name": "AlarmName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "thresholdMetricId": "ThresholdMetricId",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}


def _on_metric(n: int) -> dict[str, Any]:
    return {
        **_actions(n),
        "comparisonOperator": ("GreaterThanThreshold", "LessThanThreshold")[n],
        "datapointsToAlarm": 2 + n,
        "dimensions": {"EndpointName": f"churn-{n}", "VariantName": "all"},
        "evaluationPeriods": 3 + n,
        "metricName": ("ModelLatency", "Invocations")[n],
        "name": "churn-latency",
        "namespace": ("AWS/SageMaker", "Terrace")[n],
        "period": 60 * (n + 1),
        "threshold": 0.5 + n,
        "treatMissingData": ("notBreaching", "breaching")[n],
        "unit": ("Microseconds", "Count")[n],
        **(_TAGS, _OTHER_TAGS)[n],
    }


def _on_math(n: int) -> dict[str, Any]:
    def metric(name: str) -> dict[str, Any]:
        return {
            "dimensions": {"EndpointName": f"churn-{n}"},
            "metricName": f"{name}{n}",
            "namespace": ("AWS/SageMaker", "Terrace")[n],
            "period": 60 * (n + 1),
            "stat": ("Sum", "p99")[n],
            "unit": ("Count", "Percent")[n],
        }

    return {
        "comparisonOperator": "GreaterThanUpperThreshold",
        "evaluationPeriods": 1,
        "metricQueries": [
            {"id": "rate", "expression": f"errors / calls * {100 + n}", "label": f"rate {n}", "returnData": not n},
            {"id": f"errors{n}", "metric": metric("Errors"), "returnData": bool(n), "accountId": f"11112222333{n}"},
            {"id": "band", "expression": f"ANOMALY_DETECTION_BAND(rate, {n + 1})", "period": 60 * (n + 1)},
        ],
        "name": "churn-errors",
        "thresholdMetricId": ("band", "rate")[n],
        **(_TAGS, _OTHER_TAGS)[n],
    }


def _composite(n: int) -> dict[str, Any]:
    rules = ('ALARM("churn-latency")', 'ALARM("churn-latency") OR ALARM("churn-errors")')
    return {
        **_actions(n),
        "actionsEnabled": True,
        "actionsSuppressor": {
            "alarm": ("churn-latency", "churn-errors")[n],
            "extensionPeriod": 60 + n,
            "waitPeriod": 120 + n,
        },
        "alarmName": "churn",
        "alarmRule": rules[n],
        **(_TAGS, _OTHER_TAGS)[n],
    }


def _alarms(aws: Clients) -> dict[str, str]:
    plain = {"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1, "threshold": 1, "period": 60}
    for name in ("churn-latency", "churn-errors"):
        metric = {"metricName": "x", "namespace": "y", "statistic": "Sum"}
        ALARM.create(aws, {"name": name, **plain, **metric})
    return {}


def _write(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": ["logs:PutLogEvents", "logs:CreateLogStream"],
        "Resource": f"arn:aws:logs:{REGION}:<ACCOUNT>:log-group:*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _page(title: str) -> str:
    properties = {"title": title, "region": REGION, "metrics": [["AWS/SageMaker", "Invocations"]]}
    widget = {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties}
    return json.dumps({"widgets": [widget]})


CASES = [
    Case(
        "alarm on a metric",
        ALARM,
        before={**_on_metric(0), "statistic": "Average"},
        after={**_on_metric(1), "statistic": "Maximum"},
        look=_alarm("MetricAlarm"),
        shows=_ALARM_SHOWS,
    ),
    Case(
        "alarm on a percentile",
        ALARM,
        before={**_on_metric(0), "extendedStatistic": "p99", "evaluateLowSampleCountPercentiles": "ignore"},
        after={**_on_metric(1), "extendedStatistic": "p95", "evaluateLowSampleCountPercentiles": "evaluate"},
        look=_alarm("MetricAlarm"),
        shows=_ALARM_SHOWS,
    ),
    Case(
        "alarm on metric math",
        ALARM,
        before=_on_math(0),
        after=_on_math(1),
        look=_alarm("MetricAlarm"),
        shows=_ALARM_SHOWS,
    ),
    Case(
        "composite alarm",
        COMPOSITE,
        before=_composite(0),
        after=_composite(1),
        look=_alarm("CompositeAlarm"),
        shows={
            **_ACTIONS_SHOW,
            "actionsSuppressor.alarm": "ActionsSuppressor",
            "actionsSuppressor.extensionPeriod": "ActionsSuppressorExtensionPeriod",
            "actionsSuppressor.waitPeriod": "ActionsSuppressorWaitPeriod",
            "alarmName": "AlarmName",
            "alarmRule": "AlarmRule",
        },
        given=_alarms,
    ),
    Case(
        "dashboard",
        DASHBOARD,
        before={"dashboardBody": _page("Calls"), "dashboardName": "churn"},
        after={"dashboardBody": _page("Errors"), "dashboardName": "churn"},
        look=lambda aws, state: aws("cloudwatch").get_dashboard(DashboardName=state.id),
        shows={"dashboardBody": "DashboardBody", "dashboardName": "DashboardName"},
    ),
    Case(
        "log group",
        GROUP,
        before={
            "kmsKeyId": f"{KEY}0",
            "logGroupClass": "STANDARD",
            "name": "/terrace/dev/churn",
            "retentionInDays": 30,
            **_TAGS,
        },
        after={
            "kmsKeyId": f"{KEY}1",
            "logGroupClass": "STANDARD",
            "name": "/terrace/dev/churn",
            "retentionInDays": 400,
            **_OTHER_TAGS,
        },
        look=_group,
        shows={
            "kmsKeyId": "kmsKeyId",
            "logGroupClass": "logGroupClass",
            "name": "logGroupName",
            "retentionInDays": "retentionInDays",
            "tags": "tags",
        },
    ),
    Case(
        "log resource policy",
        POLICY,
        before={"policyDocument": _write("events"), "policyName": "churn"},
        after={"policyDocument": _write("states"), "policyName": "churn"},
        look=_policy,
        shows={"policyDocument": "policyDocument", "policyName": "policyName"},
    ),
]
HANDLERS: list[Handler] = [ALARM, COMPOSITE, DASHBOARD, GROUP, POLICY]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_cloudwatch_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of an alarm, a dashboard and a log group is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


def test_switching_the_actions_of_a_composite_alarm_replaces_it() -> None:
    """The real provider makes a composite alarm anew for it, but not a metric alarm."""
    on, off = {"actionsEnabled": True}, {"actionsEnabled": False}
    assert COMPOSITE.diff(on, off).replace == ("actionsEnabled",)
    assert not ALARM.diff(on, off).replace


def test_an_alarm_is_known_by_its_name_and_has_an_arn(aws: Clients) -> None:
    """Ids and ARNs are the real provider's."""
    _alarms(aws)
    state = ALARM.read(aws, "churn-latency", {})
    assert state is not None
    assert state.outputs["arn"] == f"arn:aws:cloudwatch:{REGION}:{aws.account}:alarm:churn-latency"


def test_a_log_group_without_retention_and_key_has_neither(aws: Clients) -> None:
    """What is no longer given is taken off the group; its logs stay."""
    old = {"name": "/a", "retentionInDays": 30, "kmsKeyId": KEY.replace("<ACCOUNT>", aws.account) + "0"}
    state = GROUP.create(aws, old)
    GROUP.update(aws, state.id, old, {"name": "/a"})
    seen = _group(aws, state)
    assert "retentionInDays" not in seen
    assert "kmsKeyId" not in seen
    assert state.outputs["arn"] == f"arn:aws:logs:{REGION}:{aws.account}:log-group:/a"


def test_a_log_group_is_told_from_one_whose_name_begins_alike(aws: Clients) -> None:
    """AWS looks groups up by prefix; only the very name counts."""
    GROUP.create(aws, {"name": "/a/b"})
    assert GROUP.find(aws, {"name": "/a"}) is None
    assert GROUP.read(aws, "/a", {"name": "/a"}) is None
