"""Invocations: limits, errors and metrics are as SageMaker's."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from serving import Serving, until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.accounts import access_key
from terrace.sandbox.endpoints import model_server
from terrace.sandbox.provider.clients import SandboxClients


@pytest.fixture
def serving(aws: SandboxClients, sandbox: Running) -> Serving:
    """A maker of endpoints in an account of its own."""
    return Serving(aws, Path(Sandbox(sandbox_home(sandbox)).home))


def sandbox_home(running: Running) -> Path:
    """Return the folder of a running sandbox, from its command line."""
    import psutil

    words = psutil.Process(running.pid).cmdline()
    return Path(words[words.index("--home") + 1])


def _statistics(serving: Serving, endpoint: str, metric: str, variant: str = "v1") -> dict[str, float]:
    now = datetime.now(UTC)
    points = serving.aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    return {
        "sum": sum(point["Sum"] for point in points),
        "count": sum(point["SampleCount"] for point in points),
        "max": max((point["Maximum"] for point in points), default=0),
        "units": {point["Unit"] for point in points},
    }  # type: ignore[dict-item]


def test_headers_go_to_the_model(serving: Serving) -> None:
    """Content type, accepted type, attributes and the invocation's id."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    answer = serving.ask(
        endpoint, b"[1]", ContentType="application/json", Accept="application/jsonlines", InferenceId="inv-7"
    )
    headers = {name.lower(): value for name, value in json.loads(answer["Body"].read())["headers"].items()}
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "application/jsonlines"
    assert headers["x-amzn-sagemaker-inference-id"] == "inv-7"
    assert "authorization" not in headers


def test_an_endpoint_that_is_not_there_is_refused(serving: Serving) -> None:
    """The words are AWS's."""
    with pytest.raises(ClientError) as error:
        serving.ask("none")
    said = error.value.response["Error"]
    assert said == {"Code": "ValidationError", "Message": f"Endpoint none of account {serving.aws.account} not found."}


def test_an_endpoint_of_another_account_is_not_there(serving: Serving, sandbox: Running) -> None:
    """Accounts do not see each other's endpoints."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    other = SandboxClients(sandbox.url, "999999999999", serving.aws.region)
    with pytest.raises(ClientError, match="of account 999999999999 not found"):
        other("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"{}")


@pytest.mark.parametrize(("body", "status", "side"), [(b"not json", 400, "client"), (b'{"do": "fail"}', 500, "server")])
def test_an_error_of_the_model_is_a_model_error(serving: Serving, body: bytes, status: int, side: str) -> None:
    """Status and message are the model's, and the log is named."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    with pytest.raises(ClientError) as error:
        serving.ask(endpoint, body)
    said = error.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert said["Error"]["Code"] == "ModelError"
    assert said["OriginalStatusCode"] == status  # type: ignore[typeddict-item]
    assert f"Received {side} error ({status}) from primary with message" in said["Error"]["Message"]
    assert said["OriginalMessage"] in said["Error"]["Message"]  # type: ignore[typeddict-item]
    assert said["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{endpoint}")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("serverless", "limit"), [(False, 6 * 2**20), (True, 4 * 2**20)])
def test_a_payload_has_a_limit(serving: Serving, serverless: bool, limit: int) -> None:
    """6 MB, and 4 MB where it is serverless; at the limit it still goes through."""
    size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}} if serverless else {}
    endpoint = serving.endpoint(serving.config(serving.model(), **size))
    body = json.dumps("x" * (limit - 2)).encode()
    assert json.loads(serving.ask(endpoint, body)["Body"].read())["length"] == limit
    with pytest.raises(ClientError) as error:
        serving.ask(endpoint, body + b" ")
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert f"length less than or equal to {limit}" in error.value.response["Error"]["Message"]


def test_an_answer_has_a_limit(serving: Serving) -> None:
    """A model that answers with more than SageMaker passes on is in error."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    with pytest.raises(ClientError, match="larger than 6291456 bytes"):
        serving.ask(endpoint, b'{"do": "fill", "bytes": 7000000}')


def test_a_serverless_endpoint_takes_so_many_at_once(serving: Serving) -> None:
    """What is over its concurrency is throttled."""
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    endpoint = serving.endpoint(serving.config(serving.model(), ServerlessConfig=size))
    impatient = boto3.client(
        "sagemaker-runtime",
        endpoint_url=serving.aws.url,
        region_name=serving.aws.region,
        aws_access_key_id=access_key(serving.aws.account),
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def refused() -> str:
        try:
            impatient.invoke_endpoint(EndpointName=endpoint, Body=b"{}")["Body"].read()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: serving.ask(endpoint, b'{"do": "sleep", "seconds": 4}')["Body"].read())
        assert until(refused, bool) == "ThrottlingException"
        assert slow.result()


def test_many_at_once_are_answered(serving: Serving) -> None:
    """Connections are kept and shared between callers."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    bodies = [json.dumps([number]).encode() for number in range(100)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: json.loads(serving.ask(endpoint, body)["Body"].read()), bodies))
    assert [answer["length"] for answer in answers] == [len(body) for body in bodies]


def test_metrics_count_what_happened(serving: Serving) -> None:
    """Invocations, errors and latencies are in CloudWatch under SageMaker's names."""
    endpoint = serving.endpoint(serving.config(serving.model(), InitialInstanceCount=2))
    for body in (b"{}", b"{}", b'{"do": "sleep", "seconds": 0.2}', b"no json", b'{"do": "fail"}'):
        try:
            serving.ask(endpoint, body)
        except ClientError:
            continue
    seen = {
        name: _statistics(serving, endpoint, name)
        for name in (
            "Invocations",
            "InvocationsPerInstance",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
            "ModelLatency",
            "OverheadLatency",
        )
    }
    assert seen["Invocations"]["sum"] == 5
    assert seen["InvocationsPerInstance"]["sum"] == 2.5
    assert seen["Invocation4XXErrors"]["sum"] == 1
    assert seen["Invocation5XXErrors"]["sum"] == 1
    assert seen["InvocationModelErrors"]["sum"] == 2
    assert seen["ModelLatency"]["units"] == {"Microseconds"}  # type: ignore[comparison-overlap]
    assert 2e5 < seen["ModelLatency"]["max"] < 2e6
    assert 0 < seen["OverheadLatency"]["max"] < 1e6
    assert seen["ModelLatency"]["count"] == 5


def test_metrics_are_of_one_account_and_endpoint(serving: Serving) -> None:
    """Another endpoint's invocations are not counted."""
    first, second = (serving.endpoint(serving.config(serving.model())) for _ in range(2))
    serving.ask(first)
    assert _statistics(serving, first, "Invocations")["sum"] == 1
    assert _statistics(serving, second, "Invocations")["count"] == 0


def test_a_cold_start_is_measured(serving: Serving) -> None:
    """A serverless endpoint says how long its container took to start, in microseconds."""
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    endpoint = serving.endpoint(serving.config(serving.model(), ServerlessConfig=size))
    assert 1e4 < _statistics(serving, endpoint, "ModelSetupTime")["max"] < 3e7


def test_what_a_model_prints_is_in_its_log(serving: Serving) -> None:
    """One stream for each instance, named after the variant."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    serving.ask(endpoint, b'{"do": "say", "text": "predicted 42"}')
    logs, group = serving.aws("logs"), f"/aws/sagemaker/Endpoints/{endpoint}"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"].startswith("v1/i-")
    deadline = time.monotonic() + 10
    lines: list[str] = []
    while "predicted 42" not in lines and time.monotonic() < deadline:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        lines = [event["message"] for event in events]
    assert lines == ["listening as nobody", "predicted 42"]


def test_metrics_that_a_model_prints_are_in_cloudwatch(serving: Serving) -> None:
    """A line of the embedded metric format is a log line and a metric; one that is malformed is a line alone."""
    endpoint = serving.endpoint(serving.config(serving.model()))

    def line(**more: object) -> str:
        metrics = [{"Name": "late", "Unit": "Count"}, {"Name": "minutes"}]
        about = [{"Namespace": f"Churn/{endpoint}", "Dimensions": [["model"]], "Metrics": metrics}]
        said = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": about}, "model": "churn", **more}
        return json.dumps(said)

    for text in (line(late=2, minutes=[1, 2.5]), line(late="much", minutes=1), line(), '{"_aws": 1}'):
        serving.ask(endpoint, json.dumps({"do": "say", "text": text}).encode())

    def points(metric: str) -> list[Any]:
        now = datetime.now(UTC)
        found = serving.aws("cloudwatch").get_metric_statistics(
            Namespace=f"Churn/{endpoint}",
            MetricName=metric,
            Dimensions=[{"Name": "model", "Value": "churn"}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        return [(point["Sum"], point["SampleCount"], point["Unit"]) for point in found]

    assert until(lambda: points("minutes"), bool) == [(3.5, 2, "None")]
    assert points("late") == [(2, 1, "Count")]
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    logs = serving.aws("logs")
    assert until(lambda: logs.filter_log_events(logGroupName=group)["events"], lambda events: len(events) == 5)


def test_a_model_that_takes_too_long_is_in_error(tmp_path: Path) -> None:
    """SageMaker waits 60 seconds for an answer; here the wait is shortened from inside."""
    import sys

    from serving import APP

    from terrace.sandbox.containers import Command, Container

    def make() -> Container:
        return Container(tmp_path, Command([sys.executable, str(APP), "serve"], serves=True))

    server = model_server.ModelServer(make, 20)
    server.start()
    try:
        with pytest.raises(model_server.TimedOutError):
            server.invoke(b'{"do": "sleep", "seconds": 5}', {}, seconds=0.3)
        assert server.invoke(b"{}", {}).status == 200
    finally:
        server.stop()
    assert model_server.INVOCATION_SECONDS == 60
