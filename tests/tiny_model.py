"""A model server of the standard library that does what a request tells it; the tests' endpoints run it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
MODE = os.environ.get("MODE", "")
STARTED = time.time()
HELD: list[bytes] = []
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    """Answers /ping and /invocations."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        """Answer /ping."""
        self.answer(500 if MODE == "ill" else 200, {})

    def do_POST(self) -> None:
        """Do what the body says, and answer with what this process sees."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            said = json.loads(body)
        except ValueError:
            self.answer(400, {"error": "this is no JSON"})
            return
        self.answer(*done(said if isinstance(said, dict) else {}, dict(self.headers), len(body)))

    def answer(self, status: int, said: Any) -> None:
        """Send an answer."""
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header(ATTRIBUTES, "seen=" + self.headers.get(ATTRIBUTES, ""))
        self.end_headers()
        self.wfile.write(body)


def done(said: dict[str, Any], headers: dict[str, str], length: int) -> tuple[int, Any]:
    """Do what a request says; return status and answer."""
    verb = said.get("do")
    if verb == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "fail":
        return 500, {"error": "the model has a fault"}
    if verb == "sleep":
        time.sleep(said["seconds"])
    if verb == "say":
        say(said["text"])
    if verb == "take":
        HELD.append(b"x" * said["bytes"])
    if verb == "fill":
        return 200, "x" * said["bytes"]
    if verb == "fetch":
        try:
            with urllib.request.urlopen(said["url"], timeout=2) as found:
                return 200, {"reached": found.status}
        except OSError as error:
            return 200, {"reached": None, "why": str(error)}
    return 200, {
        "argv": sys.argv[1:],
        "env": dict(os.environ),
        "headers": headers,
        "model": {path.name: path.read_text() for path in sorted(MODEL.glob("*"))},
        "started": STARTED,
        "length": length,
    }


def main() -> None:
    """Serve, or do what MODE says instead."""
    if MODE == "crash":
        say("there is no model here")
        sys.exit(3)
    say("listening as " + os.environ.get("GREETING", "nobody"))
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
