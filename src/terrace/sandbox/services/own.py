"""A service that moto does not have at all, told by botocore's description of it.

Only what such a service needs is here: the protocol `rest-json`, parameters in path, query and body.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel

from terrace.sandbox.services.extend import Refusal

Place = tuple[str, str]
"""Account and region."""
Operation = Callable[[Place, Mapping[str, Any]], Mapping[str, Any]]


class OwnService:
    """Answers the calls of one service.

    Args:
        name: The service's name in botocore, which is also its name in signatures.
        operations: Operation name → what does it. It gets the place and the parameters, and returns the result or
            raises `Refusal`.
    """

    def __init__(self, name: str, operations: Mapping[str, Operation]) -> None:
        self.name = name
        self._operations = operations
        self._model: ServiceModel = botocore.session.Session().get_service_model(name)

    def answer(self, place: Place, environ: Mapping[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers for a request."""
        try:
            operation, params = self._read(environ)
            if operation.name not in self._operations:
                raise Refusal("NotImplementedException", f"The sandbox does not have {self.name}:{operation.name}.")
            missing = [name for name in _required(operation) if params.get(name) is None]
            if missing:
                raise Refusal("ValidationException", f"Missing required parameters: {', '.join(missing)}.")
            result = self._operations[operation.name](place, params)
        except Refusal as refusal:
            headers = {"x-amzn-errortype": refusal.code}
            return _status(self._model, refusal.code), json.dumps({"message": refusal.message}).encode(), headers
        body = json.dumps(result, default=_epoch).encode()
        return 200, body, {"x-amzn-requestid": str(uuid.uuid4())}

    def _read(self, environ: Mapping[str, Any]) -> tuple[OperationModel, dict[str, Any]]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        for name in self._model.operation_names:
            operation = self._model.operation_model(name)
            found = _pattern(operation.http["requestUri"]).fullmatch(path)
            if operation.http["method"] == method and found:
                return operation, self._params(operation, found.groupdict(), environ)
        raise Refusal("UnknownOperationException", f"{self.name} has no operation at {method} {path}.")

    def _params(self, operation: OperationModel, path: Mapping[str, str], environ: Mapping[str, Any]) -> dict[str, Any]:
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
        said = json.loads(body) if body and payload is None else {}
        params: dict[str, Any] = {} if payload is None else {payload: body}
        for name, shape in operation.input_shape.members.items() if operation.input_shape else ():
            where, key = shape.serialization.get("location"), shape.serialization.get("name", name)
            if where == "uri":
                params[name] = unquote(path[_group(key)])
            elif where == "querystring" and key in query:
                params[name] = query[key] if shape.type_name == "list" else query[key][0]
            elif where == "header" and (header := f"HTTP_{key.upper().replace('-', '_')}") in environ:
                params[name] = environ[header]
            elif where is None and key in said:
                params[name] = said[key]
        return params


def _required(operation: OperationModel) -> list[str]:
    return list(operation.input_shape.required_members) if operation.input_shape else []


@cache
def _pattern(uri: str) -> re.Pattern[str]:
    """Return what the path of an operation looks like; a `{name+}` may hold slashes."""
    path = uri.partition("?")[0]
    parts = re.split(r"\{([^}]+)\}", path)
    for index in range(1, len(parts), 2):
        parts[index] = f"(?P<{_group(parts[index].rstrip('+'))}>{'.+' if parts[index].endswith('+') else '[^/]+'})"
    for index in range(0, len(parts), 2):
        parts[index] = re.escape(parts[index])
    return re.compile("".join(parts))


def _group(name: str) -> str:
    return name.replace("-", "_")


def _status(model: ServiceModel, code: str) -> int:
    for shape in model.error_shapes:
        if shape.name == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
    return 501 if code == "NotImplementedException" else 400


def _epoch(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} is no JSON")
