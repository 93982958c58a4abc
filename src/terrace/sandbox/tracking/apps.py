"""SageMaker's operations on MLflow Apps."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.services.extend import Refusal, add, merge_tags, page, state
from terrace.sandbox.services.sagemaker_tags import keep_tags
from terrace.sandbox.tracking import environment
from terrace.sandbox.tracking.listing import chosen
from terrace.sandbox.tracking.tracker import Tracker

if TYPE_CHECKING:
    from terrace.sandbox.tracking.room import Tracking

_OPTIONAL = ("KmsKeyId", "AccountDefaultStatus", "DefaultDomainIdList")
_CHANGES = (
    "Name",
    "ArtifactStoreUri",
    "ModelRegistrationMode",
    "WeeklyMaintenanceWindowStart",
    "DefaultDomainIdList",
    "AccountDefaultStatus",
)
_SUMMARY = ("Arn", "Name", "Status", "CreationTime", "LastModifiedTime", "MlflowVersion")
_ID = string.ascii_uppercase + string.digits


def install(tracking: Tracking) -> None:
    """Add the operations to moto's SageMaker. Once in a process, before the server starts."""

    def create_mlflow_app(response: Any) -> ActionResult:
        name, now = response._get_param("Name"), datetime.now(UTC)
        arn = f"arn:aws:sagemaker:{response.region}:{response.current_account}:mlflow-app/app-{_identity()}"
        _check_name(response, name)
        record: dict[str, Any] = {
            "Arn": arn,
            "Name": name,
            "ArtifactStoreUri": response._get_param("ArtifactStoreUri"),
            "MlflowVersion": environment.version(),
            "RoleArn": response._get_param("RoleArn"),
            "ModelRegistrationMode": response._get_param("ModelRegistrationMode") or "AutoModelRegistrationDisabled",
            "WeeklyMaintenanceWindowStart": response._get_param("WeeklyMaintenanceWindowStart") or "Sun:03:00",
            "CreationTime": now,
            "LastModifiedTime": now,
            "Status": "Creating",
        }
        record |= {key: value for key in _OPTIONAL if (value := response._get_param(key))}
        held = state(response.sagemaker_backend, "mlflow apps")
        _only_default(held, record)
        held[arn] = record
        tracker = tracking.make(arn, record, "Status", serverless=True)
        merge_tags(tracker.tags, response._get_param("Tags"))
        # The process itself starts with the first call: an App that nobody uses takes no memory.
        tracker.begin("Creating", "Created", "CreateFailed", environment.ensure)
        return ActionResult({"Arn": arn})

    def describe_mlflow_app(response: Any) -> ActionResult:
        return ActionResult(_tracker(response).record)

    def update_mlflow_app(response: Any) -> ActionResult:
        tracker = _tracker(response)
        if tracker.busy or tracker.status == "CreateFailed":
            arn = tracker.record["Arn"]
            raise Refusal("ConflictException", f"MLflow App {arn} is in status {tracker.status}, can't be updated.")
        given = {key: value for key in _CHANGES if (value := response._get_param(key)) is not None}
        if given.get("Name", tracker.record["Name"]) != tracker.record["Name"]:
            _check_name(response, given["Name"])
        restart = (
            given.get("ArtifactStoreUri", tracker.record["ArtifactStoreUri"]) != tracker.record["ArtifactStoreUri"]
        )
        tracker.record |= given
        _only_default(state(response.sagemaker_backend, "mlflow apps"), tracker.record)
        rest = tracker.process.rest if restart else (lambda: None)
        tracker.begin("Updating", "Updated", "UpdateFailed", rest)
        return ActionResult({"Arn": tracker.record["Arn"]})

    def delete_mlflow_app(response: Any) -> ActionResult:
        tracker, held = _tracker(response), state(response.sagemaker_backend, "mlflow apps")
        arn = tracker.record["Arn"]
        if tracker.status == "Deleting":
            raise ValidationError(message="MLflow App is in un-deletable state (DELETING), so it cannot be deleted.")

        def work() -> None:
            tracking.forget(arn)
            held.pop(arn, None)

        tracker.begin("Deleting", "Deleted", "DeleteFailed", work)
        return ActionResult({"Arn": arn})

    def list_mlflow_apps(response: Any) -> ActionResult:
        wanted = response._get_param
        domain, default = wanted("DefaultForDomainId"), wanted("AccountDefaultStatus")
        found = [
            record
            for record in chosen(state(response.sagemaker_backend, "mlflow apps").values(), response, "Status", "Name")
            if (domain is None or domain in record.get("DefaultDomainIdList", ()))
            and default in (None, record.get("AccountDefaultStatus", "DISABLED"))
        ]
        shown = [{key: record[key] for key in _SUMMARY} for record in found]
        summaries, token = page(shown, wanted("MaxResults"), wanted("NextToken"))
        return ActionResult({"Summaries": summaries, "NextToken": token})

    def create_presigned_mlflow_app_url(response: Any) -> ActionResult:
        arn = _tracker(response).record["Arn"]
        url = tracking.gateway.presign(tracking.url, arn, response._get_param)
        return ActionResult({"AuthorizedUrl": url})

    def _tracker(response: Any) -> Tracker:
        arn = response._get_param("Arn")
        found = tracking.find(arn) if arn in state(response.sagemaker_backend, "mlflow apps") else None
        if found is None:
            raise ResourceNotFound(message=f"MLflow App {arn} does not exist.")
        return found

    def _tags(response: Any, arn: str) -> dict[str, str] | None:
        found = tracking.find(arn)
        return found.tags if found is not None else None

    add(
        SageMakerResponse,
        (
            create_mlflow_app,
            describe_mlflow_app,
            update_mlflow_app,
            delete_mlflow_app,
            list_mlflow_apps,
            create_presigned_mlflow_app_url,
        ),
    )
    keep_tags(_tags)


def _identity() -> str:
    return "".join(secrets.choice(_ID) for _ in range(12))


def _check_name(response: Any, name: str) -> None:
    for record in state(response.sagemaker_backend, "mlflow apps").values():
        if record["Name"] == name and record["Status"] != "Deleting":
            raise ValidationError(message=f"MLflow App with name {name} already exists: {record['Arn']}")


def _only_default(held: dict[str, Any], record: dict[str, Any]) -> None:
    """Take the place of the App that was the account's default before: there is one."""
    if record.get("AccountDefaultStatus") == "ENABLED":
        for other in held.values():
            if other["Arn"] != record["Arn"] and other.get("AccountDefaultStatus") == "ENABLED":
                other["AccountDefaultStatus"] = "DISABLED"
