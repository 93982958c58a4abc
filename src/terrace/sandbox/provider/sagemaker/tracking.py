"""Where runs are tracked: the serverless MLflow App, and the MLflow tracking server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from terrace.errors import SandboxError
from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import MISSING, retag, tags_of
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list
from terrace.sandbox.provider.waiters import wait

_READY = {"Created", "Updated", "Started", "Stopped", "MaintenanceComplete"}
_MINUTES = 30
"""How long a tracking server takes at most: AWS speaks of 25 minutes."""


class MlflowApp(Handler):
    """A serverless MLflow App. Its id is its ARN, which AWS makes up."""

    type = "aws:sagemaker/mlflowApp:MlflowApp"
    inputs = {
        "accountDefaultStatus": str,
        "artifactStoreUri": str,
        "defaultDomainIdLists": [str],
        "modelRegistrationMode": str,
        "name": str,
        "roleArn": str,
        "tags": dict,
        "weeklyMaintenanceWindowStart": str,
    }
    required = frozenset({"artifactStoreUri", "name", "roleArn"})
    replace = frozenset({"roleArn"})
    sets = frozenset({"defaultDomainIdLists"})
    store = True
    delete_before_replace = True
    names = {"defaultDomainIdLists": "DefaultDomainIdList"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateMlflowApp", without(inputs, "tags"), self.names)
        arn = client.create_mlflow_app(**settings, Tags=tag_list(inputs))["Arn"]
        return self._settled(aws, arn, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_mlflow_app, *MISSING, Arn=id)
        return self._state(client, id, inputs, seen) if seen and seen["Status"] not in _GONE else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        changed = {key: new.get(key) for key in without(self.inputs, "tags", "roleArn") if old.get(key) != new.get(key)}
        told = {key: value for key, value in changed.items() if value is not None}
        if told:
            client.update_mlflow_app(Arn=id, **request(client, "UpdateMlflowApp", told, self.names))
        retag(client, id, old, new)
        return self._settled(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client = aws("sagemaker")
        if found(client.delete_mlflow_app, *MISSING, Arn=id) is not None:
            _until_gone(f"MLflow App {id}", lambda: found(client.describe_mlflow_app, *MISSING, Arn=id), "Status")

    def find(self, aws: Clients, inputs: Props) -> str | None:
        pages = aws("sagemaker").get_paginator("list_mlflow_apps").paginate()
        apps = (app for page in pages for app in page["Summaries"])
        named = (app["Arn"] for app in apps if app["Name"] == inputs["name"] and app["Status"] not in _GONE)
        return next(named, None)

    def _settled(self, aws: Clients, id: str, inputs: Props) -> State:
        client = aws("sagemaker")
        seen = _until_ready(f"MLflow App {inputs['name']}", lambda: client.describe_mlflow_app(Arn=id), "Status")
        return self._state(client, id, inputs, seen)

    def _state(self, client: Any, id: str, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, id)
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        return State(id, {**outputs, "arn": id, "tagsAll": tags})


class MlflowTrackingServer(Handler):
    """An MLflow tracking server, which costs by the hour. Its id is its name."""

    type = "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer"
    inputs = {
        "artifactStoreUri": str,
        "automaticModelRegistration": bool,
        "mlflowVersion": str,
        "roleArn": str,
        "tags": dict,
        "trackingServerName": str,
        "trackingServerSize": str,
        "weeklyMaintenanceWindowStart": str,
    }
    required = frozenset({"artifactStoreUri", "roleArn", "trackingServerName"})
    replace = frozenset({"mlflowVersion", "roleArn", "trackingServerName"})
    store = True
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateMlflowTrackingServer", without(inputs, "tags"))
        client.create_mlflow_tracking_server(**settings, Tags=tag_list(inputs))
        return self._settled(aws, inputs["trackingServerName"], inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_mlflow_tracking_server, *MISSING, TrackingServerName=id)
        return self._state(client, inputs, seen) if seen and seen[_STATUS] not in _GONE else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        fixed = ("tags", *self.replace)
        changed = {key: new[key] for key in without(new, *fixed) if old.get(key) != new[key]}
        if changed:
            settings = request(client, "UpdateMlflowTrackingServer", changed)
            client.update_mlflow_tracking_server(TrackingServerName=id, **settings)
        arn = client.describe_mlflow_tracking_server(TrackingServerName=id)["TrackingServerArn"]
        retag(client, arn, old, new)
        return self._settled(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client, name = aws("sagemaker"), {"TrackingServerName": id}
        if found(client.delete_mlflow_tracking_server, *MISSING, **name) is not None:
            look = client.describe_mlflow_tracking_server
            _until_gone(f"MLflow tracking server {id}", lambda: found(look, *MISSING, **name), _STATUS)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = str(inputs["trackingServerName"])
        return name if self.read(aws, name, inputs) else None

    def _settled(self, aws: Clients, id: str, inputs: Props) -> State:
        client = aws("sagemaker")
        look = client.describe_mlflow_tracking_server
        seen = _until_ready(f"MLflow tracking server {id}", lambda: look(TrackingServerName=id), _STATUS)
        return self._state(client, inputs, seen)

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        arn = seen["TrackingServerArn"]
        tags = tags_of(client, arn)
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags})
        if "mlflowVersion" in outputs and inputs.get("mlflowVersion"):
            # AWS tells the patch too; the real provider keeps the two numbers that can be asked for.
            outputs["mlflowVersion"] = ".".join(str(seen["MlflowVersion"]).split(".")[:2])
        url = seen.get("TrackingServerUrl", "")
        return State(seen["TrackingServerName"], {**outputs, "arn": arn, "trackingServerUrl": url, "tagsAll": tags})


_STATUS = "TrackingServerStatus"
_GONE = ("Deleting", "Deleted")


def _until_ready(what: str, look: Callable[[], Props], key: str) -> Props:
    """Wait until it can be used, and return what AWS says of it then."""
    seen: Props = {}

    def status() -> str:
        nonlocal seen
        seen = look()
        if "Failed" in seen[key]:
            raise SandboxError(f"{what} is {seen[key]}.", "`terrace sandbox status` names the sandbox's log.")
        return str(seen[key])

    wait(what, status, until=_READY, seconds=_MINUTES * 60)
    return seen


def _until_gone(what: str, look: Callable[[], Props | None], key: str) -> None:
    def status() -> str | None:
        seen = look()
        return None if seen is None or seen[key] == "Deleted" else str(seen[key])

    wait(what, status, until={None}, failed={"DeleteFailed"}, seconds=_MINUTES * 60)
