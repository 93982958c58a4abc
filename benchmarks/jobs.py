"""What a training job takes over its bare script: fetching, starting, telling, putting away.

`python -m benchmarks.jobs` measures it alone; a minute-long script is measured once, as it takes minutes.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Ratio, compare, seconds_of
from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients

ACCOUNT, REGION, BUCKET = "900000000001", "eu-central-1", "benchmark-jobs"
WORK = """
import sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    sum(range(1000))
"""
AIM_SECONDS, AIM_RATIO = 0.5, 1.1
_numbers = itertools.count()


def jobs(folder: Path, box: Sandbox) -> Iterator[Ratio]:
    """Return the overhead against half a second, and a minute-long job against its script."""
    script = folder / "work.py"
    script.write_text(WORK)
    run = prepared(box, script)

    def bare(seconds: float) -> float:
        return seconds_of(lambda: subprocess.run([sys.executable, str(script), str(seconds)], check=True))

    run(0.0)  # the server makes its clients for the first one
    over = statistics.median(run(0.0) - bare(0.0) for _ in range(7))
    name = "what a training job takes beside its script / half a second"
    yield Ratio(name, over, AIM_SECONDS, over / AIM_SECONDS, 1.0)
    yield compare("a minute-long training job / its script", lambda: run(60.0), lambda: bare(60.0), 1, AIM_RATIO)


def prepared(box: Sandbox, script: Path) -> Any:
    """Make a bucket with the script and an image; return what runs a job with it and tells the seconds."""
    aws = SandboxClients(box.require().url, ACCOUNT, REGION)
    s3, sagemaker = aws("s3"), aws("sagemaker")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.upload_file(str(script), BUCKET, "code/work.py")
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/benchmark:1"
    box.post("images", {"uri": image, "python": sys.executable})
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/code"}

    def run(seconds: float) -> float:
        name, began = f"benchmark-{next(_numbers)}", time.perf_counter()
        sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/train",
            AlgorithmSpecification={
                "TrainingImage": image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/work.py", str(seconds)],
            },
            InputDataConfig=[{"ChannelName": "code", "DataSource": {"S3DataSource": source}}],
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        while (seen := sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
            time.sleep(0.01)
        took = time.perf_counter() - began
        if seen["TrainingJobStatus"] != "Completed":
            raise SystemExit(f"{name}: {seen.get('FailureReason')}")
        return took

    return run


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        box = Sandbox(Path(name) / "home")
        box.start()
        try:
            for one in jobs(Path(name), box):
                print(f"{one.name}: {one.seconds:.2f} s, {one.baseline:.2f} s, {one.ratio:.2f} {one.verdict}")
        finally:
            box.stop()


if __name__ == "__main__":
    main()
