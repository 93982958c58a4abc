"""Every call is judged by AWS's description of it before moto sees it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from terrace.sandbox.room import Server
from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.validation.shapes import message, violations

NOT_JUDGED = ("s3", "s3control", "sagemaker-runtime")
"""Services whose requests are not judged here: their parameters are in paths and headers, which moto reads itself."""


class Validation:
    """The room that judges calls. It runs nothing."""

    name = "validation"

    def install(self, server: Server) -> None:
        """Stand before every call of moto. Once in a process, before the server starts."""
        original = BaseResponse.call_action

        def call_action(response: Any) -> Any:
            try:
                _refuse(response)
                return original(response)
            except NotImplementedError:
                service = response.service_name
                refusal = Refusal(
                    "UnknownOperationException", f"The sandbox does not have {service}:{response._get_action()}."
                )
                return _answer(response, refusal)
            except _InvalidError as invalid:
                return _answer(response, invalid.refusal)

        setattr(BaseResponse, "call_action", call_action)  # noqa: B010

    def status(self) -> Any:
        """Return nothing: a call is judged and forgotten."""
        return {}

    def reset(self) -> None:
        """Do nothing: there is nothing to forget."""

    def stop(self) -> None:
        """Do nothing."""


class _InvalidError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _refuse(response: Any) -> None:
    service = _service(response.service_name or "")
    action = response._get_action()
    if service is None or action not in service.operation_names or response.service_name in NOT_JUDGED:
        return
    operation = service.operation_model(action)
    params = _params(response, operation)
    if params is None:
        return
    found = violations(operation, params)
    if found:
        code = "ValidationError" if service.metadata["protocol"] in ("query", "ec2") else "ValidationException"
        raise _InvalidError(Refusal(code, message(found)))


def _params(response: Any, operation: OperationModel) -> Any:
    """Return the parameters of a call, None where they cannot be had in AWS's own names."""
    if response.automated_parameter_parsing:
        return response.params
    if "json" in operation.service_model.metadata.get("protocols", ()):
        try:
            return json.loads(response.body or b"{}")
        except ValueError:
            return None
    return None


def _answer(response: Any, refusal: ServiceException) -> Any:
    status, headers, body = response.serialized(ActionResult(refusal))
    headers, body = response._enrich_response(headers, body)
    return status, headers, body


@cache
def _service(name: str) -> ServiceModel | None:
    session = botocore.session.Session()
    return session.get_service_model(name) if name in session.get_available_services() else None
