"""Schedules of EventBridge Scheduler, and the groups they are in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Handler, Props, State
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "ResourceNotFoundException"
_DEFAULTS = {"groupName": "default", "scheduleExpressionTimezone": "UTC", "state": "ENABLED"}
_DATES = ("endDate", "startDate")


class ScheduleGroup(Handler):
    """A group of schedules. Its id is its name."""

    type = "aws:scheduler/scheduleGroup:ScheduleGroup"
    inputs = {"name": str, "tags": dict}
    required = frozenset({"name"})
    replace = frozenset({"name"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        aws("scheduler").create_schedule_group(Name=inputs["name"], Tags=tag_list(inputs))
        return self._made(aws, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("scheduler")
        seen = found(client.get_schedule_group, _MISSING, Name=id)
        if seen is None or seen["State"] == "DELETING":
            return None
        tags = tag_map(client.list_tags_for_resource(ResourceArn=seen["Arn"])["Tags"])
        outputs: dict[str, Any] = {"tags": tags} if "tags" in inputs or not inputs else {}
        dates = {
            "creationDate": _text(seen["CreationDate"]),
            "lastModificationDate": _text(seen["LastModificationDate"]),
        }
        return State(id, {"name": id, **outputs, "arn": seen["Arn"], "state": seen["State"], "tagsAll": tags, **dates})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client, state = aws("scheduler"), self._made(aws, new)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(ResourceArn=state.outputs["arn"], TagKeys=gone)
        if put:
            client.tag_resource(ResourceArn=state.outputs["arn"], Tags=tag_list({"tags": put}))
        return self._made(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("scheduler").delete_schedule_group, _MISSING, Name=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return str(inputs["name"]) if self.read(aws, inputs["name"], inputs) else None

    def _made(self, aws: Clients, inputs: Props) -> State:
        state = self.read(aws, inputs["name"], inputs)
        if state is None:
            raise LookupError(f"schedule group {inputs['name']} is gone right after it was set")
        return state


class Schedule(Handler):
    """What is to be called when. Its id is `group/name`."""

    type = "aws:scheduler/schedule:Schedule"
    inputs = {
        "actionAfterCompletion": str,
        "description": str,
        "endDate": str,
        "flexibleTimeWindow": {"maximumWindowInMinutes": int, "mode": str},
        "groupName": str,
        "kmsKeyArn": str,
        "name": str,
        "scheduleExpression": str,
        "scheduleExpressionTimezone": str,
        "startDate": str,
        "state": str,
        "target": {
            "arn": str,
            "deadLetterConfig": {"arn": str},
            "eventbridgeParameters": {"detailType": str, "source": str},
            "input": str,
            "retryPolicy": {"maximumEventAgeInSeconds": int, "maximumRetryAttempts": int},
            "roleArn": str,
            "sagemakerPipelineParameters": {"pipelineParameters": [{"name": str, "value": str}]},
            "sqsParameters": {"messageGroupId": str},
        },
    }
    required = frozenset(
        {
            "flexibleTimeWindow",
            "flexibleTimeWindow.mode",
            "name",
            "scheduleExpression",
            "target",
            "target.arn",
            "target.deadLetterConfig.arn",
            "target.eventbridgeParameters.detailType",
            "target.eventbridgeParameters.source",
            "target.roleArn",
            "target.sagemakerPipelineParameters.pipelineParameters.name",
            "target.sagemakerPipelineParameters.pipelineParameters.value",
        }
    )
    replace = frozenset({"groupName", "name"})
    sets = frozenset({"target.sagemakerPipelineParameters.pipelineParameters"})
    delete_before_replace = True
    names = {"pipelineParameters": "PipelineParameterList"}

    def diff(self, old: Props, new: Props) -> Diff:
        return super().diff(_comparable(old), _comparable(new))

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("scheduler")
        client.create_schedule(**request(client, "CreateSchedule", inputs, self.names))
        return self._made(aws, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        group, _, name = id.partition("/")
        seen = found(aws("scheduler").get_schedule, _MISSING, GroupName=group, Name=name)
        if seen is None:
            return None
        like = inputs or dict.fromkeys(self.inputs)
        outputs = response(self.inputs, without(like, *_DATES), seen, self.names)
        for key in _DATES:
            date = seen.get(key[0].upper() + key[1:])
            if key in like and date:
                # The same instant keeps the spelling it was given in.
                given = inputs.get(key)
                outputs[key] = given if given and _instant(given) == date else _text(date)
        return State(id, {"groupName": group, "name": name, "state": seen["State"], **outputs, "arn": seen["Arn"]})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("scheduler")
        # AWS sets whatever an update leaves out to its default.
        client.update_schedule(**request(client, "UpdateSchedule", new, self.names))
        return self._made(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        group, _, name = id.partition("/")
        found(aws("scheduler").delete_schedule, _MISSING, GroupName=group, Name=name)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        id = _id(inputs)
        return id if self.read(aws, id, inputs) else None

    def _made(self, aws: Clients, inputs: Props) -> State:
        state = self.read(aws, _id(inputs), inputs)
        if state is None:
            raise LookupError(f"schedule {inputs['name']} is gone right after it was set")
        return state


def _id(inputs: Props) -> str:
    return f"{inputs.get('groupName') or 'default'}/{inputs['name']}"


def _comparable(inputs: Props) -> dict[str, Any]:
    """Return inputs with what the real provider fills in, and dates as instants."""
    dates = {key: _text(_instant(inputs[key])) for key in _DATES if isinstance(inputs.get(key), str)}
    # What is completed is kept unless something else is said, and the real provider leaves what was said before.
    return {**_DEFAULTS, **inputs, **dates}


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None  # AWS is who refuses it


def _text(date: Any) -> str:
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(date, datetime) else ""


HANDLERS = (Schedule, ScheduleGroup)
