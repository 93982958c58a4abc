"""SageMaker's operations on endpoints, in the place of moto's."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint
from moto.sagemaker.responses import SageMakerResponse

from terrace.sandbox.endpoints.fleet import Fleet
from terrace.sandbox.endpoints.live import LiveEndpoint
from terrace.sandbox.services.extend import add

if TYPE_CHECKING:
    from terrace.sandbox.endpoints.room import Endpoints


_ENDPOINT: Any = FakeEndpoint
"""Made by its constructor, which moto declares abstract."""

_UNSERVED = {"shadow_production_variants": "shadow variants", "async_inference_config": "asynchronous endpoints"}


def install(endpoints: Endpoints) -> None:
    """Put the operations in moto's place. Once in a process, before the server starts."""

    def create_endpoint(response: Any) -> ActionResult:
        name, backend = response._get_param("EndpointName"), response.sagemaker_backend
        config = _config(response, response._get_param("EndpointConfigName"))
        if name in backend.endpoints:
            raise ValidationError(message=f'Cannot create already existing endpoint "{backend.endpoints[name].arn}".')
        fleet = _fleet(endpoints, response, name, config)
        made = _ENDPOINT(
            account_id=response.current_account,
            region_name=response.region,
            endpoint_name=name,
            endpoint_config_name=config.endpoint_config_name,
            production_variants=config.production_variants,
            data_capture_config=config.data_capture_config,
            tags=response._get_param("Tags"),
        )
        live = LiveEndpoint(made.arn, _noter(endpoints, response, made))
        live.deployment = response._get_param("DeploymentConfig")
        backend.endpoints[name] = made
        endpoints.keep(response.current_account, response.region, name, live)
        live.create(fleet)
        return ActionResult({"EndpointArn": made.arn})

    def update_endpoint(response: Any) -> ActionResult:
        name = response._get_param("EndpointName")
        live, known = _live(endpoints, response, name)
        config = _config(response, response._get_param("EndpointConfigName"))
        if live.busy:
            raise ValidationError(message=f'Cannot update in-progress endpoint "{live.arn}".')
        if live.fleet is None:
            raise ValidationError(message=f'Cannot update endpoint "{live.arn}": it is {live.status}.')
        fleet = _fleet(endpoints, response, name, config)
        if response._get_param("RetainAllVariantProperties"):
            fleet.take_over(live.fleet, _excluded(response))
        known.data_capture_config = config.data_capture_config
        live.update(fleet, response._get_param("DeploymentConfig"))
        return ActionResult({"EndpointArn": live.arn})

    def describe_endpoint(response: Any) -> ActionResult:
        live, known = _live(endpoints, response, response._get_param("EndpointName"))
        return ActionResult(_described(live, known))

    def delete_endpoint(response: Any) -> EmptyResult:
        name, backend = response._get_param("EndpointName"), response.sagemaker_backend
        place = (response.current_account, response.region, name)
        live, known = _live(endpoints, response, name)
        if live.busy:
            raise ValidationError(message=f'Cannot update in-progress endpoint "{live.arn}".')

        def done() -> None:
            endpoints.forget(*place)
            if backend.endpoints.get(name) is known:
                del backend.endpoints[name]

        live.delete(done)
        return EmptyResult()

    def update_endpoint_weights_and_capacities(response: Any) -> ActionResult:
        live, _ = _live(endpoints, response, response._get_param("EndpointName"))
        if live.fleet is None or live.busy:
            raise ValidationError(message=f'Cannot update in-progress endpoint "{live.arn}".')
        wanted = response._get_param("DesiredWeightsAndCapacities")
        names = [one["VariantName"] for one in wanted]
        for name in names:
            if live.fleet.choose(name) is None:
                raise ValidationError(
                    message=f'The variant name(s) "{name}" is/are not present within endpoint configuration '
                    f'"{live.config}".'
                )
            if names.count(name) > 1:
                raise ValidationError(message=f'The variant name "{name}" was non-unique within the request.')
        for one in wanted:
            variant = live.fleet.choose(one["VariantName"])
            if variant is not None:
                variant.weight = float(one.get("DesiredWeight", variant.weight))
                variant.set_instances(int(one.get("DesiredInstanceCount", variant.instances)))
        return ActionResult({"EndpointArn": live.arn})

    operations = (
        create_endpoint,
        update_endpoint,
        describe_endpoint,
        delete_endpoint,
        update_endpoint_weights_and_capacities,
    )
    add(SageMakerResponse, operations)


def _described(live: LiveEndpoint, known: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "EndpointName": known.endpoint_name,
        "EndpointArn": live.arn,
        "EndpointConfigName": live.config,
        "EndpointStatus": live.status,
        "CreationTime": known.creation_time,
        "LastModifiedTime": known.last_modified_time,
    }
    if live.fleet is not None:
        said["ProductionVariants"] = live.fleet.describe()
    if live.reason:
        said["FailureReason"] = live.reason
    if live.deployment:
        said["LastDeploymentConfig"] = live.deployment
    if live.pending is not None and live.fleet is not None:
        said["PendingDeploymentSummary"] = {
            "EndpointConfigName": live.pending.config,
            "ProductionVariants": live.pending.describe() or [{"VariantName": name} for name in live.pending.names],
            "StartTime": live.pending_since,
        }
    capture: Mapping[str, Any] = known.data_capture_config or {}
    if capture.get("DestinationS3Uri"):
        said["DataCaptureConfig"] = {
            "EnableCapture": bool(capture.get("EnableCapture")),
            "CaptureStatus": "Stopped",
            "CurrentSamplingPercentage": capture.get("InitialSamplingPercentage", 0),
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return said


def _noter(endpoints: Endpoints, response: Any, known: Any) -> Any:
    place = (response.current_account, response.region)

    def note(status: str, when: datetime) -> None:
        # Times in moto are UTC that say no zone.
        known.endpoint_status, known.last_modified_time = status, when.replace(tzinfo=None)
        endpoints.tell(*place, known.endpoint_name, status)

    return note


def _live(endpoints: Endpoints, response: Any, name: str) -> tuple[LiveEndpoint, Any]:
    place = (response.current_account, response.region, name)
    live, known = endpoints.find(*place), response.sagemaker_backend.endpoints.get(name)
    if live is None or known is None:
        raise ValidationError(message=f'Could not find endpoint "{_arn(response, "endpoint", name)}".')
    return live, known


def _config(response: Any, name: str) -> Any:
    found = response.sagemaker_backend.endpoint_configs.get(name)
    if found is None:
        arn = _arn(response, "endpoint-config", name)
        raise ValidationError(message=f'Could not find endpoint configuration "{arn}".')
    return found


def _fleet(endpoints: Endpoints, response: Any, name: str, config: Any) -> Fleet:
    """Return what will serve a configuration; its models are taken as they are now."""
    for attribute, what in _UNSERVED.items():
        if getattr(config, attribute, None):
            raise ValidationError(message=f"The sandbox serves no {what}, which {config.endpoint_config_name} has.")
    variants = copy.deepcopy(config.production_variants)
    models = {variant["ModelName"]: _model(response, variant["ModelName"]) for variant in variants}
    home = endpoints.home(response.current_account, response.region, name)
    isolated = bool(getattr(config, "enable_network_isolation", False))
    return Fleet(home, config.endpoint_config_name, variants, models, isolated=isolated)


def _model(response: Any, name: str) -> dict[str, Any]:
    model = response.sagemaker_backend._models.get(name)
    if model is None:
        raise ValidationError(message=f'Could not find model "{_arn(response, "model", name)}".')
    return {
        "PrimaryContainer": copy.deepcopy(model.primary_container),
        "Containers": copy.deepcopy(model.containers),
        "EnableNetworkIsolation": model.enable_network_isolation,
        "ExecutionRoleArn": model.execution_role_arn,
    }


def _arn(response: Any, kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{response.region}:{response.current_account}:{kind}/{name}"


def _excluded(response: Any) -> set[str]:
    kinds = response._get_param("ExcludeRetainedVariantProperties") or ()
    return {str(kind["VariantPropertyType"]) for kind in kinds}
