"""What follows from an alarm's change of state: its history, an event, its actions. And the operations about that."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import botocore.session
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from terrace.sandbox.bus import Bus, Happening
from terrace.sandbox.events import alarm_checks
from terrace.sandbox.events.alarm_state import ALARM, INSUFFICIENT_DATA, OK
from terrace.sandbox.events.alarms import Place, stamp, watched
from terrace.sandbox.events.post import Letter, Post
from terrace.sandbox.events.targets import Arn, Clients
from terrace.sandbox.services.extend import page, state
from terrace.sandbox.services.kept import wrap

_RETRIES, _AGE = 100, 3600.0
"""How long the message to a topic is tried."""
_KEPT = 1000
"""How many changes of an account's alarms are kept. AWS keeps those of thirty days."""


class Alarms:
    """Changes the states of alarms, and does what follows.

    Args:
        bus: Where changes are told.
        post: Delivers to topics.
        clients: Calls topics.
    """

    def __init__(self, bus: Bus, post: Post, clients: Clients) -> None:
        self._bus = bus
        self._post = post
        self._clients = clients
        self._lock = threading.Lock()

    def install(self, made: Callable[[], None]) -> None:
        """Put our operations in the place of moto's. Once in a process, before the server starts.

        Args:
            made: Called when an alarm was made or changed.
        """

        def put_metric_alarm(original: Callable[[], Any], response: Any) -> Any:
            name = response._get_param("AlarmName")
            alarm_checks.check(response._get_param)
            backend = response.cloudwatch_backend
            new = name not in backend.alarms
            result = original()
            alarm = backend.alarms[name]
            if new:
                alarm.state_value = INSUFFICIENT_DATA
                alarm.state_reason_data = "{}"
            verb = "created" if new else "updated"
            _note(backend, alarm, "ConfigurationUpdate", f'Alarm "{name}" {verb}', {"type": verb.title()})
            made()
            return result

        def set_alarm_state(original: Callable[[], Any], backend: Any) -> None:
            name, said, data, value = _set(original)
            alarm = backend.alarms.get(name)
            before = alarm and _now(alarm)
            original()
            alarm._terrace_held = (time.time() + 10) // 60 * 60 + 60
            if before and before["value"] != value:
                self._follow((backend.account_id, backend.region_name), alarm, before, said, data or "{}")

        wrap(CloudWatchResponse, "put_metric_alarm", put_metric_alarm)
        wrap(CloudWatchBackend, "set_alarm_state", set_alarm_state)
        setattr(CloudWatchResponse, "describe_alarm_history", _describe_alarm_history)  # noqa: B010

    def change(self, place: Place, alarm: Any, value: str, said: str, data: str) -> None:
        """Change the state of an alarm, and do what follows."""
        with self._lock:
            before = _now(alarm)
            alarm.update_state(said, data, value)
        if before["value"] != value:
            self._follow(place, alarm, before, said, data)

    def _follow(self, place: Place, alarm: Any, before: dict[str, str], said: str, data: str) -> None:
        after = _now(alarm)
        backend = cloudwatch_backends[place[0]][place[1]]
        summary = f"Alarm updated from {before['value']} to {after['value']}"
        history = {"version": "1.0", "oldState": _short(before), "newState": _short(after)}
        _note(backend, alarm, "StateUpdate", summary, history)
        detail = {
            "alarmName": alarm.name,
            "configuration": _configuration(alarm),
            "previousState": before,
            "state": after,
        }
        kind = "CloudWatch Alarm State Change"
        self._bus.publish(Happening(*place, "aws.cloudwatch", kind, detail, (alarm.alarm_arn,)))
        if alarm.actions_enabled and not _suppressed(backend, alarm):
            actions = {ALARM: alarm.alarm_actions, OK: alarm.ok_actions}
            for action in actions.get(after["value"], alarm.insufficient_data_actions) or ():
                self._act(place, alarm, action, before, after)

    def _act(self, place: Place, alarm: Any, action: str, before: dict[str, str], after: dict[str, str]) -> None:
        arn, backend = Arn.parse(action), cloudwatch_backends[place[0]][place[1]]

        def noted(outcome: str, why: str = "") -> None:
            done = outcome == "Succeeded"
            summary = f"{'Successfully executed' if done else 'Failed to execute'} action {action}"
            data = {"actionState": outcome, "notificationResource": action, "stateUpdateTimestamp": after["timestamp"]}
            _note(backend, alarm, "Action", summary, {**data, "error": why} if why else data)

        if arn.kind != "sns":
            noted("Failed", "Not carried out: the sandbox's alarms tell SNS topics, and nobody else.")
            return
        text, subject = _message(place, alarm, before, after), f'{after["value"]}: "{alarm.name}" in {_named(place[1])}'

        def deliver(attempt: int) -> None:
            aws = self._clients.at(arn)
            aws("sns").publish(TopicArn=action, Message=text, Subject=subject[:100])

        def counted(outcome: str) -> None:
            if outcome in ("delivered", "failed"):
                noted("Succeeded" if outcome == "delivered" else "Failed")

        self._post.send(
            Letter(
                deliver=deliver,
                body=text,
                dead=None,
                attributes={"ALARM_ARN": alarm.alarm_arn, "TARGET_ARN": action},
                retries=_RETRIES,
                age=_AGE,
                count=counted,
                lane=f"{alarm.alarm_arn} {action}",
            )
        )


def _set(original: Any) -> tuple[str, str, str | None, str]:
    """Return what `set_alarm_state` of moto's is called with."""
    _, name, said, data, value = original.args
    return name, said, data, value


def _now(alarm: Any) -> dict[str, str]:
    """Return the state of an alarm as its event tells it."""
    changed = alarm.state_updated_timestamp.replace(tzinfo=UTC)
    told = {
        "value": alarm.state_value,
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data,
        "timestamp": stamp(changed),
    }
    return {key: value for key, value in told.items() if value not in (None, "", "{}")}


def _short(told: dict[str, str]) -> dict[str, Any]:
    data = json.loads(told.get("reasonData") or "{}")
    return {"stateValue": told["value"], "stateReason": told.get("reason", ""), "stateReasonData": data}


def _configuration(alarm: Any) -> dict[str, Any]:
    configuration: dict[str, Any] = {"description": alarm.description} if alarm.description else {}
    if alarm.rule is not None:
        return {**configuration, "alarmRule": alarm.rule}
    metrics: list[dict[str, Any]] = []
    for id, one in watched(alarm).items():
        metric = {"dimensions": dict(one.dimensions), "name": one.name, "namespace": one.namespace}
        measured = {"metric": metric, "period": one.period, "stat": one.statistic}
        metrics.append({"id": id or "m1", "metricStat": measured, "returnData": not id})
    for query in alarm.metric_data_queries:
        if query.expression:
            metrics.append({"id": query.id, "expression": query.expression, "returnData": bool(query.return_data)})
    return {**configuration, "metrics": metrics}


def _suppressed(backend: CloudWatchBackend, alarm: Any) -> bool:
    """Tell whether another alarm keeps this one quiet. How long it waits for that is not imitated."""
    name = getattr(alarm, "actions_suppressor", None)
    found: Any = name and backend.alarms.get(name.split(":alarm:", 1)[-1])
    return bool(found) and found.state_value == ALARM


def _message(place: Place, alarm: Any, before: dict[str, str], after: dict[str, str]) -> str:
    """Return what CloudWatch sends to a topic."""
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": place[0],
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configuration_updated_timestamp),
        "NewStateValue": after["value"],
        "NewStateReason": after.get("reason", ""),
        "StateChangeTime": after["timestamp"],
        "Region": _named(place[1]),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before["value"],
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
    }
    if alarm.rule is not None:
        return json.dumps({**told, "AlarmRule": alarm.rule})
    trigger: dict[str, Any] = {
        "Period": int(alarm.period or 0),
        "EvaluationPeriods": int(alarm.evaluation_periods),
        "DatapointsToAlarm": int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": float(alarm.threshold),
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    if alarm.metric_data_queries:
        trigger["Metrics"] = _configuration(alarm)["metrics"]
    else:
        kind = "Statistic" if alarm.statistic else "ExtendedStatistic"
        trigger |= {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": kind,
            kind: (alarm.statistic or alarm.extended_statistic).upper()
            if alarm.statistic
            else alarm.extended_statistic,
            "Unit": alarm.unit,
            "Dimensions": [{"value": one.value, "name": one.name} for one in alarm.dimensions],
        }
    return json.dumps({**told, "Trigger": trigger})


def _named(region: str) -> str:
    """Return the name of a region for people."""
    for partition in botocore.session.Session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def _note(backend: CloudWatchBackend, alarm: Any, kind: str, summary: str, data: dict[str, Any]) -> None:
    history = state(backend, "alarm_history").setdefault("items", [])
    history.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm" if alarm.rule is None else "CompositeAlarm",
            "Timestamp": datetime.now(UTC),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )
    del history[:-_KEPT]


def _describe_alarm_history(response: Any) -> ActionResult:
    get = response._get_param
    wanted = {"AlarmName": get("AlarmName"), "HistoryItemType": get("HistoryItemType")}
    types, start, end = get("AlarmTypes") or ["MetricAlarm"], _aware(get("StartDate")), _aware(get("EndDate"))
    found = [
        item
        for item in state(response.cloudwatch_backend, "alarm_history").get("items", [])
        if all(value in (None, item[key]) for key, value in wanted.items())
        and (wanted["AlarmName"] or item["AlarmType"] in types)
        and (start is None or item["Timestamp"] >= start)
        and (end is None or item["Timestamp"] <= end)
    ]
    if get("ScanBy") != "TimestampAscending":
        found.reverse()
    items, token = page(found, get("MaxRecords"), get("NextToken"), code="InvalidNextToken")
    return ActionResult({"AlarmHistoryItems": items, **({"NextToken": token} if token else {})})


def _aware(date: Any) -> datetime | None:
    if date in (None, ""):
        return None
    if isinstance(date, int | float):
        return datetime.fromtimestamp(date, UTC)
    found = date if isinstance(date, datetime) else datetime.fromisoformat(str(date))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
