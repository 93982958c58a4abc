"""The endpoint: a configuration that is being served."""

from __future__ import annotations

from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Diff, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import MISSING, in_service, retag, tags_of
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list
from terrace.sandbox.provider.waiters import wait

_SIZE = {"type": str, "value": int}
_TRAFFIC = "deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration"
_ROLLING = "deploymentConfig.rollingUpdatePolicy"


class Endpoint(Handler):
    """Answers predictions once it is in service. Its id is its name."""

    type = "aws:sagemaker/endpoint:Endpoint"
    inputs = {
        "deploymentConfig": {
            "autoRollbackConfiguration": {"alarms": [{"alarmName": str}]},
            "blueGreenUpdatePolicy": {
                "maximumExecutionTimeoutInSeconds": int,
                "terminationWaitInSeconds": int,
                "trafficRoutingConfiguration": {
                    "canarySize": _SIZE,
                    "linearStepSize": _SIZE,
                    "type": str,
                    "waitIntervalInSeconds": int,
                },
            },
            "rollingUpdatePolicy": {
                "maximumBatchSize": _SIZE,
                "maximumExecutionTimeoutInSeconds": int,
                "rollbackMaximumBatchSize": _SIZE,
                "waitIntervalInSeconds": int,
            },
        },
        "endpointConfigName": str,
        "name": str,
        "tags": dict,
    }
    required = (
        frozenset({"endpointConfigName", "name", "deploymentConfig.autoRollbackConfiguration.alarms.alarmName"})
        | frozenset(f"{_TRAFFIC}.{path}" for path in ("type", "waitIntervalInSeconds"))
        | frozenset(f"{_TRAFFIC}.{size}.{part}" for size in ("canarySize", "linearStepSize") for part in _SIZE)
        | frozenset(f"{_ROLLING}.{path}" for path in ("maximumBatchSize", "waitIntervalInSeconds"))
        | frozenset(
            f"{_ROLLING}.{size}.{part}" for size in ("maximumBatchSize", "rollbackMaximumBatchSize") for part in _SIZE
        )
        | frozenset({_TRAFFIC})
    )
    replace = frozenset({"name"})
    sets = frozenset({"deploymentConfig.autoRollbackConfiguration.alarms"})
    delete_before_replace = True
    names = {"name": "EndpointName", "deploymentConfig": "LastDeploymentConfig"}

    def diff(self, old: Props, new: Props) -> Diff:
        """Compare inputs; a change of the rollback alarms replaces the endpoint, as in the real provider."""
        plain = super().diff(old, new)
        if "deploymentConfig" in plain.changed and _rollback(old) != _rollback(new):
            return Diff(plain.changed, (*plain.replace, "deploymentConfig"), self.delete_before_replace)
        return plain

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        name = inputs["name"]
        left = found(client.describe_endpoint, *MISSING, EndpointName=name)
        if left and left["EndpointStatus"] == "Failed":
            # One that never came up can be neither updated nor made again under its name.
            self.delete(aws, name, inputs)
        settings = request(client, "CreateEndpoint", without(inputs, "tags"), {"name": "EndpointName"})
        client.create_endpoint(**settings, Tags=tag_list(inputs))
        return self._settled(client, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_endpoint, *MISSING, EndpointName=id)
        return seen and self._state(client, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        seen = _in_service(client, id)  # AWS refuses an update while another goes on
        wanted = {key: new.get(key) for key in ("endpointConfigName", "deploymentConfig")}
        deploys = any(wanted[key] != old.get(key) for key in wanted)
        if deploys:
            client.update_endpoint(EndpointName=id, **request(client, "UpdateEndpoint", wanted))
        retag(client, seen["EndpointArn"], old, new)
        # What is served may be a later release, whose configuration is none of the program's.
        return self._settled(client, new) if deploys else self._state(client, new, seen)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client = aws("sagemaker")

        def status() -> str | None:
            seen = found(client.describe_endpoint, *MISSING, EndpointName=id)
            return seen and str(seen["EndpointStatus"])

        found(client.delete_endpoint, *MISSING, EndpointName=id)
        wait(f"Endpoint {id}", status, until={None})

    def find(self, aws: Clients, inputs: Props) -> str | None:
        seen = found(aws("sagemaker").describe_endpoint, *MISSING, EndpointName=inputs["name"])
        return str(seen["EndpointName"]) if seen and seen["EndpointStatus"] != "Failed" else None

    def _settled(self, client: Any, inputs: Props) -> State:
        name, config = inputs["name"], inputs["endpointConfigName"]
        seen = _in_service(client, name)
        if seen["EndpointConfigName"] != config:
            # AWS goes back to the configuration that worked, and is in service again.
            reason = seen.get("FailureReason") or "AWS gives no reason"
            raise SandboxError(f"Endpoint {name} went back to {seen['EndpointConfigName']} from {config}: {reason}")
        return self._state(client, inputs, seen)

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, seen["EndpointArn"])
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        return State(seen["EndpointName"], {**outputs, "arn": seen["EndpointArn"], "tagsAll": tags})


def _in_service(client: Any, name: str) -> Props:
    return in_service(f"Endpoint {name}", lambda: client.describe_endpoint(EndpointName=name), "EndpointStatus")


def _rollback(inputs: Props) -> list[str]:
    rollback = (inputs.get("deploymentConfig") or {}).get("autoRollbackConfiguration") or {}
    return sorted(str(alarm["alarmName"]) for alarm in rollback.get("alarms") or [])
