"""SageMaker's operations on MLflow tracking servers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import ResourceNotFound, ValidationError
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.services.extend import add, merge_tags, page, state
from terrace.sandbox.tracking import environment
from terrace.sandbox.tracking.listing import chosen
from terrace.sandbox.tracking.tracker import Tracker

if TYPE_CHECKING:
    from terrace.sandbox.tracking.room import Tracking

_CHANGES = (
    "ArtifactStoreUri",
    "TrackingServerSize",
    "AutomaticModelRegistration",
    "WeeklyMaintenanceWindowStart",
    "S3BucketOwnerAccountId",
    "S3BucketOwnerVerification",
)
_SUMMARY = (
    "TrackingServerArn",
    "TrackingServerName",
    "CreationTime",
    "LastModifiedTime",
    "TrackingServerStatus",
    "IsActive",
    "MlflowVersion",
)
_STATUS = "TrackingServerStatus"


def install(tracking: Tracking) -> None:
    """Add the operations to moto's SageMaker. Once in a process, before the server starts."""

    def create_mlflow_tracking_server(response: Any) -> ActionResult:
        name, now, wanted = response._get_param("TrackingServerName"), datetime.now(UTC), response._get_param
        arn, held = _arn(response, name), state(response.sagemaker_backend, "mlflow tracking servers")
        if arn in held:
            raise ValidationError(message=f"Tracking Server with ARN {arn} already exists.")
        record: dict[str, Any] = {
            "TrackingServerArn": arn,
            "TrackingServerName": name,
            "ArtifactStoreUri": wanted("ArtifactStoreUri"),
            "TrackingServerSize": wanted("TrackingServerSize") or "Small",
            "MlflowVersion": wanted("MlflowVersion") or environment.version(),
            "RoleArn": wanted("RoleArn"),
            "AutomaticModelRegistration": bool(wanted("AutomaticModelRegistration")),
            "WeeklyMaintenanceWindowStart": wanted("WeeklyMaintenanceWindowStart") or "Sun:03:00",
            "TrackingServerUrl": tracking.url,
            "S3BucketOwnerAccountId": wanted("S3BucketOwnerAccountId") or response.current_account,
            "S3BucketOwnerVerification": wanted("S3BucketOwnerVerification") is not False,
            "CreationTime": now,
            "LastModifiedTime": now,
            _STATUS: "Creating",
        }
        held[arn] = record
        tracker = tracking.make(arn, record, _STATUS, serverless=False)
        merge_tags(tracker.tags, wanted("Tags"))
        tracker.begin("Creating", "Created", "CreateFailed", tracker.process.wake)
        return ActionResult({"TrackingServerArn": arn})

    def describe_mlflow_tracking_server(response: Any) -> ActionResult:
        return ActionResult(_described(_tracker(response)))

    def update_mlflow_tracking_server(response: Any) -> ActionResult:
        tracker = _free(response, "updated")
        given = {key: value for key in _CHANGES if (value := response._get_param(key)) is not None}
        stopped = tracker.status == "Stopped"
        tracker.record |= given

        def work() -> None:
            tracker.process.rest()
            if not stopped:
                tracker.process.wake()

        tracker.begin("Updating", "Stopped" if stopped else "Updated", "UpdateFailed", work)
        return _arn_of(tracker)

    def start_mlflow_tracking_server(response: Any) -> ActionResult:
        tracker = _free(response, "started")
        if tracker.status not in ("Stopped", "StartFailed", "CreateFailed", "UpdateFailed"):
            raise ValidationError(message=_refusal(tracker, "started"))
        tracker.begin("Starting", "Started", "StartFailed", tracker.process.wake)
        return _arn_of(tracker)

    def stop_mlflow_tracking_server(response: Any) -> ActionResult:
        tracker = _free(response, "stopped")
        if tracker.status in ("Stopped", "CreateFailed", "StartFailed"):
            raise ValidationError(message=_refusal(tracker, "stopped"))
        tracker.begin("Stopping", "Stopped", "StopFailed", tracker.process.rest)
        return _arn_of(tracker)

    def delete_mlflow_tracking_server(response: Any) -> ActionResult:
        tracker, held = _tracker(response), state(response.sagemaker_backend, "mlflow tracking servers")
        arn = tracker.record["TrackingServerArn"]
        if tracker.busy:
            now = tracker.status.upper()
            raise ValidationError(message=f"Tracking Server is in un-deletable state ({now}), so it cannot be deleted.")

        def work() -> None:
            tracking.forget(arn)
            held.pop(arn, None)

        tracker.begin("Deleting", "Deleted", "DeleteFailed", work)
        return _arn_of(tracker)

    def list_mlflow_tracking_servers(response: Any) -> ActionResult:
        held = state(response.sagemaker_backend, "mlflow tracking servers")
        found = chosen(held.values(), response, _STATUS, "TrackingServerName")
        trackers = [one for record in found if (one := tracking.find(record["TrackingServerArn"])) is not None]
        shown = [{key: _described(tracker)[key] for key in _SUMMARY} for tracker in trackers]
        summaries, token = page(shown, response._get_param("MaxResults"), response._get_param("NextToken"))
        return ActionResult({"TrackingServerSummaries": summaries, "NextToken": token})

    def create_presigned_mlflow_tracking_server_url(response: Any) -> ActionResult:
        arn = _tracker(response).record["TrackingServerArn"]
        return ActionResult({"AuthorizedUrl": tracking.gateway.presign(tracking.url, arn, response._get_param)})

    def _tracker(response: Any) -> Tracker:
        arn = _arn(response, response._get_param("TrackingServerName"))
        held = state(response.sagemaker_backend, "mlflow tracking servers")
        found = tracking.find(arn) if arn in held else None
        if found is None:
            raise ResourceNotFound(message=f"Tracking Server with ARN {arn} does not exist.")
        return found

    def _free(response: Any, done: str) -> Tracker:
        tracker = _tracker(response)
        if tracker.busy:
            raise ValidationError(message=_refusal(tracker, done))
        return tracker

    add(
        SageMakerResponse,
        (
            create_mlflow_tracking_server,
            describe_mlflow_tracking_server,
            update_mlflow_tracking_server,
            start_mlflow_tracking_server,
            stop_mlflow_tracking_server,
            delete_mlflow_tracking_server,
            list_mlflow_tracking_servers,
            create_presigned_mlflow_tracking_server_url,
        ),
    )


def _arn(response: Any, name: str) -> str:
    return f"arn:aws:sagemaker:{response.region}:{response.current_account}:mlflow-tracking-server/{name}"


def _arn_of(tracker: Tracker) -> ActionResult:
    return ActionResult({"TrackingServerArn": tracker.record["TrackingServerArn"]})


def _described(tracker: Tracker) -> dict[str, Any]:
    return {**tracker.record, "IsActive": "Inactive" if tracker.asleep else "Active"}


def _refusal(tracker: Tracker, done: str) -> str:
    """Return AWS's words for a change that the status forbids."""
    arn, now = tracker.record["TrackingServerArn"], tracker.status.upper()
    return f"Tracking Server with ARN {arn} is currently in status {now}, can't be {done}."
