"""Rules of EventBridge and their targets. Their tokens are CloudWatch's."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Failure, Handler, Props, State
from terrace.sandbox.provider.errors import RefusedError
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map

_MISSING = "ResourceNotFoundException"
_DEFAULT_BUS = "default"


class EventRule(Handler):
    """Which events, or at which times. Its id is its name, on another bus than the default `bus/name`."""

    type = "aws:cloudwatch/eventRule:EventRule"
    inputs = {
        "description": str,
        "eventBusName": str,
        "eventPattern": str,
        "forceDestroy": bool,
        "name": str,
        "roleArn": str,
        "scheduleExpression": str,
        "state": str,
        "tags": dict,
    }
    required = frozenset({"name"})
    replace = frozenset({"eventBusName", "name"})
    documents = frozenset({"eventPattern"})
    delete_before_replace = True

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if inputs.get("eventPattern") is None and inputs.get("scheduleExpression") is None:
            failures.append(Failure("eventPattern", "is required, or scheduleExpression in its place"))
        return failures

    def diff(self, old: Props, new: Props) -> Diff:
        # Like the real provider: what is no longer said of the state leaves it as it is.
        kept = {"state": old["state"]} if old.get("state") and not new.get("state") else {}
        return super().diff(_defaults(old), {**_defaults(new), **kept})

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("events")
        client.put_rule(**self._settings(client, inputs), Tags=tag_list(inputs))
        return self._made(aws, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client, (bus, name) = aws("events"), _split(id)
        seen = found(client.describe_rule, _MISSING, Name=name, EventBusName=bus)
        if seen is None:
            return None
        tags = tag_map(client.list_tags_for_resource(ResourceARN=seen["Arn"])["Tags"])
        like = without(inputs or dict.fromkeys(self.inputs), "eventBusName", "forceDestroy")
        outputs = response(self.inputs, like, {**seen, "Tags": tags})
        told = {key: inputs[key] for key in ("eventBusName", "forceDestroy") if key in inputs}
        return State(
            id,
            {
                "eventBusName": bus,
                "name": name,
                "state": seen["State"],
                **outputs,
                **told,
                "arn": seen["Arn"],
                "tagsAll": tags,
            },
        )

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("events")
        client.put_rule(**self._settings(client, new))
        state = self._made(aws, new)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_resource(ResourceARN=state.outputs["arn"], TagKeys=gone)
        if put:
            client.tag_resource(ResourceARN=state.outputs["arn"], Tags=tag_list({"tags": put}))
        return self._made(aws, new) if put or gone else state

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        bus, name = _split(id)
        force = bool(inputs.get("forceDestroy"))
        found(aws("events").delete_rule, _MISSING, Name=name, EventBusName=bus, Force=force)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        id = _rule_id(inputs)
        return id if self.read(aws, id, inputs) else None

    def _settings(self, client: Any, inputs: Props) -> dict[str, Any]:
        return request(client, "PutRule", without(inputs, "forceDestroy", "tags"))

    def _made(self, aws: Clients, inputs: Props) -> State:
        state = self.read(aws, _rule_id(inputs), inputs)
        if state is None:
            raise LookupError(f"rule {inputs['name']} is gone right after it was set")
        return state


class EventTarget(Handler):
    """Where the events of a rule go. Its id is `rule-target`, on another bus than the default `bus-rule-target`."""

    type = "aws:cloudwatch/eventTarget:EventTarget"
    inputs = {
        "arn": str,
        "deadLetterConfig": {"arn": str},
        "eventBusName": str,
        "forceDestroy": bool,
        "input": str,
        "inputPath": str,
        "inputTransformer": {"inputPaths": dict, "inputTemplate": str},
        "retryPolicy": {"maximumEventAgeInSeconds": int, "maximumRetryAttempts": int},
        "roleArn": str,
        "rule": str,
        "sagemakerPipelineTarget": {"pipelineParameterLists": [{"name": str, "value": str}]},
        "sqsTarget": {"messageGroupId": str},
        "targetId": str,
    }
    required = frozenset(
        {
            "arn",
            "inputTransformer.inputTemplate",
            "rule",
            "sagemakerPipelineTarget.pipelineParameterLists.name",
            "sagemakerPipelineTarget.pipelineParameterLists.value",
            "targetId",
        }
    )
    replace = frozenset({"eventBusName", "rule", "targetId"})
    sets = frozenset({"sagemakerPipelineTarget.pipelineParameterLists"})
    delete_before_replace = True
    names = {
        "inputPaths": "InputPathsMap",
        "pipelineParameterLists": "PipelineParameterList",
        "sagemakerPipelineTarget": "SageMakerPipelineParameters",
        "sqsTarget": "SqsParameters",
        "targetId": "Id",
    }

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        given = [name for name in ("input", "inputPath", "inputTransformer") if inputs.get(name) is not None]
        if len(given) > 1:
            failures.append(Failure(given[1], f"cannot be set beside {given[0]}: a target has one kind of input"))
        return failures

    def diff(self, old: Props, new: Props) -> Diff:
        return super().diff(_defaults(old), _defaults(new))

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("events")
        target = without(inputs, "eventBusName", "forceDestroy", "rule")
        settings = {"rule": inputs["rule"], "eventBusName": _bus(inputs), "targets": [target]}
        answer = client.put_targets(**request(client, "PutTargets", settings, self.names))
        for entry in answer.get("FailedEntries", ()):
            raise RefusedError(f"target {entry['TargetId']}: {entry['ErrorMessage']}", entry["ErrorCode"])
        state = self.read(aws, _target_id(inputs), inputs)
        if state is None:
            raise LookupError(f"target {inputs['targetId']} is gone right after it was set")
        return state

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        if not inputs:
            id, inputs = _named(id)
        pages = aws("events").get_paginator("list_targets_by_rule")
        asked = {"Rule": inputs["rule"], "EventBusName": _bus(inputs)}
        for page in found(lambda: list(pages.paginate(**asked)), _MISSING) or ():
            for seen in page["Targets"]:
                if seen["Id"] == inputs["targetId"]:
                    return self._state(id, inputs, seen)
        return None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        # AWS puts a target in the place of the one with its id.
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        asked = {"Rule": inputs["rule"], "EventBusName": _bus(inputs), "Ids": [inputs["targetId"]]}
        found(aws("events").remove_targets, _MISSING, Force=bool(inputs.get("forceDestroy")), **asked)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        id = _target_id(inputs)
        return id if self.read(aws, id, inputs) else None

    def _state(self, id: str, inputs: Props, seen: Props) -> State:
        told = ("eventBusName", "forceDestroy", "rule")
        # Of a target that is imported nothing but its name is known.
        like = inputs if "arn" in inputs else dict.fromkeys(self.inputs)
        outputs = response(self.inputs, without(like, *told), seen, self.names)
        return State(id, {"eventBusName": _DEFAULT_BUS, **outputs, **{k: inputs[k] for k in told if k in inputs}})


def _bus(inputs: Props) -> str:
    return str(inputs.get("eventBusName") or _DEFAULT_BUS)


def _defaults(inputs: Props) -> Props:
    """Return inputs with what the real provider fills in."""
    return {"eventBusName": _DEFAULT_BUS, "forceDestroy": False, **inputs}


def _rule_id(inputs: Props) -> str:
    bus = _bus(inputs)
    return str(inputs["name"]) if bus == _DEFAULT_BUS else f"{bus}/{inputs['name']}"


def _split(id: str) -> tuple[str, str]:
    bus, _, name = id.rpartition("/")
    return bus or _DEFAULT_BUS, name


def _target_id(inputs: Props) -> str:
    parts = [inputs["rule"], inputs["targetId"]]
    return "-".join(parts if _bus(inputs) == _DEFAULT_BUS else [_bus(inputs), *parts])


def _named(id: str) -> tuple[str, dict[str, str]]:
    """Return the id of a target that is imported as `rule/target` or `bus/rule/target`, and what the name says."""
    *bus, rule, target = id.split("/")
    inputs = {"eventBusName": "/".join(bus) or _DEFAULT_BUS, "rule": rule, "targetId": target}
    return _target_id(inputs), inputs
