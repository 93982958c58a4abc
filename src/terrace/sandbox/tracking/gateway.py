"""Leads HTTP calls to the MLflow server that they are meant for.

MLflow's clients come with the ARN in a header, as the plugin `sagemaker-mlflow` sends it; browsers come with a
presigned URL, which opens a session whose name is part of every path below it.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from terrace.errors import SandboxError
from terrace.sandbox.tracking.process import MlflowConnection
from terrace.sandbox.tracking.tracker import Tracker

StartResponse = Callable[..., Any]

HEADERS = {"app": "HTTP_X_SM_MLFLOW_APP_ARN", "server": "HTTP_X_MLFLOW_SM_TRACKING_SERVER_ARN"}
"""What tells the ARN, as the plugin sends it for Apps and for tracking servers."""
CALL_SECONDS = 300.0
_CHUNK = 64 * 2**10
_EXPIRES, _SESSION = 300, 43200
"""Seconds until a presigned URL must be opened and that its session lasts, where no others are asked for: the most."""
# Headers of one connection and not of what is said on it (RFC 9110, section 7.6.1), and those that our server sets.
_OF_CONNECTION = {
    "connection",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_ACCOUNT = re.compile(r"Credential=AKIA(\d{12})[A-Z0-9]{4}/")


@dataclass(frozen=True)
class _Pass:
    """A presigned URL that was not opened yet, or the session of one that was."""

    arn: str
    until: float
    session_seconds: float = 0.0


class Gateway:
    """Answers everything below `/_terrace/mlflow`.

    Args:
        trackers: Returns the Apps and tracking servers that there are, by ARN.
    """

    def __init__(self, trackers: Callable[[], Mapping[str, Tracker]]) -> None:
        self._all = trackers
        self._presigned: dict[str, _Pass] = {}
        self._sessions: dict[str, _Pass] = {}

    def presign(self, url: str, arn: str, wanted: Callable[[str], Any]) -> str:
        """Return a URL that opens the pages of an App or server in a browser, once.

        Args:
            url: Address of this gateway.
            arn: What is opened.
            wanted: Tells the parameters of the call.
        """
        for held in (self._presigned, self._sessions):
            for name in [name for name, one in list(held.items()) if one.until < time.time()]:
                held.pop(name, None)
        token = secrets.token_urlsafe(32)
        until = time.time() + float(wanted("ExpiresInSeconds") or _EXPIRES)
        lasts = float(wanted("SessionExpirationDurationInSeconds") or _SESSION)
        self._presigned[token] = _Pass(arn, until, lasts)
        return f"{url}/auth?authToken={token}"

    def reset(self) -> None:
        """Forget all URLs and sessions."""
        self._presigned.clear()
        self._sessions.clear()

    def answer(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request: a WSGI application."""
        # The path as it was sent: WSGI's own is decoded, and an encoded slash in a name would be lost.
        sent = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
        _, _, rest = sent.partition("/mlflow")
        try:
            if rest.startswith("/auth?"):
                return self._open(sent, start_response)
            if rest.startswith("/ui/"):
                name, slash, path = rest.removeprefix("/ui/").partition("/")
                found = self._sessions.get(name)
                if found is None or found.until < time.time():
                    return _refuse(start_response, 403, "This session has ended: open another presigned URL.")
                if not slash:
                    return _redirect(start_response, f"{sent}/")
                return self._pass_on(found.arn, f"/{path}", environ, start_response)
            arn = environ.get(HEADERS["app"]) or environ.get(HEADERS["server"])
            if not arn and rest.partition("?")[0] in ("", "/") and "text/html" in environ.get("HTTP_ACCEPT", ""):
                return self._show(sent.partition("/mlflow")[0] + "/mlflow", rest, start_response)
            if not arn:
                return _refuse(
                    start_response,
                    400,
                    "No header tells which MLflow is meant. Set the tracking URI to the ARN of an MLflow App or "
                    "tracking server, and install sagemaker-mlflow beside mlflow.",
                )
            caller = _ACCOUNT.search(environ.get("HTTP_AUTHORIZATION", ""))
            if caller is not None and caller[1] != _account(arn):
                return _refuse(start_response, 403, f"Request is not authorized: {arn} is not of account {caller[1]}.")
            return self._pass_on(arn, rest or "/", environ, start_response)
        except SandboxError as error:
            return _refuse(start_response, 503, str(error))

    def _open(self, sent: str, start_response: StartResponse) -> Iterable[bytes]:
        token = sent.partition("authToken=")[2].partition("&")[0]
        found = self._presigned.pop(token, None)
        if found is None or found.until < time.time():
            return _refuse(start_response, 403, "This presigned URL has expired or was opened before: make another.")
        return self._enter(sent.partition("/auth?")[0], found.arn, found.session_seconds, start_response)

    def _show(self, base: str, rest: str, start_response: StartResponse) -> Iterable[bytes]:
        """Lead a browser that comes without a presigned URL, as by the address that MLflow's client prints of a run.

        The sandbox is this machine's own and checks no signature, so that nothing is opened that was closed.
        """
        awake = sorted(arn for arn, tracker in self._all().items() if not tracker.asleep)
        asked = urllib.parse.unquote(rest.partition("?arn=")[2])
        if asked in awake or len(awake) == 1:
            return self._enter(base, asked if asked in awake else awake[0], _SESSION, start_response)
        links = "".join(f'<li><a href="{base}/?arn={urllib.parse.quote(arn)}">{arn}</a></li>' for arn in awake)
        body = f"<!doctype html><title>MLflow</title><ul>{links}</ul>".encode()
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        return [body]

    def _enter(self, base: str, arn: str, seconds: float, start_response: StartResponse) -> Iterable[bytes]:
        name = secrets.token_urlsafe(24)
        self._sessions[name] = _Pass(arn, time.time() + seconds)
        return _redirect(start_response, f"{base}/ui/{name}/")

    def _pass_on(
        self, arn: str, path: str, environ: Mapping[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        tracker = self._all().get(arn)
        if tracker is None:
            return _refuse(start_response, 404, f"Tracking server could not be found: {arn}")
        if tracker.asleep:
            why = f": {tracker.reason}" if tracker.reason else "."
            return _refuse(start_response, 400, f"{arn} is in status {tracker.status}, so nothing is tracked{why}")
        connection = tracker.process.connection(CALL_SECONDS)
        try:
            connection.request(
                environ["REQUEST_METHOD"], path, _body(environ), _headers(environ), encode_chunked=_chunked(environ)
            )
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise SandboxError(f"The MLflow server of {arn} ended in the middle of a call: {error!r}") from error
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _OF_CONNECTION]
        start_response(f"{response.status} {response.reason}", headers)
        return _stream(tracker, connection, response)


def _stream(tracker: Tracker, connection: MlflowConnection, response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    finally:
        connection.close()
        tracker.process.used = time.monotonic()


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.replace("_", "-").title()] = str(environ[name])
    kept = {name: value for name, value in found.items() if name.lower() not in _OF_CONNECTION}
    if _chunked(environ):
        kept["Transfer-Encoding"] = "chunked"
    return {**kept, "Connection": "close"}


def _chunked(environ: Mapping[str, Any]) -> bool:
    return str(environ.get("HTTP_TRANSFER_ENCODING", "")).lower() == "chunked"


def _body(environ: Mapping[str, Any]) -> Iterator[bytes] | None:
    if _chunked(environ):
        return _read(environ["wsgi.input"], None)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return _read(environ["wsgi.input"], length) if length else None


def _read(source: BinaryIO, length: int | None) -> Iterator[bytes]:
    """Yield what a client sends, as it comes, up to its length."""
    left = length
    while left is None or left > 0:
        chunk = source.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _redirect(start_response: StartResponse, place: str) -> list[bytes]:
    start_response("302 Found", [("Location", place), ("Content-Length", "0"), ("Cache-Control", "no-store")])
    return []


_REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}
_CODES = {
    400: "INVALID_PARAMETER_VALUE",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    503: "TEMPORARILY_UNAVAILABLE",
}


def _refuse(start_response: StartResponse, status: int, message: str) -> list[bytes]:
    """Refuse in the form of MLflow's own errors, so that its clients show the message."""
    body = json.dumps({"error_code": _CODES[status], "message": message}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {_REASONS[status]}", headers)
    return [body]
