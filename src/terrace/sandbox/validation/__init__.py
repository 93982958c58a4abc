"""Every call is judged by AWS's description of it before moto sees it."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from moto.core.exceptions import ServiceException
from moto.core.request import determine_request_protocol
from moto.core.responses import ActionResult, BaseResponse

from terrace.sandbox.room import Server
from terrace.sandbox.services.extend import Refusal
from terrace.sandbox.validation.codes import QUERY, refusal
from terrace.sandbox.validation.params import params_of
from terrace.sandbox.validation.shapes import WrongTypeError, violations

NOT_JUDGED = ("rest-xml",)
"""Protocols whose calls are not judged: those of S3, whose parameters are in paths, headers and XML that moto reads
itself and checks by its own rules."""


class Validation:
    """The room that judges calls. It runs nothing."""

    name = "validation"

    def install(self, server: Server) -> None:
        """Stand before every call of moto. Once in a process, before the server starts."""
        original = BaseResponse.call_action

        def call_action(response: Any) -> Any:
            try:
                _judge(response)
                return original(response)
            except NotImplementedError as lacking:
                return _answer(response, _lacks(response, lacking))
            except Refusal as refused:
                return _answer(response, refused)

        setattr(BaseResponse, "call_action", call_action)  # noqa: B010

    def status(self) -> Any:
        """Return nothing: a call is judged and forgotten."""
        return {}

    def reset(self) -> None:
        """Do nothing: there is nothing to forget."""

    def stop(self) -> None:
        """Do nothing."""


def judged(service: str) -> bool:
    """Tell whether the calls of a service, by its name in botocore, are judged by their description."""
    found = described(service)
    return found is not None and found.metadata["protocol"] not in NOT_JUDGED


@cache
def described(service: str) -> ServiceModel | None:
    """Return the description of a service, None if botocore has none of that name."""
    session = botocore.session.Session()
    return session.get_service_model(service) if service in session.get_available_services() else None


def _judge(response: Any) -> None:
    """Raise a `Refusal` for a call that its description refuses."""
    name = response.boto3_service_name
    service, action = described(name), response._get_action()
    if service is None or not judged(name) or action not in service.operation_names:
        return
    operation = service.operation_model(action)
    sent: Any = service  # moto's own subclass is not needed to tell the protocol
    protocol = determine_request_protocol(sent, response.normalized_request.content_type)
    try:
        found = violations(operation, params_of(response, operation, protocol))
    except WrongTypeError as wrong:
        raise Refusal("MalformedInput" if protocol in QUERY else "SerializationException", str(wrong)) from None
    if found:
        raise refusal(operation, found)


def _lacks(response: Any, lacking: NotImplementedError) -> Refusal:
    """Return the refusal of what moto does not have: a whole operation, or a use of one."""
    service, action = response.boto3_service_name, response._get_action()
    found, said = described(service), str(lacking)
    message = f"The sandbox does not have {service}:{action}."
    if said and "action has not been implemented" not in said:
        message = f"The sandbox does not have all of {service}:{action}: {said}"
    query = found is not None and found.metadata["protocol"] in QUERY
    return Refusal("InvalidAction" if query else "UnknownOperationException", message)


def _answer(response: Any, refused: ServiceException) -> Any:
    status, headers, body = response.serialized(ActionResult(refused))
    headers, body = response._enrich_response(headers, body)
    return status, headers, body
