"""Rules of EventBridge, which send what matches to their targets, in the place of moto's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern, EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler

from terrace.sandbox.bus import Happening
from terrace.sandbox.events import expressions, patterns
from terrace.sandbox.events.inputs import MISSING, at_path, target_input
from terrace.sandbox.events.metrics import count
from terrace.sandbox.events.post import Letter, Post, UndeliverableError
from terrace.sandbox.events.targets import KINDS, NEEDS_ROLE, Arn, Call, Clients, tell, token
from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.services.kept import wrap

TARGETS = 5
"""How many targets a rule may have, by AWS's quota."""
HOPS = 5
"""How many buses an event may pass. AWS stops events that go round in a circle too."""
_METRICS = {
    "delivered": ("Invocations",),
    "failed": ("Invocations", "FailedInvocations"),
    "retried": ("RetryInvocationAttempts",),
    "buried": ("InvocationsSentToDlq",),
    "lost": ("InvocationsFailedToBeSentToDlq",),
}


class Rules:
    """Sends events to the targets of rules.

    Args:
        post: Delivers.
        clients: Calls targets.
    """

    def __init__(self, post: Post, clients: Clients) -> None:
        self._post = post
        self._clients = clients

    def install(self, scheduled: Callable[[Rule], None]) -> None:
        """Stand in the place of moto's rules. Once in a process, before the server starts.

        Args:
            scheduled: Told of each rule that has a schedule, when it is made or changed.
        """

        def send_to_targets(rule: Any, original_event: Any, transform_input: bool = True) -> None:
            self.offer(rule, _normal(original_event))

        def put_rule(original: Callable[[], Any], backend: Any) -> Any:
            rule = original()
            if rule.scheduled_expression:
                scheduled(rule)
            return rule

        setattr(Rule, "send_to_targets", send_to_targets)  # noqa: B010
        wrap(EventsBackend, "put_rule", put_rule)
        wrap(EventsHandler, "put_events", _check_events)
        setattr(EventsHandler, "test_event_pattern", _test_event_pattern)  # noqa: B010
        wrap(EventsHandler, "put_rule", _check_rule)
        wrap(EventsHandler, "put_targets", _check_targets)

    def happened(self, happening: Happening) -> None:
        """Put something that happened in the sandbox on the default bus of its account and region."""
        self.arrive(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": happening.detail_type,
                "source": happening.source,
                "account": happening.account,
                "time": f"{happening.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "region": happening.region,
                "resources": list(happening.resources),
                "detail": json.loads(json.dumps(happening.detail, default=_plain)),
            },
            happening.account,
            happening.region,
        )

    def arrive(self, event: Mapping[str, Any], account: str, region: str, bus: str = "default", hops: int = 0) -> None:
        """Offer an event to all rules of a bus.

        Raises:
            UndeliverableError: There is no such bus, or the event passed too many.
        """
        buses = events_backends[account][region].event_buses
        if bus not in buses:
            raise UndeliverableError("NO_RESOURCE", f"Event bus {bus} does not exist in {account}, {region}.")
        if hops > HOPS:
            raise UndeliverableError("INTERNAL_ERROR", f"The event has passed {HOPS} event buses.")
        for rule in list(buses[bus].rules.values()):
            self.offer(rule, event, hops)

    def offer(self, rule: Any, event: Mapping[str, Any], hops: int = 0) -> None:
        """Send an event to the targets of a rule if it is enabled and the event is one of those that it is for."""
        pattern = rule.event_pattern
        # A rule that has a schedule and no pattern is for no event at all.
        if rule.state == "DISABLED" or not pattern.get_pattern() or not pattern.matches_event(event):
            return
        self._count(rule, "MatchedEvents")
        self.trigger(rule, event, hops)

    def trigger(self, rule: Any, event: Mapping[str, Any], hops: int = 0) -> None:
        """Send an event to all targets of a rule."""
        if rule.managed_by:
            _archive(rule, event)
            return
        self._count(rule, "TriggeredRules")
        for target in list(rule.targets):
            self._post.send(self._letter(rule, target, event, hops))

    def _letter(self, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any], hops: int) -> Letter:
        policy = target.get("RetryPolicy") or {}
        dead = (target.get("DeadLetterConfig") or {}).get("Arn")

        def counted(outcome: str) -> None:
            for name in _METRICS[outcome]:
                self._count(rule, name)

        return Letter(
            deliver=lambda attempt: self._deliver(rule, target, event, hops),
            body=json.dumps(event),
            dead=self._clients.queue(dead) if dead else None,
            attributes={"RULE_ARN": rule.arn, "TARGET_ARN": target["Arn"]},
            retries=int(policy.get("MaximumRetryAttempts", 185)),
            age=float(policy.get("MaximumEventAgeInSeconds", 86400)),
            count=counted,
            lane=f"{rule.arn} {target['Id']}",
        )

    def _deliver(self, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any], hops: int) -> None:
        arn = Arn.parse(target["Arn"])
        if arn.kind == "events event-bus":
            self.arrive(event, arn.account, arn.region, arn.name, hops + 1)
            return
        if not arn.kind:
            raise UndeliverableError("NO_RESOURCE", _cannot(target["Arn"]))
        try:
            text = target_input(target, event, rule.arn, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
            parameters = _parameters(target, event)
        except ValueError as wrong:
            raise UndeliverableError("INVALID_JSON", str(wrong)) from wrong
        tell(
            self._clients,
            Call(
                arn=arn,
                text=text,
                own=any(target.get(key) for key in ("Input", "InputPath", "InputTransformer")),
                token=token(rule.arn, target["Id"], event["id"]),
                parameters=parameters,
                group=(target.get("SqsParameters") or {}).get("MessageGroupId"),
            ),
        )

    def _count(self, rule: Any, name: str) -> None:
        count((rule.account_id, rule.region_name), "AWS/Events", name, {"RuleName": rule.name})


def _parameters(target: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a pipeline: a value that is a path is what the event has there.

    A parameter whose path leads nowhere is left to the pipeline's default.
    """
    given = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
    found = []
    for parameter in given:
        value = parameter["Value"]
        if value.startswith("$."):
            value = at_path(event, value)
        if value is not MISSING and value is not None:
            found.append((parameter["Name"], value if isinstance(value, str) else json.dumps(value)))
    return tuple(found)


def _normal(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as AWS passes it on; moto keeps its time as a number."""
    normal = {key: value for key, value in event.items() if key != "ingestion-time"}
    time = event["time"]
    if not isinstance(time, str):
        normal["time"] = f"{datetime.fromtimestamp(float(time), UTC):%Y-%m-%dT%H:%M:%SZ}"
    return normal


def _archive(rule: Any, event: Mapping[str, Any]) -> None:
    """Keep an event in the archive that a rule was made for."""
    archives: Mapping[str, Any] = events_backends[rule.account_id][rule.region_name].archives
    archive = archives.get(rule.name.removeprefix("Events-Archive-"))
    if archive is not None:
        archive.events.append(dict(event))


def _check_rule(original: Callable[[], Any], response: Any) -> Any:
    _pattern(response._get_param("EventPattern"))
    expression = response._get_param("ScheduleExpression")
    if expression:
        try:
            found = expressions.parse(expression)
            # Unlike the Scheduler, rules know no single time, and count one minute in the singular.
            plural = expression.endswith("s)")
            single = isinstance(found, expressions.Rate) and expression.startswith("rate(1 ")
            if isinstance(found, expressions.At) or (isinstance(found, expressions.Rate) and plural == single):
                raise ValueError
        except ValueError:
            raise Refusal("ValidationException", "Parameter ScheduleExpression is not valid.") from None
    return original()


def _pattern(text: str | None) -> EventPattern:
    """Return a pattern, or refuse what is none."""
    pattern = EventPattern.load(text)
    try:
        patterns.check(pattern.get_pattern())
    except ValueError as wrong:
        raise InvalidEventPatternException(reason=str(wrong)) from None
    return pattern


def _test_event_pattern(response: Any) -> str:
    pattern = _pattern(response._get_param("EventPattern"))
    try:
        event = json.loads(response._get_param("Event"))
    except ValueError:
        raise Refusal("ValidationException", "Parameter Event is not valid. Reason: Invalid JSON.") from None
    return json.dumps({"Result": pattern.matches_event(event)})


def _check_events(original: Callable[[], Any], response: Any) -> Any:
    """Refuse entries that pretend to be of AWS, one by one, as AWS does."""
    entries = response._get_param("Entries") or []
    reserved = [str(entry.get("Source", "")).startswith("aws.") for entry in entries]
    if not any(reserved):
        return original()
    code = "NotAuthorizedForSourceException"
    refused = {"ErrorCode": code, "ErrorMessage": "Not authorized for the source."}
    told = iter(response.events_backend.put_events([e for e, no in zip(entries, reserved, strict=True) if not no]))
    said = [refused if no else next(told) for no in reserved]
    return json.dumps({"FailedEntryCount": sum("ErrorCode" in one for one in said), "Entries": said})


def _check_targets(original: Callable[[], Any], response: Any) -> Any:
    given = response._get_param("Targets") or ()
    for target in given:
        _check_target(target)
    buses = response.events_backend.event_buses
    bus = buses.get(str(response._get_param("EventBusName") or "default").rpartition("/")[2])
    rule = bus.rules.get(response._get_param("Rule")) if bus else None
    known = {target["Id"] for target in rule.targets} if rule else set()
    if len(known | {target["Id"] for target in given}) > TARGETS:
        raise Refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    return original()


def _check_target(target: Mapping[str, Any]) -> None:
    """Refuse a target that nothing could ever be delivered to."""
    text, id = target["Arn"], target["Id"]
    arn = Arn.parse(text)
    if not arn.service:
        reason = "Provided Arn is not in correct format."
        raise Refusal("ValidationException", f"Parameter {text} is not valid. Reason: {reason}")
    if not arn.kind:
        raise Refusal("ValidationException", _cannot(text))
    if arn.kind in NEEDS_ROLE and not target.get("RoleArn"):
        raise Refusal("ValidationException", f"RoleArn is required for target {text}.")
    kinds = [key for key in ("Input", "InputPath", "InputTransformer") if target.get(key) is not None]
    if len(kinds) > 1:
        message = f"Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        raise Refusal("ValidationException", message)
    paths = list(((target.get("InputTransformer") or {}).get("InputPathsMap") or {}).values())
    for path in [*paths, *([target["InputPath"]] if target.get("InputPath") else [])]:
        _check_path(path)
    dead = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead and (Arn.parse(dead).kind != "sqs" or dead.endswith(".fifo")):
        reason = "A dead-letter queue is a standard SQS queue."
        raise Refusal("ValidationException", f"Parameter {dead} is not valid. Reason: {reason}")


def _check_path(path: str) -> None:
    try:
        at_path({}, path)
    except ValueError as wrong:
        raise Refusal("ValidationException", f"Parameter {path} is not valid. Reason: {wrong}.") from None


def _cannot(arn: str) -> str:
    return f"The sandbox delivers no events to {arn}: it knows {KINDS}."


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
