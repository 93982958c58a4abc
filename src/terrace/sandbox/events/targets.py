"""What can be told of an event, and how: by its ARN, through the sandbox's own API, as any client would."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.room import Server

KINDS = (
    "SageMaker pipelines, SNS topics, SQS queues, CloudWatch log groups, event buses, Step Functions state machines "
    "and CodeBuild projects"
)
"""What the sandbox delivers to, in words."""


@dataclass(frozen=True)
class Arn:
    """The parts of an ARN, and the whole."""

    text: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Split an ARN; what is none has no service."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            return cls(text, "", "", "", text)
        return cls(text, parts[2], parts[3], parts[4], parts[5])

    @property
    def kind(self) -> str:
        """What it is, such as `sagemaker pipeline`; empty where the sandbox cannot deliver to it."""
        head = self.resource.replace(":", "/").partition("/")[0]
        named = f"{self.service} {head}"
        if self.service in ("sns", "sqs") and self.resource and "/" not in self.resource:
            return self.service
        return named if named in _NAMED else ""

    @property
    def name(self) -> str:
        """The last part: a pipeline's, a topic's, a queue's name; a log group's whole one."""
        if self.service == "logs":
            return self.resource.removeprefix("log-group:").removesuffix(":*")
        return self.resource.replace(":", "/").rpartition("/")[2]


_NAMED = (
    "sagemaker pipeline",
    "logs log-group",
    "events event-bus",
    "states stateMachine",
    "codebuild project",
)
NEEDS_ROLE = ("sagemaker pipeline", "states stateMachine", "codebuild project")
"""Kinds that EventBridge calls with a role of the target."""


class Clients:
    """boto3 clients of every account and region that is asked for."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], SandboxClients] = {}

    def of(self, account: str, region: str) -> SandboxClients:
        """Return the clients of an account and region."""
        with self._lock:
            if (account, region) not in self._made:
                self._made[account, region] = SandboxClients(self._server.url, account, region)
            return self._made[account, region]

    def at(self, arn: Arn) -> SandboxClients:
        """Return the clients of where something is."""
        return self.of(arn.account, arn.region)

    def queue(self, text: str) -> Callable[[str, Mapping[str, str]], None]:
        """Return what puts a text with attributes into the queue of an ARN."""

        def send(body: str, attributes: Mapping[str, str]) -> None:
            arn = Arn.parse(text)
            sqs = self.at(arn)("sqs")
            told = {
                name: {"DataType": "Number" if name == "RETRY_ATTEMPTS" else "String", "StringValue": value}
                for name, value in attributes.items()
            }
            url = sqs.get_queue_url(QueueName=arn.name)["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=told)

        return send


@dataclass(frozen=True)
class Call:
    """What one target is told.

    Attributes:
        arn: The target.
        text: The input, after whatever transformed it.
        own: The input is the target's own, not the event as it came.
        token: The same for every attempt to deliver the same to the same target.
        parameters: Of a pipeline.
        group: Of a FIFO queue's messages.
    """

    arn: Arn
    text: str
    own: bool
    token: str
    parameters: tuple[tuple[str, str], ...] = ()
    group: str | None = None


def tell(clients: Clients, call: Call) -> None:
    """Call a target through its service's API. Event buses are told elsewhere: they keep the event as it is.

    Raises:
        ClientError: The service refuses.
    """
    _TELLERS[call.arn.kind](clients.at(call.arn), call)


def _pipeline(aws: SandboxClients, call: Call) -> None:
    aws("sagemaker").start_pipeline_execution(
        PipelineName=call.arn.name,
        PipelineParameters=[{"Name": name, "Value": value} for name, value in call.parameters],
        ClientRequestToken=call.token,
    )


def _topic(aws: SandboxClients, call: Call) -> None:
    aws("sns").publish(TopicArn=call.arn.text, Message=call.text)


def _queue(aws: SandboxClients, call: Call) -> None:
    sqs = aws("sqs")
    grouped = {"MessageGroupId": call.group} if call.group else {}
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=call.arn.name)["QueueUrl"], MessageBody=call.text, **grouped)


def _log_group(aws: SandboxClients, call: Call) -> None:
    logs, stream = aws("logs"), call.token
    logs.create_log_stream(logGroupName=call.arn.name, logStreamName=stream)
    line = {"timestamp": int(time.time() * 1000), "message": call.text}
    logs.put_log_events(logGroupName=call.arn.name, logStreamName=stream, logEvents=[line])


def _state_machine(aws: SandboxClients, call: Call) -> None:
    aws("stepfunctions").start_execution(stateMachineArn=call.arn.text, name=call.token, input=call.text)


def _project(aws: SandboxClients, call: Call) -> None:
    # A target's own input overrides settings of the build; an event as it came overrides none.
    settings = json.loads(call.text) if call.own else {}
    aws("codebuild").start_build(**{**settings, "projectName": call.arn.name})


def token(*parts: str) -> str:
    """Return an id that is the same for the same parts, 36 characters."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(parts)))


_TELLERS: dict[str, Callable[[SandboxClients, Call], None]] = {
    "sagemaker pipeline": _pipeline,
    "sns": _topic,
    "sqs": _queue,
    "logs log-group": _log_group,
    "states stateMachine": _state_machine,
    "codebuild project": _project,
}
