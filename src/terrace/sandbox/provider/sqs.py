"""Queues, and who may send to them."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Diff, Failure, Handler, Props, State
from terrace.sandbox.provider.documents import same_policy
from terrace.sandbox.provider.shapes import found
from terrace.sandbox.provider.tags import tag_changes

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

_ATTRIBUTES: dict[str, tuple[str, str]] = {
    "contentBasedDeduplication": ("ContentBasedDeduplication", "false"),
    "deduplicationScope": ("DeduplicationScope", "queue"),
    "delaySeconds": ("DelaySeconds", "0"),
    "fifoQueue": ("FifoQueue", "false"),
    "fifoThroughputLimit": ("FifoThroughputLimit", "perQueue"),
    "kmsDataKeyReusePeriodSeconds": ("KmsDataKeyReusePeriodSeconds", "300"),
    "kmsMasterKeyId": ("KmsMasterKeyId", ""),
    "maxMessageSize": ("MaximumMessageSize", "1048576"),
    "messageRetentionSeconds": ("MessageRetentionPeriod", "345600"),
    "policy": ("Policy", ""),
    "receiveWaitTimeSeconds": ("ReceiveMessageWaitTimeSeconds", "0"),
    "redriveAllowPolicy": ("RedriveAllowPolicy", ""),
    "redrivePolicy": ("RedrivePolicy", ""),
    "sqsManagedSseEnabled": ("SqsManagedSseEnabled", "true"),
    "visibilityTimeoutSeconds": ("VisibilityTimeout", "30"),
}
"""Input → AWS's attribute, and what a queue has that is told nothing."""
_COMPUTED = ("deduplicationScope", "fifoThroughputLimit", "policy", "redriveAllowPolicy", "redrivePolicy")
"""Inputs that the real provider leaves as they are when they are no longer given."""


class Queue(Handler):
    """A queue. Its id is its URL."""

    type = "aws:sqs/queue:Queue"
    inputs = {
        "contentBasedDeduplication": bool,
        "deduplicationScope": str,
        "delaySeconds": int,
        "fifoQueue": bool,
        "fifoThroughputLimit": str,
        "kmsDataKeyReusePeriodSeconds": int,
        "kmsMasterKeyId": str,
        "maxMessageSize": int,
        "messageRetentionSeconds": int,
        "name": str,
        "policy": str,
        "receiveWaitTimeSeconds": int,
        "redriveAllowPolicy": str,
        "redrivePolicy": str,
        "sqsManagedSseEnabled": bool,
        "tags": dict,
        "visibilityTimeoutSeconds": int,
    }
    required = frozenset({"name"})
    replace = frozenset({"fifoQueue", "name"})
    policies = frozenset({"policy"})
    documents = frozenset({"redriveAllowPolicy", "redrivePolicy"})
    delete_before_replace = True

    def check(self, inputs: Props) -> list[Failure]:
        failures = super().check(inputs)
        if inputs.get("kmsMasterKeyId") and inputs.get("sqsManagedSseEnabled") is not None:
            failures.append(Failure("sqsManagedSseEnabled", "cannot be set beside kmsMasterKeyId"))
        if inputs.get("contentBasedDeduplication") and not inputs.get("fifoQueue"):
            failures.append(Failure("contentBasedDeduplication", "can only be set for a FIFO queue"))
        return failures

    def diff(self, old: Props, new: Props) -> Diff:
        kept = {key: old[key] for key in _COMPUTED if old.get(key) and new.get(key) is None}
        return super().diff(old, {**new, **kept})

    def create(self, aws: Clients, inputs: Props) -> State:
        attributes = {_ATTRIBUTES[key][0]: _written(value) for key, value in _given(inputs).items()}
        made = aws("sqs").create_queue(
            QueueName=inputs["name"], Attributes=attributes, tags=dict(inputs.get("tags") or {})
        )
        return self._made(aws, made["QueueUrl"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sqs")
        seen = found(client.get_queue_attributes, *_MISSING, QueueUrl=id, AttributeNames=["All"])
        if seen is None:
            return None
        tags = client.list_queue_tags(QueueUrl=id).get("Tags", {})
        attributes = seen["Attributes"]
        outputs: dict[str, Any] = {}
        for key in _given(inputs) if inputs else _ATTRIBUTES:
            shown = attributes.get(_ATTRIBUTES[key][0])
            if shown not in (None, ""):
                outputs[key] = self._parsed(key, shown)
        if not inputs.get("fifoQueue") and "fifoQueue" in inputs:
            outputs["fifoQueue"] = False  # AWS tells this of a FIFO queue only
        if "tags" in inputs or not inputs:
            outputs["tags"] = tags
        arn = attributes["QueueArn"]
        return State(id, {**outputs, "name": arn.rsplit(":", 1)[1], "arn": arn, "url": id, "tagsAll": tags})

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sqs")
        before, after = _given(old), _given(new)
        changed = {
            _ATTRIBUTES[key][0]: _written(after.get(key, _ATTRIBUTES[key][1]))
            for key in {*before, *after} - {"fifoQueue"}
            if before.get(key) != after.get(key) and not (key in _COMPUTED and key not in after)
        }
        if changed:
            client.set_queue_attributes(QueueUrl=id, Attributes=changed)
        put, gone = tag_changes(old, new)
        if gone:
            client.untag_queue(QueueUrl=id, TagKeys=gone)
        if put:
            client.tag_queue(QueueUrl=id, Tags=put)
        return self._made(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sqs").delete_queue, *_MISSING, QueueUrl=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        seen = found(aws("sqs").get_queue_url, *_MISSING, QueueName=inputs["name"])
        return str(seen["QueueUrl"]) if seen else None

    def _made(self, aws: Clients, id: str, inputs: Props) -> State:
        state = self.read(aws, id, inputs)
        if state is None:
            raise LookupError(f"queue {inputs['name']} is gone right after it was set")
        return state

    def _parsed(self, key: str, shown: str) -> Any:
        kind = self.inputs[key]
        return int(shown) if kind is int else shown == "true" if kind is bool else shown


class QueuePolicy(Handler):
    """Who may send to a queue. Its id is the queue's URL."""

    type = "aws:sqs/queuePolicy:QueuePolicy"
    inputs = {"policy": str, "queueUrl": str}
    required = frozenset(inputs)
    replace = frozenset({"queueUrl"})
    policies = frozenset({"policy"})

    def create(self, aws: Clients, inputs: Props) -> State:
        url = inputs["queueUrl"]
        aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs["policy"]})
        return State(url, {"policy": inputs["policy"], "queueUrl": url})

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = found(aws("sqs").get_queue_attributes, *_MISSING, QueueUrl=id, AttributeNames=["Policy"])
        policy = seen and seen.get("Attributes", {}).get("Policy")
        return State(id, {"policy": policy, "queueUrl": id}) if policy else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        return self.create(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sqs").set_queue_attributes, *_MISSING, QueueUrl=id, Attributes={"Policy": ""})

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, inputs["queueUrl"], inputs)
        return state.id if state and same_policy(state.outputs["policy"], inputs["policy"]) else None


def _given(inputs: Props) -> dict[str, Any]:
    """Return the attributes that inputs set. That a queue is no FIFO queue goes without saying, to AWS too."""
    given = {key: inputs[key] for key in _ATTRIBUTES if inputs.get(key) is not None}
    return given if given.get("fifoQueue", True) else {key: given[key] for key in given if key != "fifoQueue"}


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


HANDLERS = (Queue, QueuePolicy)
