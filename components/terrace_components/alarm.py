"""From an alarm's definition to the alarm."""

from typing import Any

import pulumi
import pulumi_aws as aws

from terrace_components.alarm_rules import AlarmRule, Metric, Ratio, Rest
from terrace_components.child import Children


def alarm(child: Children, rule: AlarmRule, name: str, actions: list[pulumi.Input[str]]) -> aws.cloudwatch.MetricAlarm:
    """Declare one alarm that tells the same people when it rings and when it is over."""
    return child(
        aws.cloudwatch.MetricAlarm,
        f"{rule.id}-alarm",
        name=name,
        alarm_description=rule.description,
        comparison_operator=rule.comparison,
        threshold=float(rule.threshold),
        evaluation_periods=rule.periods,
        datapoints_to_alarm=rule.breaching,
        treat_missing_data=rule.missing,
        actions_enabled=True,
        alarm_actions=actions,
        ok_actions=actions,
        **_watched(rule, rule.watched),
    )


def _watched(rule: AlarmRule, watched: Metric | Ratio | Rest) -> dict[str, Any]:
    if isinstance(watched, Metric):
        return _metric(rule, watched)
    if isinstance(watched, Ratio):
        expression = {"id": "ratio", "expression": "IF(whole > 0, 100 * part / whole, 0)", "label": "percent"}
    else:
        expression = {"id": "rest", "expression": "whole - FILL(part, 0)", "label": "without the part"}
    queries = [
        _query(id, metric, rule.minutes * 60) for id, metric in (("part", watched.part), ("whole", watched.whole))
    ]
    return {"metric_queries": [{**expression, "return_data": True}, *queries]}


def _metric(rule: AlarmRule, metric: Metric) -> dict[str, Any]:
    # Percentiles have an input of their own.
    statistic = "extended_statistic" if metric.statistic.startswith("p") else "statistic"
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": metric.dimensions,
        "period": rule.minutes * 60,
        statistic: metric.statistic,
    }


def _query(id: str, metric: Metric, seconds: int) -> dict[str, Any]:
    return {
        "id": id,
        "metric": {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": metric.dimensions,
            "stat": metric.statistic,
            "period": seconds,
        },
    }
