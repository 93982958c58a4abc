"""A project whose image looks for what arrived and answers line by line, with the standard library and boto3."""

from __future__ import annotations

import io
import json
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from release.conftest import World

from terrace.cli.group import run
from terrace.executions import Execution
from terrace.pipelines import watch

MAIN = """
import http.server, json, os, pathlib, sys
MODEL = pathlib.Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")) / "answer.txt"
ANSWER = MODEL.read_text() if MODEL.is_file() else "baseline 1"
OUT = pathlib.Path("/opt/ml/processing/output")

def collect(arrivals, predictions):
    import boto3
    s3 = boto3.client("s3")
    def listed(uri):
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {one["Key"][len(prefix):]: one["LastModified"] for p in pages for one in p.get("Contents", ())}
    found, scored = listed(arrivals), listed(predictions)
    keys, refused = [], []
    for key in sorted(found):
        if key + ".out" in scored and scored[key + ".out"] >= found[key]:
            continue
        bucket, _, prefix = arrivals.removeprefix("s3://").partition("/")
        try:
            [json.loads(line) for line in s3.get_object(Bucket=bucket, Key=prefix + key)["Body"].iter_lines()]
            keys.append(key)
        except ValueError:
            refused.append({"key": key, "reason": "is no JSON Lines"})
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "manifest.json").write_text(json.dumps([{"prefix": arrivals}, *keys]))
    said = {"objects": len(keys), "refused": refused, "skipped": len(found) - len(keys) - len(refused)}
    (OUT / "collected.json").write_text(json.dumps(said))
    print("collected", json.dumps(said), flush=True)
    if refused and not keys:
        pathlib.Path("/opt/ml/output/failure").write_text("nothing new can be scored: " + refused[0]["key"])
        raise SystemExit(1)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.answer(b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Type") != "application/jsonlines":
            return self.answer(ANSWER.encode())
        lines = [json.dumps({"id": json.loads(line)["id"], "by": ANSWER}) for line in body.splitlines()]
        self.answer("\\n".join(lines).encode())
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

if sys.argv[1] == "collect":
    collect(sys.argv[3], sys.argv[5])
else:
    host, port = os.environ.get("SAGEMAKER_BIND_TO_HOST", "0.0.0.0"), os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")
    http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""
SETTINGS = (
    "config:\n  terrace:model: tiny\n  terrace:region: eu-central-1\n  terrace:team: operations\n"
    "  terrace:owner: mlops@acme.example\n"
)
PREFIX = "operations/tiny/batch/"


class ScoringWorld(World):
    """The platform, with that project."""

    def __init__(self, folder: Path, settings: str) -> None:
        super().__init__(folder)
        self.write("src/tiny/__main__.py", MAIN)
        self.settings(settings)
        self.commit()

    def settings(self, text: str) -> None:
        """Write the settings of the model in dev, besides those that it must have."""
        self.write("infra/Pulumi.dev.yaml", SETTINGS + "".join(f"  {line}\n" for line in text.splitlines()))

    def __call__(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json, and return its object."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = run([*args, "--json", "--root", str(self.folder / "platform")])
        assert status == expect, err.getvalue() + out.getvalue()
        return json.loads(out.getvalue())

    def told(self, *args: str, expect: int = 0) -> str:
        """Run a command as a person does, and return all that it said."""
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            status = run([*args, "--root", str(self.folder / "platform")])
        assert status == expect, out.getvalue()
        return out.getvalue()

    def arrive(self, key: str, *ids: int, text: str | None = None) -> None:
        """Put records where they arrive."""
        body = text if text is not None else "".join(json.dumps({"id": id}) + "\n" for id in ids)
        self.s3.put_object(Bucket=self.contract["dataBucket"], Key=f"{PREFIX}in/{key}", Body=body.encode())

    def predictions(self, key: str) -> list[Any]:
        """Return the predictions for an object, line by line."""
        found = self.s3.get_object(Bucket=self.contract["dataBucket"], Key=f"{PREFIX}out/{key}.out")["Body"].read()
        return [json.loads(line) for line in found.splitlines()]

    def below(self, prefix: str) -> list[str]:
        """Return the keys below a prefix of mode batch."""
        found = self.s3.list_objects_v2(Bucket=self.contract["dataBucket"], Prefix=f"{PREFIX}{prefix}")
        return [one["Key"].removeprefix(f"{PREFIX}{prefix}") for one in found.get("Contents", ())]

    def score(self, expect: str = "Succeeded") -> Execution:
        """Run the pipeline that scores, as a client that knows nothing of Terrace does; return the ended run."""
        answer = self.sagemaker.start_pipeline_execution(PipelineName=self.pipeline)
        found = self.ended(answer["PipelineExecutionArn"])
        assert found.status == expect, found
        return found

    def ended(self, arn: str) -> Execution:
        """Wait for the end of a run."""
        return watch(self.target, arn, lambda _: None)

    def runs(self, pipeline: str | None = None) -> list[str]:
        """Return the ARNs of all runs, the latest first."""
        pages = self.sagemaker.get_paginator("list_pipeline_executions")
        found = pages.paginate(PipelineName=pipeline or self.pipeline, SortBy="CreationTime", SortOrder="Descending")
        return [one["PipelineExecutionArn"] for page in found for one in page["PipelineExecutionSummaries"]]

    def by_itself(self, before: int = 0) -> Execution:
        """Wait for the run that the schedule starts, after as many as there were, and for its end."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = self.runs()
            if len(found) > before:
                return self.ended(found[-1 - before])
            time.sleep(0.2)
        raise AssertionError("nothing ran")

    @property
    def pipeline(self) -> str:
        """Name of the pipeline that scores."""
        return str(self.contract["batch"]["pipeline"])

    @property
    def s3(self) -> Any:
        """A client of S3."""
        return self.target.client("s3")

    @property
    def sagemaker(self) -> Any:
        """A client of SageMaker."""
        return self.target.client("sagemaker")
