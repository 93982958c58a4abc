"""A platform's folder and a model's contract in a sandbox: all that the commands on pipelines and versions read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pipeline_case import Caller, document, name_image

from terrace.contracts import need_model, read_platform
from terrace.maturity import ModelContract
from terrace.maturity.contract import Serving
from terrace.platform import open_platform, write_program
from terrace.sandbox import Sandbox
from terrace.target import Target

MODEL = "tiny"
NAMES = {"dev": "acme-dev-ml-tiny", "staging": "acme-staging-ml-tiny"}


class Place:
    """One environment with a model that has a pipeline and a package group, and no stack."""

    def __init__(self, folder: Path, environment: str) -> None:
        self.root = folder / "platform"
        self.environment = environment
        self.target: Target = open_platform(self.root, environment).target()
        assert self.target.url is not None
        name_image(self.target.url)
        self.caller = Caller(self.target.url, self.target.account, self.target.region)
        self.sagemaker = self.target.client("sagemaker")
        self.bucket = f"acme-{environment}-artifacts-{self.target.account}"
        self.target.client("s3").create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": self.target.region}
        )
        self.group = NAMES[environment]
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.group)
        self.target.client("ecr").create_repository(repositoryName=f"{environment}/tiny")
        self.publish()

    @property
    def contract(self) -> ModelContract:
        """The model's contract, as it is published."""
        return need_model(self.target, self.environment, MODEL)

    def publish(self, **more: Any) -> None:
        """Publish a contract."""
        account, region, environment = self.target.account, self.target.region, self.environment
        said: dict[str, Any] = {
            "terrace": "0",
            "organisation": "acme",
            "environment": environment,
            "account": account,
            "region": region,
            "team": "ml",
            "model": MODEL,
            "level": 2,
            "repository_name": f"{environment}/tiny",
            "repository_uri": f"{account}.dkr.ecr.{region}.amazonaws.com/{environment}/tiny",
            "build_project": "images",
            "artifact_bucket": self.bucket,
            "artifact_prefix": "models/tiny/",
            "data_bucket": self.bucket,
            "data_prefix": "data/tiny/",
            "models_key_arn": self.key(),
            "package_group": self.group,
            **{f"{name}_role_arn": f"arn:aws:iam::{account}:role/{name}" for name in ROLES},
            "endpoint": f"acme-{environment}-ml-tiny",
            "serving": Serving(mode="serverless", memory_mb=1024, max_concurrency=1),
            "pipeline": f"acme-{environment}-ml-tiny",
            "watched_prefix": "data/tiny/training/",
            **more,
        }
        self.target.client("ssm").put_parameter(
            Name=f"/terrace/{environment}/{MODEL}/contract",
            Value=ModelContract(**said).to_json(),
            Type="String",
            Overwrite=True,
        )

    def key(self) -> str:
        """Return the ARN of a key, the same each time."""
        kms = self.target.client("kms")
        known = kms.list_keys()["Keys"]
        return str(known[0]["KeyArn"] if known else kms.create_key()["KeyMetadata"]["Arn"])

    def pipeline(self, steps: list[Any], parameters: list[Any] | None = None) -> None:
        """Create the model's pipeline, or give it another definition."""
        name = str(self.contract.pipeline)
        if name not in [one["PipelineName"] for one in self.sagemaker.list_pipelines()["PipelineSummaries"]]:
            self.caller.create(name, steps, parameters or [])
            return
        definition = json.dumps(document(steps, parameters or []))
        self.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition)

    def register(self, status: str = "Approved", content: str = "model", image: str = "", **metadata: str) -> int:
        """Register a version; return its number."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            entry = tarfile.TarInfo("answer.txt")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
        key = f"models/tiny/{content}/model.tar.gz"
        self.target.client("s3").put_object(Bucket=self.bucket, Key=key, Body=packed.getvalue())
        arn = self.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [
                    {
                        "Image": image or f"{self.contract.repository_uri}@sha256:{'0' * 64}",
                        "ModelDataUrl": f"s3://{self.bucket}/{key}",
                    }
                ],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties=metadata or {"code": "abc", "data": "def", "metric:roc_auc": "0.75"},
        )["ModelPackageArn"]
        return int(arn.rsplit("/", 1)[1])

    def terrace(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the platform's folder and check its exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "terrace.cli", *args],
            cwd=self.root, env={**os.environ}, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json; its standard output is one JSON object and nothing else."""
        return json.loads(self.terrace(*args, "--json", expect=expect).stdout)

    def refused(self, says: str, *args: str) -> Any:
        """Run a command that is refused; check the sentence for people, and return the object for scripts."""
        assert says in self.terrace(*args, expect=1).stderr
        said = self.json(*args, expect=1)
        assert says in said["error"]["message"] + (said["error"]["hint"] or "")
        return said


ROLES = ("train", "serve", "deploy", "monitor")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A platform's folder, with a sandbox of the module's own."""
    folder = tmp_path_factory.mktemp("operations")
    write_program(folder / "platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRACE_HOME", str(folder / "home"))
        yield folder
        Sandbox(folder / "home").stop()


@pytest.fixture(scope="module")
def dev(folder: Path) -> Place:
    """The model in dev."""
    place = Place(folder, "dev")
    assert read_platform(place.target, "dev") is None
    return place
