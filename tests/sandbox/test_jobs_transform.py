"""Transform jobs: the model answers every record, in order, and what it refuses is told."""

from __future__ import annotations

import gzip
import json

import pytest
from botocore.exceptions import ClientError
from job_case import JobCase

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

LINES = {"SplitType": "Line"}


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def test_every_object_has_its_answers(jobs: JobCase) -> None:
    """Outputs lie beside each other as inputs do, under the inputs' names and `.out`."""
    jobs.put("in/a.csv", "1,2\n3,4\n")
    jobs.put("in/deep/b.csv", "5,6\n")
    name = jobs.transform(jobs.model(), f"s3://{jobs.bucket}/in", given=LINES, output={"AssembleWith": "Line"})
    seen = jobs.transformed(name)
    assert (seen["TransformJobStatus"], seen.get("FailureReason")) == ("Completed", None)
    assert sorted(jobs.keys("scored/")) == ["a.csv.out", "deep/b.csv.out"]
    assert jobs.read("scored/a.csv.out") == b"3.0\n7.0\n"
    assert jobs.read("scored/deep/b.csv.out") == b"11.0\n"


def test_records_go_one_by_one_or_many_at_once(jobs: JobCase) -> None:
    """The strategy says how many lines a request has; without splitting an object is one request."""
    uri, model = jobs.put("in/a.csv", "1\n2\n3\n"), jobs.model(MODE="count")
    lines = {"AssembleWith": "Line"}
    jobs.transformed(jobs.transform(model, uri, given=LINES, output=lines, BatchStrategy="SingleRecord"))
    assert jobs.read("scored/a.csv.out") == b"1:1\n2:1\n3:1\n"
    jobs.transformed(jobs.transform(model, uri, given=LINES, output=lines, BatchStrategy="MultiRecord"))
    assert jobs.read("scored/a.csv.out") == b"1:3\n"
    jobs.transformed(jobs.transform(model, uri))
    assert jobs.read("scored/a.csv.out") == b"1:3"


def test_large_objects_are_cut_and_stay_in_order(jobs: JobCase) -> None:
    """Requests stay below the largest payload, several run at once, and the answers keep the order."""
    rows = 60_000
    uri = jobs.put("in/big.csv", "".join(f"{number},{'0' * 40}\n" for number in range(rows)))
    model, output = jobs.model(), {"AssembleWith": "Line"}
    name = jobs.transform(model, uri, given=LINES, output=output, MaxPayloadInMB=1, MaxConcurrentTransforms=4)
    assert jobs.transformed(name)["TransformJobStatus"] == "Completed"
    found = jobs.read("scored/big.csv.out").decode().split()
    assert found == [f"{number}.0" for number in range(rows)]


def test_a_manifest_names_what_is_transformed(jobs: JobCase) -> None:
    """Only what it lists, in its order of S3's keys or not; answers lie under the names that it gives."""
    for key in ("set/a.csv", "set/deep er/b,c.csv", "set/not.csv"):
        jobs.put(key, "1,2\n")
    listed = [{"prefix": f"s3://{jobs.bucket}/set/"}, "deep er/b,c.csv", "a.csv"]
    source = {
        "S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": jobs.put("run/manifest.json", json.dumps(listed))}
    }
    name = jobs.transform(jobs.model(), "", given={**LINES, "DataSource": source}, output={"AssembleWith": "Line"})
    assert jobs.transformed(name)["TransformJobStatus"] == "Completed"
    assert sorted(jobs.keys("scored/")) == ["a.csv.out", "deep er/b,c.csv.out"]
    assert jobs.read("scored/deep er/b,c.csv.out") == b"3.0\n"


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("[]", "Unable to parse the manifest file"),
        ('{"prefix": "s3://b/"}', "Unable to parse the manifest file"),
        ('["a.csv"]', "Unable to parse the manifest file"),
        ("not JSON", "Unable to parse the manifest file"),
        ('[{"prefix": "s3://BUCKET/set/"}]', "No S3 objects found"),
        ('[{"prefix": "s3://BUCKET/set/"}, "gone.csv"]', "404: Not Found"),
    ],
)
def test_a_manifest_that_names_nothing_fails_the_job(jobs: JobCase, manifest: str, why: str) -> None:
    """Because it is none, lists nothing, or lists what is not there."""
    uri = jobs.put("run/manifest.json", manifest.replace("BUCKET", jobs.bucket))
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": uri}}
    seen = jobs.transformed(jobs.transform(jobs.model(), "", given={"DataSource": source}))
    assert (seen["TransformJobStatus"], why in seen["FailureReason"]) == ("Failed", True), seen["FailureReason"]


def test_inputs_are_filtered_and_joined(jobs: JobCase) -> None:
    """An identifier is kept from the model and is beside its answer; so it is in JSON."""
    output = {"AssembleWith": "Line"}
    uri = jobs.put("in/a.csv", "id-1,1,2\nid-2,3,4\n")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    jobs.transformed(jobs.transform(jobs.model(), uri, given=LINES, output=output, DataProcessing=processing))
    assert jobs.read("scored/a.csv.out") == b"id-1,3.0\nid-2,7.0\n"
    uri = jobs.put("in/b.jsonl", '{"a": 1, "b": 2}\n{"a": 5, "b": 6}\n')
    kind = "application/jsonlines"
    with pytest.raises(ClientError, match="does not understand"):
        jobs.transform(jobs.model(), uri, kind, given=LINES, output=output, DataProcessing={"InputFilter": "$..a"})
    processing = {"JoinSource": "Input", "OutputFilter": "$['a','SageMakerOutput']"}
    jobs.transformed(jobs.transform(jobs.model(), uri, kind, given=LINES, output=output, DataProcessing=processing))
    lines = jobs.read("scored/b.jsonl.out").splitlines()
    assert lines == [b'{"a": 1, "SageMakerOutput": {"sum": 3}}', b'{"a": 5, "SageMakerOutput": {"sum": 11}}']


def test_compressed_objects_are_read(jobs: JobCase) -> None:
    """Gzip is taken off before records are split."""
    uri = jobs.put("in/a.csv.gz", gzip.compress(b"1,2\n"))
    name = jobs.transform(jobs.model(), uri, given={**LINES, "CompressionType": "Gzip"})
    assert jobs.transformed(name)["TransformJobStatus"] == "Completed"
    assert jobs.read("scored/a.csv.gz.out") == b"3.0"


def test_a_refused_record_fails_the_job(jobs: JobCase) -> None:
    """The reason names the object, and the data log has what the model said."""
    uri = jobs.put("in/a.csv", "1,two\n")
    name = jobs.transform(jobs.model(), uri, given=LINES)
    seen = jobs.transformed(name)
    assert seen["TransformJobStatus"] == "Failed"
    assert seen["FailureReason"].startswith("ClientError: See job logs for more information.")
    assert "400 for in/a.csv" in seen["FailureReason"]
    streams = jobs.aws("logs").describe_log_streams(logGroupName="/aws/sagemaker/TransformJobs")["logStreams"]
    [stream] = [one["logStreamName"] for one in streams if one["logStreamName"].endswith("/data-log")]
    events = jobs.aws("logs").get_log_events(logGroupName="/aws/sagemaker/TransformJobs", logStreamName=stream)
    assert "could not convert string to float" in events["events"][1]["message"]


def test_a_model_that_does_not_start_fails_the_job(jobs: JobCase) -> None:
    """With what it printed."""
    seen = jobs.transformed(jobs.transform(jobs.model(MODE="crash"), jobs.put("in/a.csv", "1\n")))
    assert seen["TransformJobStatus"] == "Failed"
    assert "there is no model here" in seen["FailureReason"]


def test_no_data_fails_and_no_model_is_refused(jobs: JobCase) -> None:
    """An empty prefix fails the job; a model that is not there makes none."""
    seen = jobs.transformed(jobs.transform(jobs.model(), f"s3://{jobs.bucket}/nothing/"))
    assert seen["FailureReason"].startswith("ClientError: Data download failed:No S3 objects found")
    with pytest.raises(ClientError, match="Could not find model"):
        jobs.transform("nobody", f"s3://{jobs.bucket}/in")
    with pytest.raises(ClientError, match="does not split by RecordIO"):
        jobs.transform(jobs.model(), f"s3://{jobs.bucket}/in", given={"SplitType": "RecordIO"})
