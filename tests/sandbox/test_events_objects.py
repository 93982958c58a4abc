"""Objects that come and go in S3 are told to EventBridge as AWS tells it, and start what rules say."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from events_case import ROLE, eventually, heard, queue, rule, silent
from provider_case import REGION

from terrace.sandbox.provider.base import Clients

PATTERN = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "raw/"}]}}}


def _bucket(aws: Clients, *, versioned: bool = True) -> str:
    s3, name = aws("s3"), f"data-{aws.account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def test_an_upload_is_told_as_aws_tells_it(aws: Clients) -> None:
    """The event of an object has what AWS documents: key, size, etag, version, sequencer, who and from where."""
    bucket = _bucket(aws)
    rule(aws, PATTERN, {"Arn": queue(aws)})
    put = aws("s3").put_object(Bucket=bucket, Key="raw/a b.csv", Body=b"12345")
    (event,) = heard(aws)
    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert (event["account"], event["region"], event["resources"]) == (aws.account, REGION, [f"arn:aws:s3:::{bucket}"])
    assert re.fullmatch(r"[0-9A-F]{18}", detail["object"].pop("sequencer"))
    assert re.fullmatch(r"[0-9A-Z]{16}", detail.pop("request-id"))
    assert detail == {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": "raw/a b.csv", "size": 5, "etag": put["ETag"].strip('"'), "version-id": put["VersionId"]},
        "requester": aws.account,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }


def test_events_of_objects_are_told_apart(aws: Clients) -> None:
    """Each event has an id of its own, and the later one the greater sequencer."""
    bucket = _bucket(aws)
    rule(aws, PATTERN, {"Arn": queue(aws)})
    for body in (b"1", b"22", b"333"):
        aws("s3").put_object(Bucket=bucket, Key="raw/a.csv", Body=body)
    events = heard(aws, count=3)
    assert len({event["id"] for event in events}) == 3
    by_sequencer = sorted(events, key=lambda event: str(event["detail"]["object"]["sequencer"]))
    assert [event["detail"]["object"]["size"] for event in by_sequencer] == [1, 2, 3]


def test_only_what_the_pattern_is_for_arrives(aws: Clients) -> None:
    """An object outside the watched prefix, and one in a bucket that tells nothing, start nothing."""
    bucket = _bucket(aws)
    rule(aws, PATTERN, {"Arn": queue(aws)})
    aws("s3").put_object(Bucket=bucket, Key="other/a.csv", Body=b"1")
    aws("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    aws("s3").put_object(Bucket=bucket, Key="raw/a.csv", Body=b"1")
    assert silent(aws)


def test_copies_and_large_uploads_say_how_they_came(aws: Clients) -> None:
    """A copy and an upload in parts are told once, with their own reasons; an unversioned object has no version."""
    bucket = _bucket(aws, versioned=False)
    rule(aws, PATTERN, {"Arn": queue(aws)})
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key="other/a.csv", Body=b"1")
    s3.copy_object(Bucket=bucket, Key="raw/a.csv", CopySource={"Bucket": bucket, "Key": "other/a.csv"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="raw/b.csv")["UploadId"]
    whole = {"Bucket": bucket, "Key": "raw/b.csv", "UploadId": upload}
    part = s3.upload_part(**whole, PartNumber=1, Body=b"2" * 100)["ETag"]
    s3.complete_multipart_upload(**whole, MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]})
    details = {event["detail"]["object"]["key"]: event["detail"] for event in heard(aws, count=2)}
    assert details["raw/a.csv"]["reason"] == "CopyObject"
    assert details["raw/b.csv"]["reason"] == "CompleteMultipartUpload"
    assert details["raw/b.csv"]["object"]["size"] == 100
    assert "version-id" not in details["raw/a.csv"]["object"]


def test_deletions_are_told_with_what_they_leave(aws: Clients) -> None:
    """A deletion makes a delete marker or is for good, and says which."""
    bucket = _bucket(aws)
    rule(aws, {**PATTERN, "detail-type": ["Object Deleted"]}, {"Arn": queue(aws)})
    s3 = aws("s3")
    version = s3.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="raw/a.csv")["VersionId"]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "raw/a.csv", "VersionId": version}]})
    details = [event["detail"] for event in heard(aws, count=2)]
    told = {detail["deletion-type"]: detail["object"]["version-id"] for detail in details}
    assert told == {"Delete Marker Created": marker, "Permanently Deleted": version}
    assert {detail["reason"] for detail in details} == {"DeleteObject"}


class _Slow(BaseHTTPRequestHandler):
    """Answers after a while."""

    def do_POST(self) -> None:
        time.sleep(1.0)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def slow() -> Iterator[str]:
    """The address of a server that takes a second for everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_put_does_not_wait_for_targets(aws: Clients, slow: str) -> None:
    """An upload returns while what it starts is under way, however long that takes."""
    bucket = _bucket(aws)
    topic = aws("sns").create_topic(Name="slow")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=slow)
    rule(aws, PATTERN, *[{"Arn": topic}] * 4)
    began = time.monotonic()
    aws("s3").put_object(Bucket=bucket, Key="raw/a.csv", Body=b"1")
    assert time.monotonic() - began < 4.0


def test_new_data_starts_a_run_until_the_rule_is_disabled(aws: Clients) -> None:
    """An upload under the watched prefix starts the pipeline by the rule alone; disabling the rule ends that."""
    sagemaker, bucket = aws("sagemaker"), _bucket(aws)
    definition = (
        '{"Version": "2020-12-01", "Parameters": [{"Name": "DataKey", "Type": "String", "DefaultValue": ""},'
        ' {"Name": "DataVersion", "Type": "String", "DefaultValue": ""}],'
        ' "Steps": [{"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "Not today"}}]}'
    )
    arn = sagemaker.create_pipeline(
        PipelineName="train", PipelineDefinition=definition, ClientRequestToken="t" * 32, RoleArn=ROLE
    )["PipelineArn"]
    parameters = [
        {"Name": "DataKey", "Value": "$.detail.object.key"},
        {"Name": "DataVersion", "Value": "$.detail.object.version-id"},
    ]
    target: dict[str, Any] = {"PipelineParameterList": parameters}
    rule(aws, PATTERN, {"Arn": arn, "RoleArn": ROLE, "SageMakerPipelineParameters": target})

    def runs() -> list[str]:
        found = sagemaker.list_pipeline_executions(PipelineName="train")["PipelineExecutionSummaries"]
        return [run["PipelineExecutionArn"] for run in found]

    put = aws("s3").put_object(Bucket=bucket, Key="raw/new.csv", Body=b"1")
    (run,) = eventually(runs)
    given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=run)["PipelineParameters"]
    assert {one["Name"]: one["Value"] for one in given} == {"DataKey": "raw/new.csv", "DataVersion": put["VersionId"]}

    aws("events").disable_rule(Name="watch")
    aws("s3").put_object(Bucket=bucket, Key="raw/newer.csv", Body=b"1")
    time.sleep(0.5)
    assert runs() == [run]
