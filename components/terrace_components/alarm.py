"""From an alarm's definition to the alarm."""

from typing import Any

import pulumi
import pulumi_aws as aws

from terrace_components.alarm_rules import AlarmRule, Metric, Ratio
from terrace_components.child import Children


def alarm(child: Children, rule: AlarmRule, name: str, actions: list[pulumi.Input[str]]) -> aws.cloudwatch.MetricAlarm:
    """Declare one alarm that tells the same people when it rings and when it is over."""
    watched = _ratio(rule, rule.watched) if isinstance(rule.watched, Ratio) else _metric(rule, rule.watched)
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
        **watched,
    )


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


def _ratio(rule: AlarmRule, watched: Ratio) -> dict[str, Any]:
    ratio = {
        "id": "ratio",
        "expression": "IF(whole > 0, 100 * part / whole, 0)",
        "label": "percent",
        "return_data": True,
    }
    part = _query("part", watched.part, rule.minutes * 60)
    whole = _query("whole", watched.whole, rule.minutes * 60)
    return {"metric_queries": [ratio, part, whole]}


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
