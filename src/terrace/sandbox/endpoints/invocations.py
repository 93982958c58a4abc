"""sagemaker-runtime: an invocation goes to the process that serves, and its answer or failure comes back."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

from terrace.sandbox.endpoints.model_server import (
    RESPONSE_BYTES,
    Answer,
    NotServingError,
    TimedOutError,
)
from terrace.sandbox.endpoints.variant import ClosedError, Variant

if TYPE_CHECKING:
    from terrace.sandbox.endpoints.room import Endpoints

REQUEST_BYTES = 6 * 2**20
SERVERLESS_BYTES = 4 * 2**20
"""Largest requests: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html has the smaller one."""
_PASSED = (
    "Content-Type",
    "Accept",
    "X-Amzn-SageMaker-Custom-Attributes",
    "X-Amzn-SageMaker-Inference-Id",
    "X-Amzn-SageMaker-Target-Model",
    "X-Amzn-SageMaker-Session-Id",
)
Response = tuple[int, dict[str, Any], bytes]


def invoke(endpoints: Endpoints, request: Any) -> Response:
    """Answer InvokeEndpoint; `request` is moto's view of it."""
    began = time.perf_counter()
    account, region = request.current_account, request.region
    name = request.path.split("/")[2]
    target = request.headers.get("X-Amzn-SageMaker-Target-Variant")
    while True:
        live = endpoints.find(account, region, name)
        fleet = live.fleet if live is not None and live.status != "Deleting" else None
        if fleet is None:
            return _error(400, "ValidationError", f"Endpoint {name} of account {account} not found.")
        variant = fleet.choose(target)
        if variant is None:
            return _error(400, "ValidationError", f"Variant {target} of endpoint {name} not found.")
        try:
            return _in_variant(request, variant, began)
        except ClosedError:
            # An update has put another fleet in this one's place since we looked.
            time.sleep(0.005)


def refuse_async(request: Any) -> Response:
    """Answer InvokeEndpointAsync: the sandbox has no endpoints of that kind."""
    name = request.path.split("/")[2]
    return _error(400, "ValidationError", f"Endpoint {name} is not asynchronous; the sandbox has no such endpoints.")


def _in_variant(request: Any, variant: Variant, began: float) -> Response:
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    limit = SERVERLESS_BYTES if variant.serverless else REQUEST_BYTES
    if len(body) > limit:
        variant.metrics.invocation(400, None, _since(began))
        return _error(
            400,
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}",
        )
    if not variant.enter():
        variant.metrics.invocation(429, None, _since(began))
        return _error(429, "ThrottlingException", "Rate exceeded: the endpoint takes no more invocations at once.")
    try:
        return _ask(request, variant, body, began)
    finally:
        variant.leave()


def _ask(request: Any, variant: Variant, body: bytes, began: float) -> Response:
    headers = {name: request.headers[name] for name in _PASSED if request.headers.get(name)}
    asked = time.perf_counter()
    try:
        answer = variant.server.invoke(body, headers)
    except NotServingError:
        variant.metrics.invocation(503, None, _since(began))
        return _error(503, "ServiceUnavailable", "The service is unavailable: its container is being started anew.")
    except TimedOutError:
        message = (
            "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
            "for each container in Amazon CloudWatch, resolve the issue, and try again."
        )
        answer = Answer(0, {}, message.encode())
    except (OSError, http.client.HTTPException):
        answer = Answer(0, {}, b"The container closed the connection without an answer.")
    model_us = _since(asked)
    if len(answer.body) > RESPONSE_BYTES:
        answer = Answer(0, {}, f"The answer is larger than {RESPONSE_BYTES} bytes.".encode())
    status = answer.status or 500
    variant.metrics.invocation(status, model_us, max(0.0, _since(began) - model_us))
    if not 200 <= status < 300:
        return _model_error(request, variant, answer)
    said = {
        "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant.name,
    }
    attributes = answer.headers.get("x-amzn-sagemaker-custom-attributes")
    if attributes:
        said["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return 200, said, answer.body


def _model_error(request: Any, variant: Variant, answer: Answer) -> Response:
    region, account = request.region, request.current_account
    group = variant.log_group
    original = answer.body.decode(errors="replace")[:4096]
    side = "client" if 400 <= answer.status < 500 else "server"
    message = (
        f'Received {side} error ({answer.status}) from primary with message "{original}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
        f"in account {account} for more information."
    )
    more = {
        "OriginalStatusCode": answer.status,
        "OriginalMessage": original,
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
    }
    return _error(424, "ModelError", message, more)


def _error(status: int, code: str, message: str, more: dict[str, Any] | None = None) -> Response:
    body = json.dumps({"Message": message, **(more or {})}).encode()
    # moto reads the status from the headers, whatever is returned beside them.
    return status, {"status": status, "Content-Type": "application/json", "x-amzn-ErrorType": code}, body


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1e6
