"""A platform, and a model project of six small files whose image is a server of the standard library."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terrace import runs
from terrace.platform import Platform, open_platform, write_program
from terrace.project import Project, open_project
from terrace.sandbox import Sandbox
from terrace.target import Target

FILES = {
    "Dockerfile": (
        "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements/runtime.txt requirements/runtime.txt\n"
        "RUN pip install --require-hashes -r requirements/runtime.txt\nCOPY src src\nENV PYTHONPATH=/app/src\n"
        'ENTRYPOINT ["python", "-m", "tiny"]\n'
    ),
    "requirements/runtime.txt": "# the standard library is enough\n",
    "src/tiny/__main__.py": """
import http.server, json, os, pathlib
MODEL = pathlib.Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")) / "answer.txt"
ANSWER = MODEL.read_text() if MODEL.is_file() else "baseline 1"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.answer(b"")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(ANSWER.encode())
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
if ANSWER == "broken": raise SystemExit("this model cannot be loaded")
address = (os.environ.get("SAGEMAKER_BIND_TO_HOST", "0.0.0.0"), int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
""",
    "infra/Pulumi.yaml": "name: tiny\nruntime: python\n",
    "infra/Pulumi.dev.yaml": (
        "config:\n  terrace:model: tiny\n  terrace:region: eu-central-1\n  terrace:team: operations\n"
        "  terrace:owner: mlops@acme.example\n  terrace:mode: serverless\n"
    ),
}
INFRA = Path(__file__).parents[2] / "templates" / "model" / "project" / "infra" / "__main__.py.jinja"


class World:
    """A platform and a project in a sandbox, and what a person does with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_program(folder / "platform")
        self.root = folder / "tiny"
        for name, text in FILES.items():
            self.write(name, text)
        self.write("infra/__main__.py", INFRA.read_text().replace("{{ project_name }}", "Tiny"))
        (self.root / ".venv" / "bin").mkdir(parents=True)
        (self.root / ".venv" / "bin" / "python").symlink_to(sys.executable)
        self.write(".gitignore", ".venv/\n__pycache__/\n")
        self.git("init", "--quiet")
        self.commit()

    @property
    def platform(self) -> Platform:
        """The platform of dev."""
        return open_platform(self.folder / "platform", "dev")

    @property
    def project(self) -> Project:
        """The project in dev, read anew."""
        return open_project(self.root, "dev")

    @property
    def target(self) -> Target:
        """Where both live."""
        return self.platform.target()

    def up(self) -> runs.Run:
        """Run `terrace up dev --project`."""
        return runs.up_project(self.project, runs.Options(), self.folder / "platform")

    def ask(self) -> str:
        """Ask the endpoint through the AWS API."""
        client = self.target.client("sagemaker-runtime")
        answer = client.invoke_endpoint(EndpointName=self.contract["endpoint"], Body=b"{}")
        return str(answer["Body"].read().decode())

    @property
    def contract(self) -> dict[str, Any]:
        """The model's contract, as any AWS client reads it."""
        answer = self.target.client("ssm").get_parameter(Name="/terrace/dev/tiny/contract")
        found: dict[str, Any] = json.loads(answer["Parameter"]["Value"])
        return found

    def register(self, answer: str, status: str = "Approved") -> int:
        """Register a model that gives an answer; return its version."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            entry = tarfile.TarInfo("answer.txt")
            entry.size = len(answer)
            archive.addfile(entry, io.BytesIO(answer.encode()))
        bucket, key = self.contract["artifactBucket"], f"models/tiny/{answer.replace(' ', '-')}/model.tar.gz"
        self.target.client("s3").put_object(Bucket=bucket, Key=key, Body=content.getvalue())
        sagemaker = self.target.client("sagemaker")
        arn = sagemaker.create_model_package(
            ModelPackageGroupName=self.contract["packageGroup"],
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": self.contract["image"], "ModelDataUrl": f"s3://{bucket}/{key}"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={"code": "abc", "data": "def", "metric:roc_auc": "0.75"},
        )["ModelPackageArn"]
        return int(arn.rsplit("/", 1)[1])

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self) -> None:
        """Commit all of the project."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Change")

    def git(self, *args: str) -> None:
        """Run git in the project."""
        identity = ["-c", "user.name=T", "-c", "user.email=t@acme.example"]
        subprocess.run(["git", *identity, "-C", str(self.root), *args], check=True, capture_output=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform with a project on it, in a sandbox of the module's own."""
    folder = tmp_path_factory.mktemp("release")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        yield World(folder)
        Sandbox(folder / "home").stop()
