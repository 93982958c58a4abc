"""A tiny model image, `tiny_model.py` run by the tests' own interpreter, and endpoints made of it."""

from __future__ import annotations

import io
import itertools
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients

APP = Path(__file__).with_name("tiny_model.py")
_numbers = itertools.count(1)


def fresh(word: str = "churn") -> str:
    """Return a name that no other test of this process uses."""
    return f"{word}-{next(_numbers)}"


class Serving:
    """Makes models and endpoints of the tiny image in one account."""

    def __init__(self, aws: SandboxClients, home: Path) -> None:
        self.aws = aws
        self.home = home
        self.sagemaker = aws("sagemaker")
        self.image = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com/tiny:1"
        said = {"uri": self.image, "python": sys.executable, "entrypoint": ["python", str(APP)]}
        Sandbox(home).post("images", said)

    def model(self, *, isolated: bool = False, data: str | None = None, image: str | None = None, **env: str) -> str:
        """Make a model; return its name."""
        name = fresh("model")
        container: dict[str, Any] = {"Image": image or self.image, "Environment": env}
        if data is not None:
            container["ModelDataUrl"] = data
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=f"arn:aws:iam::{self.aws.account}:role/serve",
            PrimaryContainer=container,
            EnableNetworkIsolation=isolated,
        )
        return name

    def config(self, *models: str, **variant: Any) -> str:
        """Make an endpoint configuration with a variant for each model; return its name."""
        name = fresh("config")
        size = variant if "ServerlessConfig" in variant else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {"VariantName": f"v{number}", "ModelName": model, **size, **variant}
                for number, model in enumerate(models, 1)
            ],
        )
        return name

    def endpoint(self, config: str) -> str:
        """Make an endpoint and wait until it is made; return its name."""
        name = fresh("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.settled(name)
        return name

    def settled(self, endpoint: str) -> dict[str, Any]:
        """Wait until no change goes on; return the description."""
        busy = ("Creating", "Updating", "RollingBack")
        return until(
            lambda: self.sagemaker.describe_endpoint(EndpointName=endpoint),
            lambda seen: seen["EndpointStatus"] not in busy,
        )

    def ask(self, endpoint: str, body: bytes = b"{}", **more: Any) -> dict[str, Any]:
        """Invoke an endpoint."""
        answer: dict[str, Any] = self.aws("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body, **more)
        return answer

    def put_archive(self, files: Mapping[str, str]) -> str:
        """Put a model.tar.gz with files into a bucket; return its URL. Names are taken as they are, `..` too."""
        s3, bucket = self.aws("s3"), f"models-{self.aws.account}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.aws.region})
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=packed.getvalue())
        return f"s3://{bucket}/model.tar.gz"


def until(look: Callable[[], Any], right: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    """Look again and again until what is seen is right; return it."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if right(seen):
            return seen
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.03)
