"""Pipelines against their scripts in a shell: ten steps one after the other, and fifty executions at once."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Ratio, compare, seconds_of
from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients

ACCOUNT, REGION = "912345678902", "eu-central-1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/bench:python"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
STEPS, EXECUTIONS = 10, 50
SECONDS = 1.0
"""How long each of the ten scripts takes; a real step takes longer, and what the pipeline adds then matters less."""


def against_shell(folder: Path, box: Sandbox) -> Iterator[Ratio]:
    """Seconds from the start to the end that a client sees, against the same scripts run by a shell."""
    box.reset()
    url = box.require().url
    _name_image(url)
    aws = SandboxClients(url, ACCOUNT, REGION)
    script = folder / "step.py"
    script.write_text(f"import time; time.sleep({SECONDS})")
    _create(aws, "chain", STEPS, script.read_text())
    _create(aws, "short", 2, "pass", chained=False)
    _wait(aws, [_start(aws, "short")])  # the first makes the sandbox's own clients
    chain = " && ".join([f"{sys.executable} {script}"] * STEPS)
    yield compare(
        f"a pipeline of {STEPS} steps of {SECONDS:g} s each / its scripts in a shell",
        lambda: seconds_of(lambda: _wait(aws, [_start(aws, "chain")])),
        _shell(chain),
        3,
        1.2,
    )
    many = f"seq {2 * EXECUTIONS} | xargs -P {2 * EXECUTIONS} -I _ {sys.executable} -c pass"
    yield compare(
        f"{EXECUTIONS} executions of two empty steps at once / their scripts in a shell, all at once",
        lambda: seconds_of(lambda: _wait(aws, [_start(aws, "short") for _ in range(EXECUTIONS)])),
        _shell(many),
        3,
        None,
    )


def _shell(command: str) -> Callable[[], float]:
    return lambda: seconds_of(lambda: subprocess.run(["bash", "-c", command], check=True))


def _create(aws: SandboxClients, name: str, count: int, code: str, *, chained: bool = True) -> None:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    arguments = {
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python", "-c", code]},
        "RoleArn": ROLE,
    }
    steps = [
        {
            "Name": f"S{number}",
            "Type": "Processing",
            "Arguments": arguments,
            "DependsOn": [f"S{number - 1}"] if number and chained else [],
        }
        for number in range(count)
    ]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    aws("sagemaker").create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)


def _start(aws: SandboxClients, name: str) -> str:
    return str(aws("sagemaker").start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])


def _wait(aws: SandboxClients, arns: list[str]) -> None:
    """Wait for the end of executions, as a client does: by asking, four times a second."""
    left: list[str] = list(arns)
    for attempt in itertools.count():
        found: list[Any] = [aws("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn) for arn in left]
        statuses = [one["PipelineExecutionStatus"] for one in found]
        if wrong := set(statuses) - {"Executing", "Succeeded"}:
            raise RuntimeError(f"executions ended as {wrong}")
        left = [arn for arn, status in zip(left, statuses, strict=True) if status == "Executing"]
        if not left:
            return
        time.sleep(0.05 if attempt < 20 else 0.25)


def _name_image(url: str) -> None:
    body = json.dumps({"uri": IMAGE, "python": sys.executable}).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{url}/_terrace/images", body)) as answer:
        said = json.loads(answer.read())
    if "error" in said:
        raise RuntimeError(said["error"])
