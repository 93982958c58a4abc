"""Schedules of EventBridge Scheduler: what is called when, and what is refused from the start."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import botocore.session
from botocore import xform_name

from terrace.sandbox.events import expressions
from terrace.sandbox.events.alarmclock import AlarmClock
from terrace.sandbox.events.metrics import count
from terrace.sandbox.events.post import Letter, Post, UndeliverableError
from terrace.sandbox.events.targets import KINDS, Arn, Call, Clients, tell, token
from terrace.sandbox.provider.shapes import request
from terrace.sandbox.services.extend import Refusal

LATE = timedelta(minutes=5)
"""How long ago a single time may be when its schedule is made; AWS says the same of start dates."""
_UNIVERSAL = re.compile(r"arn:aws(?:-[\w-]+)?:scheduler:::aws-sdk:([\w-]+):(\w+)(?:\.\w+)*")
# The Scheduler calls services as the Java SDK does.
_SERVICES = {
    "cloudwatchlogs": "logs",
    "configservice": "config",
    "eventbridge": "events",
    "sagemakerruntime": "sagemaker-runtime",
    "sfn": "stepfunctions",
}
_READS = re.compile(
    r"(get|describe|list|poll|receive|search|scan|query|select|read|batchGet|detect|view|lookup)(?=[A-Z])"
)
_METRICS = {
    "delivered": ("InvocationAttemptCount",),
    "failed": ("InvocationAttemptCount", "TargetErrorCount", "InvocationDroppedCount"),
    "retried": ("InvocationAttemptCount", "TargetErrorCount"),
    "buried": ("InvocationsSentToDeadLetterCount",),
    "lost": ("InvocationsFailedToBeSentToDeadLetterCount",),
}


@dataclass(frozen=True)
class _Until:
    """An expression with an end."""

    inner: expressions.Expression
    end: datetime | None

    def after(self, moment: datetime) -> datetime | None:
        found = self.inner.after(moment)
        return None if found is None or (self.end is not None and found > self.end) else found


class Schedules:
    """Calls the targets of schedules when they are due.

    Args:
        clock: When.
        post: Delivers.
        clients: Calls targets.
    """

    def __init__(self, clock: AlarmClock, post: Post, clients: Clients) -> None:
        self._clock = clock
        self._post = post
        self._clients = clients

    def check(self, response: Any) -> None:
        """Refuse what AWS refuses of a schedule, beside what the description of the operation says."""
        get = response._get_param
        start, end = _instant(get("StartDate")), _instant(get("EndDate"))
        try:
            zone = _zone(get("ScheduleExpressionTimezone"))
            expressions.parse(get("ScheduleExpression"), zone)
        except (ValueError, ZoneInfoNotFoundError) as wrong:
            what = "ScheduleExpressionTimezone" if isinstance(wrong, ZoneInfoNotFoundError) else "Schedule Expression"
            raise Refusal("ValidationException", f"Invalid {what} {get('ScheduleExpression')}. {wrong}") from None
        if start and end and end < start:
            raise Refusal("ValidationException", "The EndDate you specify cannot be earlier than the StartDate.")
        window = get("FlexibleTimeWindow")
        if window["Mode"] == "FLEXIBLE" and not window.get("MaximumWindowInMinutes"):
            raise Refusal("ValidationException", "MaximumWindowInMinutes is required when Mode is FLEXIBLE.")
        if window["Mode"] == "OFF" and window.get("MaximumWindowInMinutes"):
            raise Refusal("ValidationException", "MaximumWindowInMinutes cannot be set when Mode is OFF.")
        _check_target(get("Target"))

    def changed(self, schedule: Any) -> None:
        """Take up a schedule that was made or changed; moto's object of it."""
        now = datetime.now(UTC)
        start, end = _instant(schedule.start_date), _instant(schedule.end_date)
        said = (schedule.schedule_expression, schedule.schedule_expression_timezone, start)
        known, begun = getattr(schedule, "_terrace_begun", (None, now))
        fresh = known != said
        begun = (start if start and start > now - LATE else now) if fresh else begun
        schedule._terrace_begun = (said, begun)
        found = expressions.parse(schedule.schedule_expression, _zone(schedule.schedule_expression_timezone), begun)
        # A rate is due as soon as it begins, a single time even if it has just passed; a change of anything else than
        # the times repeats neither.
        since = now
        if fresh:
            since = now - LATE if isinstance(found, expressions.At) else begun - timedelta(microseconds=1)

        def due(time: datetime) -> bool:
            if not _is_there(schedule):
                return False
            if schedule.state == "ENABLED":
                self._post.send(self._letter(schedule, time))
            return True

        def ended() -> None:
            if schedule.action_after_completion == "DELETE" and schedule.state == "ENABLED" and _is_there(schedule):
                del _group(schedule).schedules[schedule.name]

        self._clock.set(schedule.arn, _Until(found, end), due, since, ended)

    def _letter(self, schedule: Any, time: datetime) -> Letter:
        target, execution = schedule.target, uuid.uuid4().hex
        scheduled = f"{time:%Y-%m-%dT%H:%M:%SZ}"
        words = {
            "schedule-arn": schedule.arn,
            "scheduled-time": scheduled,
            "execution-id": execution,
        }
        place = Arn.parse(schedule.arn)
        input = target.get("Input")
        text = _filled(input, words) if input else _default(schedule, place, execution, scheduled)
        policy, dead = target.get("RetryPolicy") or {}, (target.get("DeadLetterConfig") or {}).get("Arn")

        def deliver(attempt: int) -> None:
            self._call(schedule, place, text.replace("<aws.scheduler.attempt-number>", str(attempt)), execution)

        def counted(outcome: str) -> None:
            for name in _METRICS[outcome]:
                count((place.account, place.region), "AWS/Scheduler", name, {"ScheduleGroup": schedule.group_name})

        return Letter(
            deliver=deliver,
            body=text.replace("<aws.scheduler.attempt-number>", "1"),
            dead=self._clients.queue(dead) if dead else None,
            attributes={
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": target["Arn"],
                "EXECUTION_ID": execution,
                "SCHEDULED_TIME": scheduled,
            },
            retries=int(policy.get("MaximumRetryAttempts", 185)),
            age=float(policy.get("MaximumEventAgeInSeconds", 86400)),
            count=counted,
            lane=schedule.arn,
        )

    def _call(self, schedule: Any, place: Arn, text: str, execution: str) -> None:
        target = schedule.target
        if found := _UNIVERSAL.fullmatch(target["Arn"]):
            self._universal(place, found[1], found[2], text)
            return
        arn = Arn.parse(target["Arn"])
        if arn.kind == "events event-bus":
            said = target["EventBridgeParameters"]
            entry = {"Source": said["Source"], "DetailType": said["DetailType"], "Detail": text}
            answer = self._clients.at(arn)("events").put_events(Entries=[{**entry, "EventBusName": arn.name}])
            for refused in answer["Entries"]:
                if refused.get("ErrorCode"):
                    raise UndeliverableError("INVALID_PARAMETER", refused["ErrorMessage"])
            return
        given = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
        tell(
            self._clients,
            Call(
                arn=arn,
                text=text,
                own=bool(target.get("Input")),
                token=token(schedule.arn, execution),
                parameters=tuple((parameter["Name"], parameter["Value"]) for parameter in given),
                group=(target.get("SqsParameters") or {}).get("MessageGroupId"),
            ),
        )

    def _universal(self, place: Arn, service: str, action: str, text: str) -> None:
        """Call any operation of any service, as the account of the schedule."""
        client = self._clients.of(place.account, place.region)(_service(service))
        operation = _operation(_service(service), action)
        try:
            params = request(client, operation, json.loads(text) if text else {})
        except (ValueError, LookupError) as wrong:
            raise UndeliverableError("INVALID_PARAMETER", str(wrong)) from wrong
        getattr(client, xform_name(operation))(**params)


def _is_there(schedule: Any) -> bool:
    group = _group(schedule)
    return group is not None and group.schedules.get(schedule.name) is schedule


def _group(schedule: Any) -> Any:
    from moto.scheduler.models import scheduler_backends

    place = Arn.parse(schedule.arn)
    return scheduler_backends[place.account][place.region].schedule_groups.get(schedule.group_name)


def _check_target(target: Mapping[str, Any]) -> None:
    text = target["Arn"]
    if found := _UNIVERSAL.fullmatch(text):
        service, action = found[1], found[2]
        if _READS.match(action):
            raise Refusal("ValidationException", f"{text} is not a supported target: the operation only reads.")
        if not _operation(_service(service), action):
            raise Refusal("ValidationException", f"{text} is not a valid target: there is no such operation.")
        if not target.get("Input"):
            raise Refusal("ValidationException", f"Input is required for the target {text}.")
        return
    arn = Arn.parse(text)
    if arn.kind in ("", "logs log-group"):
        known = KINDS.replace("CloudWatch log groups, ", "")
        message = f"{text} is not a target that the sandbox has: it knows {known}, and arn:aws:scheduler:::aws-sdk:…"
        raise Refusal("ValidationException", message)
    if arn.kind == "events event-bus":
        if not target.get("EventBridgeParameters"):
            raise Refusal("ValidationException", "EventBridgeParameters is required for an event bus.")
        if not target.get("Input"):
            raise Refusal("ValidationException", "Input is required for an event bus.")
    if arn.kind == "sqs" and text.endswith(".fifo") and not target.get("SqsParameters"):
        raise Refusal("ValidationException", "SqsParameters is required for a FIFO queue.")
    dead = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead and (Arn.parse(dead).kind != "sqs" or dead.endswith(".fifo")):
        raise Refusal("ValidationException", f"{dead} is not a dead-letter queue: it is to be a standard SQS queue.")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _default(schedule: Any, place: Arn, execution: str, scheduled: str) -> str:
    """Return what a target without an input of its own gets."""
    return json.dumps(
        {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": place.account,
            "time": scheduled,
            "region": place.region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
    )


def _service(name: str) -> str:
    return _SERVICES.get(name.lower(), name)


def _operation(service: str, action: str) -> str:
    """Return an operation's name in AWS's spelling, nothing where there is none."""
    session = botocore.session.Session()
    if service not in session.get_available_services():
        return ""
    names = {name.lower(): name for name in session.get_service_model(service).operation_names}
    return names.get(action.lower(), "")


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError) as wrong:
        raise ZoneInfoNotFoundError(f"There is no time zone {name!r}.") from wrong


def _instant(date: Any) -> datetime | None:
    """Read a date as moto has it: seconds since 1970, or text."""
    if date in (None, ""):
        return None
    if isinstance(date, datetime):
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    if isinstance(date, int | float):
        return datetime.fromtimestamp(date, UTC)
    found = datetime.fromisoformat(str(date))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
