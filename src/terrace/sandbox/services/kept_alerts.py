"""Keeps what moto accepts and forgets of alarms and topics, and adds alarms on alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.sns.models import Subscription
from moto.sns.responses import SNSResponse

from terrace.sandbox.services.kept import wrap

_CONFIRMED_BY_A_PERSON = ("email", "email-json", "sms")
_TOPIC = {"SignatureVersion": "signature_version", "TracingConfig": "tracing_config"}
_SUPPRESSOR = {
    "ActionsSuppressor": "actions_suppressor",
    "ActionsSuppressorExtensionPeriod": "actions_suppressor_extension_period",
    "ActionsSuppressorWaitPeriod": "actions_suppressor_wait_period",
}


def install() -> None:
    """Put the operations of this module in the place of moto's. Once in a process, before the server starts."""
    wrap(CloudWatchResponse, "put_metric_alarm", _put_metric_alarm)
    wrap(CloudWatchResponse, "describe_alarms", _describe_alarms)
    setattr(CloudWatchResponse, "put_composite_alarm", _put_composite_alarm)  # noqa: B010  (moto has none to type)
    wrap(SNSResponse, "get_topic_attributes", _get_topic_attributes)
    wrap(SNSResponse, "subscribe", _subscribe)


def _put_metric_alarm(original: Callable[[], Any], self: Any) -> Any:
    """Keep the account of each query, and the tags and the state of an alarm that is changed, as AWS does."""
    alarms, name = self.cloudwatch_backend.alarms, self._get_param("AlarmName")
    before = alarms.get(name)
    result = original()
    alarm = alarms[name]
    queries = {query["Id"]: query for query in self._get_param("Metrics", [])}
    for query in alarm.metric_data_queries:
        query.account_id = queries[query.id].get("AccountId")
    if before is not None:
        for kept in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
            setattr(alarm, kept, getattr(before, kept))
    return result


def _put_composite_alarm(self: Any) -> Any:
    result = self.put_metric_alarm()
    alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
    for name, attribute in _SUPPRESSOR.items():
        setattr(alarm, attribute, self._get_param(name))
    return result


def _describe_alarms(original: Callable[[], Any], self: Any) -> Any:
    """Answer with alarms on metrics alone unless the other type is asked for, as AWS does."""
    types = self._get_param("AlarmTypes") or ["MetricAlarm"]
    answer = original().result
    return ActionResult({kind: alarms if kind.removesuffix("s") in types else [] for kind, alarms in answer.items()})


def _get_topic_attributes(original: Callable[[], Any], self: Any) -> Any:
    result = original()
    topic = self.backend.get_topic(self._get_param("TopicArn"))
    kept = {name: getattr(topic, attribute, None) for name, attribute in _TOPIC.items()}
    result.result["Attributes"].update({name: value for name, value in kept.items() if value})
    return result


def _subscribe(original: Callable[[], Any], self: Any) -> Any:
    """Read the truth values that come as text, and leave an address to its owner's confirmation."""
    backend = self.backend
    known = set(backend.subscriptions)
    result = original()
    arn = result.result["SubscriptionArn"]
    subscription: Subscription = backend.subscriptions[arn]
    raw = subscription.attributes.get("RawMessageDelivery")
    subscription.attributes["RawMessageDelivery"] = str(raw).lower() == "true"
    if arn not in known and subscription.protocol in _CONFIRMED_BY_A_PERSON:
        subscription.attributes |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
    return result
