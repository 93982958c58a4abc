"""The endpoint, from the inputs of a program to what AWS shows, and what is told when it does not come up."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from provider_case import REGION, Case, live, named, uncovered

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, State
from terrace.sandbox.provider.sagemaker import Endpoint

ENDPOINT = Endpoint()
SERVER = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))), Healthy).serve_forever()
"""


def _look(aws: Clients, state: State) -> Any:
    client = aws("sagemaker")
    seen = client.describe_endpoint(EndpointName=state.id)
    return {**seen, "Tags": named(client.list_tags(ResourceArn=seen["EndpointArn"])["Tags"])}


def _configs(aws: Clients) -> dict[str, str]:
    """Make two configurations of a model whose image only says that it is healthy."""
    client = aws("sagemaker")
    url = client.meta.endpoint_url
    image = f"{aws.account}.dkr.ecr.{REGION}.amazonaws.com/healthy:1"
    said = {"uri": image, "python": sys.executable, "entrypoint": ["python", "-c", SERVER]}
    request = urllib.request.Request(f"{url}/_terrace/images", json.dumps(said).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        assert "error" not in json.load(answer)
    role = f"arn:aws:iam::{aws.account}:role/serve"
    client.create_model(ModelName="churn", ExecutionRoleArn=role, PrimaryContainer={"Image": image})
    variant = {"ModelName": "churn", "VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    for name in ("churn-1", "churn-2"):
        client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return {}


def _deployed(n: int, **how: Any) -> dict[str, Any]:
    return {
        "deploymentConfig": {"autoRollbackConfiguration": {"alarms": [{"alarmName": "churn-latency"}]}, **how},
        "endpointConfigName": f"churn-{n + 1}",
        "name": "churn",
        "tags": ({"owner": "ml@example.com", "level": "0"}, {"owner": "platform@example.com"})[n],
    }


def _shifted(n: int, kind: str, step: str) -> dict[str, Any]:
    traffic = {
        step: {"type": ("INSTANCE_COUNT", "CAPACITY_PERCENT")[n], "value": 1 + n},
        "type": kind,
        "waitIntervalInSeconds": 60 + n,
    }
    policy = {"maximumExecutionTimeoutInSeconds": 900 + n, "terminationWaitInSeconds": 30 + n}
    return _deployed(n, blueGreenUpdatePolicy={**policy, "trafficRoutingConfiguration": traffic})


def _rolled(n: int) -> dict[str, Any]:
    size = {"type": ("INSTANCE_COUNT", "CAPACITY_PERCENT")[n], "value": 5 + n}
    policy = {
        "maximumBatchSize": size,
        "maximumExecutionTimeoutInSeconds": 900 + n,
        "rollbackMaximumBatchSize": {**size, "value": 50 + n},
        "waitIntervalInSeconds": 60 + n,
    }
    return _deployed(n, rollingUpdatePolicy=policy)


def _spelt(path: str) -> str:
    return ".".join(word[0].upper() + word[1:] for word in path.split("."))


_SHOWS = {
    "endpointConfigName": "EndpointConfigName",
    "name": "EndpointName",
    "tags": "Tags",
    **{
        f"deploymentConfig.{path}": f"LastDeploymentConfig.{_spelt(path).replace('Alarms', 'Alarms[]')}"
        for path in (
            "autoRollbackConfiguration.alarms.alarmName",
            "blueGreenUpdatePolicy.maximumExecutionTimeoutInSeconds",
            "blueGreenUpdatePolicy.terminationWaitInSeconds",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.canarySize.type",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.canarySize.value",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.linearStepSize.type",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.linearStepSize.value",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.type",
            "blueGreenUpdatePolicy.trafficRoutingConfiguration.waitIntervalInSeconds",
            "rollingUpdatePolicy.maximumBatchSize.type",
            "rollingUpdatePolicy.maximumBatchSize.value",
            "rollingUpdatePolicy.maximumExecutionTimeoutInSeconds",
            "rollingUpdatePolicy.rollbackMaximumBatchSize.type",
            "rollingUpdatePolicy.rollbackMaximumBatchSize.value",
            "rollingUpdatePolicy.waitIntervalInSeconds",
        )
    },
}
_STEPS = {"canary": ("CANARY", "canarySize"), "linear": ("LINEAR", "linearStepSize")}
_COMMON = {
    "handler": ENDPOINT,
    "look": _look,
    "shows": _SHOWS,
    "given": _configs,
    "fixed": frozenset({"deploymentConfig.autoRollbackConfiguration.alarms.alarmName"}),
}
CASES = [
    *(Case(name, before=_shifted(0, *how), after=_shifted(1, *how), **_COMMON) for name, how in _STEPS.items()),
    Case("canary to linear", before=_shifted(0, *_STEPS["canary"]), after=_shifted(1, *_STEPS["linear"]), **_COMMON),
    Case("rolling", before=_rolled(0), after=_rolled(1), **_COMMON),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_of_an_endpoint_reaches_aws_and_follows_a_change(case: Case, aws: Clients) -> None:
    """What an endpoint serves and how it is deployed is what boto3 shows after `up`, and after another."""
    live(case, aws)


def test_no_input_of_an_endpoint_is_accepted_and_lost() -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(ENDPOINT, CASES) == {}


INPUTS = {"name": "churn", "endpointConfigName": "churn-1"}


class Scripted:
    """A SageMaker that answers with one status after the other."""

    account, region = "111122223333", "eu-central-1"

    def __init__(self, *seen: dict[str, Any] | None) -> None:
        self.seen: Iterator[dict[str, Any] | None] = iter(seen)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        real = boto3.client("sagemaker", region_name=self.region, aws_access_key_id="x", aws_secret_access_key="x")
        self.meta = real.meta

    def __call__(self, service: str) -> Scripted:
        return self

    def __getattr__(self, operation: str) -> Any:
        return lambda **params: self.calls.append((operation, params))

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        seen = next(self.seen)
        if seen is None:
            answer = {"Error": {"Code": "ValidationException", "Message": "Could not find endpoint"}}
            raise ClientError(answer, "DescribeEndpoint")
        return {"EndpointName": "churn", "EndpointArn": "arn", "EndpointConfigName": "churn-1", **seen}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Tags": []}]

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]


def _is(status: str, **more: Any) -> dict[str, Any]:
    return {"EndpointStatus": status, **more}


def test_a_new_endpoint_is_waited_for() -> None:
    """`up` goes on only when the endpoint answers."""
    aws = Scripted(None, _is("Creating"), _is("Creating"), _is("InService"))
    state = ENDPOINT.create(aws, INPUTS)
    assert aws.operations == ["create_endpoint"]
    assert state.id == "churn"
    assert next(aws.seen, "all seen") == "all seen"


def test_an_endpoint_that_fails_says_why() -> None:
    """AWS's reason is in the error."""
    aws = Scripted(None, _is("Creating"), _is("Failed", FailureReason="the container did not pass the ping"))
    with pytest.raises(SandboxError, match="Endpoint churn is Failed: the container did not pass the ping"):
        ENDPOINT.create(aws, INPUTS)


def test_an_endpoint_that_never_came_up_is_made_anew() -> None:
    """The same command finishes what failed before."""
    aws = Scripted(_is("Failed"), None, _is("InService"))
    ENDPOINT.create(aws, INPUTS)
    assert aws.operations == ["delete_endpoint", "create_endpoint"]
    assert ENDPOINT.find(Scripted(_is("Failed")), INPUTS) is None
    assert ENDPOINT.find(Scripted(_is("Creating")), INPUTS) == "churn"


def test_an_update_waits_for_the_new_configuration() -> None:
    """An update begins when the endpoint is in service, and ends when it is again."""
    new = {**INPUTS, "endpointConfigName": "churn-2"}
    aws = Scripted(_is("Updating"), _is("InService"), _is("Updating"), _is("InService", EndpointConfigName="churn-2"))
    state = ENDPOINT.update(aws, "churn", INPUTS, new)
    assert aws.calls == [("update_endpoint", {"EndpointName": "churn", "EndpointConfigName": "churn-2"})]
    assert state.outputs["endpointConfigName"] == "churn-2"


def test_an_update_that_was_rolled_back_is_an_error() -> None:
    """In service with the old configuration is not what was asked for."""
    new = {**INPUTS, "endpointConfigName": "churn-2"}
    aws = Scripted(_is("InService"), _is("Updating"), _is("InService", FailureReason="no module named churn"))
    with pytest.raises(SandboxError, match="went back to churn-1 from churn-2: no module named churn"):
        ENDPOINT.update(aws, "churn", INPUTS, new)


def test_a_change_of_tags_alone_starts_no_deployment() -> None:
    """Tags are set beside the running endpoint."""
    aws = Scripted(_is("InService"))
    ENDPOINT.update(aws, "churn", INPUTS, {**INPUTS, "tags": {"level": "1"}})
    assert aws.operations == ["add_tags"]


def test_a_release_is_left_in_service_when_the_program_did_not_change_the_configuration() -> None:
    """Somebody else decided what is served; an update of tags leaves it so."""
    aws = Scripted(_is("InService", EndpointConfigName="churn-release-7"))
    state = ENDPOINT.update(aws, "churn", INPUTS, {**INPUTS, "tags": {"level": "1"}})
    assert aws.operations == ["add_tags"]
    assert state.outputs["endpointConfigName"] == "churn-release-7"


def test_a_deletion_is_waited_for() -> None:
    """The name is free when the deletion returns."""
    aws = Scripted(_is("Deleting"), None)
    ENDPOINT.delete(aws, "churn", INPUTS)
    assert aws.operations == ["delete_endpoint"]
    assert next(aws.seen, "all seen") == "all seen"


def test_other_rollback_alarms_replace_an_endpoint() -> None:
    """The real provider makes an endpoint anew for its alarms, not for the rest of how it is deployed."""

    def with_alarm(name: str, wait: int) -> dict[str, Any]:
        policy = {"terminationWaitInSeconds": wait}
        alarms = {"alarms": [{"alarmName": name}]}
        return {**INPUTS, "deploymentConfig": {"autoRollbackConfiguration": alarms, "blueGreenUpdatePolicy": policy}}

    assert ENDPOINT.diff(with_alarm("a", 0), with_alarm("b", 0)).replace == ("deploymentConfig",)
    assert not ENDPOINT.diff(with_alarm("a", 0), with_alarm("a", 60)).replace
    assert not ENDPOINT.diff(INPUTS, {**INPUTS, "endpointConfigName": "churn-2"}).replace
