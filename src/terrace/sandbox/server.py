"""The sandbox's server: moto below, what moto lacks in its place, and a few routes of its own.

`python -m terrace.sandbox.server --home FOLDER` runs it until SIGTERM; `terrace.sandbox.Sandbox` starts it.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import os
import re
import shutil
import signal
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from terrace.errors import TerraceError
from terrace.sandbox import accounts
from terrace.sandbox.room import Room, Server
from terrace.sandbox.rooms import rooms

ADDRESS = "127.0.0.1"
PREFIX = "/_terrace/"
_CALLER = re.compile(r"Credential=AKIA(\d{12})\w{4}/\d+/([\w-]+)/([\w-]+)/")
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """The WSGI application: our own routes, and moto for the rest."""

    def __init__(self, server: Server, rooms: Iterable[Room]) -> None:
        self.incarnation = uuid.uuid4().hex
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self._server = server
        self._rooms = tuple(rooms)
        self._calls: collections.Counter[str] = collections.Counter()
        self._aws = DomainDispatcherApplication(create_backend_app)
        self._note = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        site = self._server.sites.get(path.removeprefix(PREFIX).partition("/")[0]) if path.startswith(PREFIX) else None
        if site is not None:
            return site(environ, start_response)
        if path.startswith(PREFIX):
            return self._own(path.removeprefix(PREFIX), environ, start_response)
        found = _CALLER.search(environ.get("HTTP_AUTHORIZATION", ""))
        if found:
            account, region, service = found.groups()
            self._calls[account] += 1
            if service in self._server.services:
                status, body, headers = self._server.services[service].answer((account, region), environ)
                return _answer(start_response, status, body, headers)
        answer: Iterable[bytes] = self._aws(environ, start_response)
        return answer

    def note(self) -> None:
        """Write how the server is reached, whole or not at all."""
        _, _, port = self._server.url.rpartition(":")
        said = {
            "url": self._server.url,
            "port": int(port),
            "pid": os.getpid(),
            "incarnation": self.incarnation,
            "started": self.started,
        }
        draft = self._server.home / "sandbox.json.new"
        draft.write_text(json.dumps(said))
        draft.replace(self._server.home / "sandbox.json")

    def stop(self) -> None:
        """End what runs in the rooms."""
        for room in self._rooms:
            room.stop()

    def _own(self, path: str, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        said: dict[str, Any]
        try:
            if environ["REQUEST_METHOD"] == "GET" and path == "status":
                said = self._status()
            elif path == "reset":
                said = self._reset()
            elif path in self._server.routes:
                length = int(environ.get("CONTENT_LENGTH") or 0)
                said = dict(self._server.routes[path](json.loads(environ["wsgi.input"].read(length) or b"{}")))
            else:
                said = {"error": f"The sandbox has no route {path}."}
        except TerraceError as error:
            said = {"error": str(error)}
        return _answer(start_response, 200, json.dumps(said, default=str).encode(), {})

    def _status(self) -> dict[str, Any]:
        process = psutil.Process()
        family = [process, *process.children(recursive=True)]
        return {
            "incarnation": self.incarnation,
            "memory_mb": sum(_memory(one) for one in family) // 2**20,
            "environments": dict(self._calls),
            "rooms": {room.name: room.status() for room in self._rooms},
        }

    def _reset(self) -> dict[str, Any]:
        from moto.moto_api._internal.models import moto_api_backend

        with self._note:
            for room in self._rooms:
                room.reset()
            moto_api_backend.reset()
            _forget(self._server.home)
            self._calls.clear()
            self.incarnation = uuid.uuid4().hex
            self.note()
        return {"incarnation": self.incarnation}


def serve(home: Path) -> None:
    """Run the server in this process until SIGTERM or SIGINT."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    accounts.install()
    _forget(home)
    server = Server(home)
    found = rooms()
    for room in found:
        room.install(server)
    app = App(server, found)
    http = make_server(ADDRESS, 0, app, threaded=True, request_handler=MotoRequestHandler)
    server.url = f"http://{ADDRESS}:{http.server_port}"
    # moto's own calls to itself, such as those of state machines, go to this port.
    os.environ["MOTO_PORT"] = str(http.server_port)

    def end(_signal: int, _frame: object) -> None:
        threading.Thread(target=http.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    app.note()
    try:
        http.serve_forever()
    finally:
        app.stop()


def _answer(start_response: StartResponse, status: int, body: bytes, headers: Mapping[str, str]) -> list[bytes]:
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(told.items()))
    return [body]


def _forget(home: Path) -> None:
    """Drop the notes of creations that were made in a server which is gone, or emptied."""
    shutil.rmtree(home / "journal", ignore_errors=True)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="The sandbox's server; `terrace sandbox start` starts it.")
    parser.add_argument("--home", type=Path, required=True)
    serve(parser.parse_args().home)


if __name__ == "__main__":
    main()
