"""Processing jobs: inputs are files, files are outputs, and the job says what it has to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_case import JobCase
from serving import until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def test_a_job_turns_inputs_into_outputs(jobs: JobCase) -> None:
    """What is in S3 is at the inputs' places, what the job leaves at the outputs' places is in S3 at its end."""
    jobs.put("raw/2024/a.csv", "1\n2\n")
    name = jobs.processing(
        """
        rows = open("/opt/ml/processing/input/raw/2024/a.csv").read().split()
        open("/opt/ml/processing/output/train/rows.txt", "w").write(str(len(rows)))
        """,
        inputs={"/opt/ml/processing/input/raw": f"s3://{jobs.bucket}/raw"},
        outputs={"/opt/ml/processing/output/train": f"s3://{jobs.bucket}/clean/train"},
        Tags=[{"Key": "team", "Value": "ml"}],
    )
    seen = jobs.processed(name)
    assert (seen["ProcessingJobStatus"], seen.get("FailureReason")) == ("Completed", None)
    assert jobs.read("clean/train/rows.txt") == b"2"
    assert seen["ProcessingEndTime"] >= seen["ProcessingStartTime"] >= seen["CreationTime"]
    tags = jobs.sagemaker.list_tags(ResourceArn=seen["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "ml"}]


def test_the_container_finds_its_configuration(jobs: JobCase) -> None:
    """The call that made the job is a document in the container, and so are its instances."""
    name = jobs.processing(
        """
        import json, os, sys
        said = json.load(open("/opt/ml/config/processingjobconfig.json"))
        print(json.dumps([said["ProcessingJobName"], said["AppSpecification"]["ContainerArguments"], sys.argv[1:]]))
        print(json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"], os.environ["GREETING"])
        """,
        AppSpecification={
            "ImageUri": jobs.image,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/job/job.py"],
            "ContainerArguments": ["--limit", "3"],
        },
        Environment={"GREETING": "hello"},
    )
    jobs.processed(name)
    said, host = jobs.logs("ProcessingJobs", name)
    assert json.loads(said) == [name, ["--limit", "3"], ["--limit", "3"]]
    assert host == "algo-1 hello"


def test_a_job_leaves_a_message(jobs: JobCase) -> None:
    """What it writes to /opt/ml/output/message is its exit message, in success and in failure."""
    code = "import sys; open('/opt/ml/output/message', 'w').write('12 rows refused'); sys.exit({})"
    assert jobs.processed(jobs.processing(code.format(0)))["ExitMessage"] == "12 rows refused"
    failed = jobs.processed(jobs.processing(code.format(3), outputs={"/opt/ml/processing/o": f"s3://{jobs.bucket}/o"}))
    assert (failed["ProcessingJobStatus"], failed["ExitMessage"]) == ("Failed", "12 rows refused")
    assert failed["FailureReason"] == "AlgorithmError: , exit code: 3"


def test_continuous_outputs_are_there_while_the_job_runs(jobs: JobCase) -> None:
    """A file is in S3 before the job has ended."""
    name = jobs.processing(
        """
        import os, time
        open("/opt/ml/processing/out/first", "w").write("1")
        for _ in range(200):
            time.sleep(0.05)
        """,
        outputs={"/opt/ml/processing/out": f"s3://{jobs.bucket}/live"},
        upload="Continuous",
    )
    assert until(lambda: jobs.keys("live/"), lambda keys: keys == ["first"])
    assert jobs.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"
    jobs.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert jobs.processed(name)["ProcessingJobStatus"] == "Stopped"


def _input(**more: Any) -> dict[str, Any]:
    found = {"S3Uri": "s3://b/x", "LocalPath": "/opt/ml/processing/x", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"ProcessingInputs": [{"InputName": "x", "S3Input": found | more}]}


def _twice() -> dict[str, Any]:
    [one] = _input()["ProcessingInputs"]
    return {"ProcessingInputs": [one, {**one, "InputName": "y"}]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (_input(LocalPath="/data"), "below /opt/ml only"),
        (_input(LocalPath="/opt/ml/../../etc"), "below /opt/ml only"),
        (_input(S3InputMode="Pipe"), "no Pipe mode"),
        (_twice(), "The inputs x and y have one LocalPath"),
        (_input(S3CompressionType="Gzip"), "only be used if Pipe"),
        (
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
                }
            },
            "on one instance",
        ),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [{"OutputName": "f", "FeatureStoreOutput": {"FeatureGroupName": "churn"}}]
                }
            },
            "feature groups",
        ),
    ],
)
def test_what_the_sandbox_does_not_do_is_refused_by_name(jobs: JobCase, more: dict[str, Any], said: str) -> None:
    """Nothing is made of a call that could not be answered truly."""
    with pytest.raises(ClientError, match=said) as refused:
        jobs.processing("pass", **more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert jobs.sagemaker.list_processing_jobs()["ProcessingJobSummaries"] == []
