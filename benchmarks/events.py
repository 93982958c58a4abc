"""From an object's upload to the run that a rule starts for it, against a client that starts the run itself."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator

from benchmarks.measure import Ratio, compare
from terrace.sandbox import Sandbox
from terrace.sandbox.provider.clients import SandboxClients

ACCOUNT, REGION = "912345678901", "eu-central-1"
PAIRS = 15
_PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "DataKey", "Type": "String", "DefaultValue": ""}],
    "Steps": [{"Name": "Nothing", "Type": "Fail", "Arguments": {"ErrorMessage": "Nothing to train"}}],
}


def upload_to_run(box: Sandbox) -> Iterator[Ratio]:
    """Seconds until the run is listed, from the beginning of the upload."""
    box.reset()
    aws = SandboxClients(box.require().url, ACCOUNT, REGION)
    role = f"arn:aws:iam::{ACCOUNT}:role/events"
    s3, sagemaker, number = aws("s3"), aws("sagemaker"), itertools.count()
    s3.create_bucket(Bucket="arrivals", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_notification_configuration(
        Bucket="arrivals", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    for name in ("by-rule", "by-hand"):
        arn = sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(_PIPELINE), ClientRequestToken=name * 5, RoleArn=role
        )["PipelineArn"]
        if name == "by-rule":
            _rule(aws, arn, role)

    def runs(name: str) -> int:
        return len(sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"])

    def timed(name: str, begin: Callable[[str], object]) -> Callable[[], float]:
        def measure() -> float:
            before, began = runs(name), time.perf_counter()
            begin(f"{name}/{next(number)}.csv")
            while runs(name) == before:
                time.sleep(0.001)
            return time.perf_counter() - began

        return measure

    def upload(key: str) -> None:
        s3.put_object(Bucket="arrivals", Key=key, Body=b"1,2,3\n" * 1000)

    def start(key: str) -> None:
        upload(key)
        given = [{"Name": "DataKey", "Value": key}]
        sagemaker.start_pipeline_execution(PipelineName="by-hand", PipelineParameters=given)

    by_rule, by_hand = timed("by-rule", upload), timed("by-hand", start)
    by_rule()  # the first makes the sandbox's own clients
    yield compare("upload to started run, by a rule / by a client that starts it", by_rule, by_hand, PAIRS, None)


def _rule(aws: SandboxClients, pipeline: str, role: str) -> None:
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "by-rule/"}]}}}
    aws("events").put_rule(Name="arrivals", EventPattern=json.dumps(pattern))
    parameters = {"PipelineParameterList": [{"Name": "DataKey", "Value": "$.detail.object.key"}]}
    target = {"Id": "train", "Arn": pipeline, "RoleArn": role, "SageMakerPipelineParameters": parameters}
    aws("events").put_targets(Rule="arrivals", Targets=[target])
