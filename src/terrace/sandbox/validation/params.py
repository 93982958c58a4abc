"""The parameters of a call as they came, in the names of AWS's description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model

from terrace.sandbox.validation.shapes import WrongTypeError


def params_of(response: Any, operation: OperationModel, protocol: str) -> Mapping[str, Any]:
    """Return the parameters of a call that moto is about to answer.

    Raises:
        WrongTypeError: They cannot be read.
    """
    if protocol == "json":
        return _json(response.normalized_request.data)
    request = response.normalized_request
    # moto's parsers want moto's own reading of the description.
    known = get_service_model(operation.service_model.service_name).operation_model(operation.name)
    parser = PROTOCOL_PARSERS[protocol](known)
    try:
        parsed: Mapping[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": response.raw_body,
                "url_path": request.path,
                "url_params": response.uri_match,
            }
        )
    except ValueError as error:
        raise WrongTypeError(f"The request cannot be read: {error}") from None
    return parsed


def _json(body: bytes) -> Mapping[str, Any]:
    """Read JSON without making it fit its description: a wrong type is to be seen."""
    try:
        said = json.loads(body or b"{}")
    except ValueError:
        raise WrongTypeError("Unexpected content: the request is no JSON") from None
    if not isinstance(said, dict):
        raise WrongTypeError("Start of structure or map found where not expected.")
    return said
