"""Asks an endpoint once, as a process of its own: `python -m terrace.acceptance.predict ROOT ENV ENDPOINT PAYLOAD`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from terrace.platform import open_platform


def predict(root: Path, environment: str, endpoint: str, payload: Path) -> dict[str, object]:
    """Return what the endpoint answers, its status and how long it took."""
    client = open_platform(root, environment).target(start=False).client("sagemaker-runtime")
    began = time.perf_counter()
    answer = client.invoke_endpoint(EndpointName=endpoint, ContentType="application/json", Body=payload.read_bytes())
    body = answer["Body"].read().decode()
    took = round((time.perf_counter() - began) * 1000)
    return {"status": answer["ResponseMetadata"]["HTTPStatusCode"], "answer": body, "milliseconds": took}


if __name__ == "__main__":
    click.echo(json.dumps(predict(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
