"""A model server of the standard library that answers each line of a request; the tests' transform jobs run it.

A line of CSV is answered with the sum of its numbers, a line of JSON with the sum of its values, as `{"sum": ...}`.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTED = {"requests": 0}


class Handler(BaseHTTPRequestHandler):
    """Answers /ping and /invocations."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer /ping."""
        self.answer(200, b"")

    def do_POST(self) -> None:
        """Answer each line, or what MODE says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        COUNTED["requests"] += 1
        if os.environ.get("MODE") == "count":
            self.answer(200, f"{COUNTED['requests']}:{len(body.splitlines())}".encode())
            return
        try:
            if self.headers.get("Content-Type") == "text/csv":
                lines = [str(sum(map(float, line.split(",")))) for line in body.decode().splitlines()]
            else:
                lines = [json.dumps({"sum": sum(json.loads(line).values())}) for line in body.splitlines()]
        except ValueError as error:
            self.answer(400, str(error).encode())
            return
        self.answer(200, "\n".join(lines).encode())

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    if os.environ.get("MODE") == "crash":
        sys.exit("there is no model here")
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))), Handler).serve_forever()
