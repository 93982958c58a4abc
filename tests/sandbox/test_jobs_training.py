"""Training jobs: they run what they name, and their client sees what it would see on AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from job_case import JobCase, channel
from serving import fresh, until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def test_a_job_turns_its_data_into_a_model(jobs: JobCase) -> None:
    """Channels are files, hyperparameters a document, the model an archive in S3, and what is printed a log."""
    jobs.put("train/a.csv", "1,2\n")
    jobs.put("train/deep/b.csv", "3\n")
    jobs.put("train-other/c.csv", "no")
    name = jobs.training(
        """
        import json, os
        data = "/opt/ml/input/data/train"
        found = sorted(os.path.join(place, one) for place, _, names in os.walk(data) for one in names)
        print("found", found)
        hyper = json.load(open("/opt/ml/input/config/hyperparameters.json"))
        json.dump({"files": found, "hyper": hyper}, open("/opt/ml/model/model.json", "w"))
        open("/opt/ml/output/data/report.txt", "w").write("fine")
        """,
        channels={"train": f"s3://{jobs.bucket}/train/"},
        HyperParameters={"rate": "0.1"},
    )
    seen = jobs.trained(name)
    assert (seen["TrainingJobStatus"], seen.get("FailureReason")) == ("Completed", None)
    artifact = seen["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{jobs.bucket}/models/{name}/output/model.tar.gz"
    files = ["/opt/ml/input/data/train/a.csv", "/opt/ml/input/data/train/deep/b.csv"]
    assert json.loads(jobs.unpacked(artifact)["model.json"]) == {"files": files, "hyper": {"rate": "0.1"}}
    assert jobs.unpacked(artifact.replace("model.tar", "output.tar")) == {"report.txt": b"fine"}
    assert jobs.logs("TrainingJobs", name) == [f"found {files}"]
    assert [one["Status"] for one in seen["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert seen["TrainingEndTime"] >= seen["TrainingStartTime"] >= seen["CreationTime"]
    assert seen["BillableTimeInSeconds"] >= 1


def test_the_container_finds_what_aws_documents(jobs: JobCase) -> None:
    """Configuration files and variables tell it of its job, its channels and its one instance."""
    jobs.put("in/a.csv", "1")
    name = jobs.training(
        """
        import json, os
        config = "/opt/ml/input/config/"
        read = lambda name: json.load(open(config + name + ".json"))
        seen = {name: read(name) for name in ("resourceconfig", "inputdataconfig")}
        json.dump({**seen, "env": dict(os.environ)}, open("/opt/ml/model/seen.json", "w"))
        """,
        InputDataConfig=[{**channel("train", f"s3://{jobs.bucket}/in"), "ContentType": "text/csv"}],
        HyperParameters={"depth": "3", "kind": '"tree"'},
        Environment={"GREETING": "hello"},
    )
    seen = json.loads(jobs.unpacked(jobs.trained(name)["ModelArtifacts"]["S3ModelArtifacts"])["seen.json"])
    assert (seen["resourceconfig"]["current_host"], seen["resourceconfig"]["hosts"]) == ("algo-1", ["algo-1"])
    assert seen["inputdataconfig"]["train"]["ContentType"] == "text/csv"
    env = seen["env"]
    assert (env["TRAINING_JOB_NAME"], env["TRAINING_JOB_ARN"].rsplit("/")[-1]) == (name, name)
    assert (env["GREETING"], env["SM_CHANNEL_TRAIN"]) == ("hello", "/opt/ml/input/data/train")
    assert (env["SM_HP_DEPTH"], env["SM_MODEL_DIR"]) == ("3", "/opt/ml/model")
    assert json.loads(env["SM_HPS"]) == {"depth": 3, "kind": "tree"}
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert env["AWS_REGION"] == jobs.aws.region


def test_the_image_runs_with_train(jobs: JobCase) -> None:
    """Without an entrypoint of the job's own, the image's gets `train`; arguments take its place."""
    image = jobs.register("tool:1", ["python", "-c", "import sys; print('ran with', sys.argv[1:])"])
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    for more, said in (({}, ["train"]), ({"ContainerArguments": ["fit", "--now"]}, ["fit", "--now"])):
        name = jobs.training(AlgorithmSpecification=algorithm | more)
        assert jobs.trained(name)["TrainingJobStatus"] == "Completed"
        assert jobs.logs("TrainingJobs", name) == [f"ran with {said}"]


def test_the_driver_of_the_sdk_runs_unchanged(jobs: JobCase) -> None:
    """What the SDK's ModelTrainer sends is a channel with a shell script and a code channel beside it."""
    script = "#!/bin/bash\nset -e\ncd /opt/ml/input/data/code\npython3 train.py --rate $SM_HP_RATE\n"
    jobs.put("drivers/sm_train.sh", script)
    jobs.put("code/train.py", "import sys; open('/opt/ml/model/args', 'w').write(' '.join(sys.argv[1:]))")
    drivers = "/opt/ml/input/data/sm_drivers"
    name = jobs.training(
        algorithm={
            "ContainerEntrypoint": ["/bin/bash"],
            "ContainerArguments": ["-c", f"chmod +x {drivers}/sm_train.sh && {drivers}/sm_train.sh"],
        },
        channels={"sm_drivers": f"s3://{jobs.bucket}/drivers", "code": f"s3://{jobs.bucket}/code"},
        HyperParameters={"rate": "0.5"},
    )
    seen = jobs.trained(name)
    assert seen["TrainingJobStatus"] == "Completed", seen.get("FailureReason")
    assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"args": b"--rate 0.5"}


def test_metrics_are_read_from_what_is_printed(jobs: JobCase) -> None:
    """The last finite value of each is in the description, all are in CloudWatch; NaN is no value."""
    name = jobs.training(
        """
        for value in ("0.9", "0.5", "nan", "inf", "words"):
            print(f"loss={value};")
        print("accuracy: nan")
        """,
        metrics={"loss": r"loss=(\S+);", "accuracy": r"accuracy: (\S+)"},
    )
    seen = jobs.trained(name)
    assert [(one["MetricName"], one["Value"]) for one in seen["FinalMetricDataList"]] == [("loss", 0.5)]
    now = datetime.now(UTC)
    [point] = jobs.aws("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": name}],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Maximum", "SampleCount"],
    )["Datapoints"]
    assert (point["Maximum"], point["SampleCount"]) == (0.9, 2)


def test_a_manifest_names_its_objects(jobs: JobCase) -> None:
    """Only what the manifest lists is there, below the prefix it gives."""
    for key in ("set/a.csv", "set/x/b.csv", "set/c.csv"):
        jobs.put(key, key)
    manifest = jobs.put("some.manifest", json.dumps([{"prefix": f"s3://{jobs.bucket}/set/"}, "a.csv", "x/b.csv"]))
    name = jobs.training(
        "import os; print([sorted(names) for _, _, names in os.walk('/opt/ml/input/data/train')])",
        InputDataConfig=[channel("train", manifest, "ManifestFile")],
    )
    jobs.trained(name)
    assert jobs.logs("TrainingJobs", name) == ["[['a.csv'], ['b.csv']]"]


def test_checkpoints_come_and_go(jobs: JobCase) -> None:
    """What is in the checkpoint prefix is there at the start, and what the job adds is in S3 even when it fails."""
    jobs.put("ckpt/epoch-1", "1")
    name = jobs.training(
        """
        import sys
        assert open("/opt/ml/checkpoints/epoch-1").read() == "1"
        open("/opt/ml/checkpoints/epoch-2", "w").write("2")
        sys.exit(4)
        """,
        CheckpointConfig={"S3Uri": f"s3://{jobs.bucket}/ckpt"},
    )
    assert jobs.trained(name)["FailureReason"] == "AlgorithmError: , exit code: 4"
    assert jobs.read("ckpt/epoch-2") == b"2"


def test_the_same_files_are_the_same_model(jobs: JobCase) -> None:
    """Two jobs that leave the same files leave the same bytes."""
    code = "open('/opt/ml/model/b', 'w').write('1'); open('/opt/ml/model/a', 'w').write('2')"
    names = [jobs.training(code) for _ in range(2)]
    one, other = (jobs.trained(name)["ModelArtifacts"]["S3ModelArtifacts"] for name in names)
    assert jobs.read(one.split("/", 3)[3]) == jobs.read(other.split("/", 3)[3])


def test_artifacts_are_encrypted_and_plain_if_asked(jobs: JobCase) -> None:
    """The key of the output is the objects' key; without compression the files are there one by one."""
    key = jobs.aws("kms").create_key()["KeyMetadata"]["Arn"]
    output = {"S3OutputPath": f"s3://{jobs.bucket}/plain/", "CompressionType": "NONE", "KmsKeyId": key}
    name = jobs.training("open('/opt/ml/model/m', 'w').write('x')", OutputDataConfig=output)
    seen = jobs.trained(name)
    assert seen["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{jobs.bucket}/plain/{name}/output/model/"
    about = jobs.s3.head_object(Bucket=jobs.bucket, Key=f"plain/{name}/output/model/m")
    assert (about["ServerSideEncryption"], about["SSEKMSKeyId"]) == ("aws:kms", key)


def test_names_are_unique(jobs: JobCase) -> None:
    """A second job of a name is in use."""
    request = jobs.training_request("pass")
    jobs.sagemaker.create_training_job(**request)
    with pytest.raises(ClientError) as refused:
        jobs.sagemaker.create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"


@pytest.mark.parametrize(
    ("noun", "code", "words"),
    [
        ("Training", "ValidationException", "Requested resource not found."),
        ("Processing", "ValidationException", "Could not find requested job with name: nobody"),
        ("Transform", "ValidationException", "Could not find requested job with name: nobody"),
        (
            "HyperParameterTuning",
            "ResourceNotFound",
            "Amazon SageMaker can't find a tuning job called nobody. Type another name.",
        ),
    ],
)
def test_unknown_names_are_not_found_in_the_words_of_their_kind(
    aws: SandboxClients, noun: str, code: str, words: str
) -> None:
    """AWS answers with another code for each kind of job than its API model says, and so does the sandbox."""
    sagemaker, word = aws("sagemaker"), xform_name(noun)
    for verb in ("describe", "stop"):
        with pytest.raises(ClientError) as refused:
            getattr(sagemaker, f"{verb}_{word}_job")(**{f"{noun}JobName": "nobody"})
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"]) == (code, words)


def test_listings_filter_sort_and_page(jobs: JobCase) -> None:
    """By part of the name, by status and time, in both directions, page by page."""
    base = fresh("list")
    for letter in "abc":
        jobs.training("import sys; sys.exit(0)", TrainingJobName=f"{base}-{letter}")
    jobs.training("import sys; sys.exit(1)", TrainingJobName=f"{base}-z")
    for letter in "abcz":
        jobs.trained(f"{base}-{letter}")

    def names(**asked: object) -> list[str]:
        pages = jobs.sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains=base, PaginationConfig={"PageSize": 2}, **asked
        )
        return [one["TrainingJobName"][-1] for page in pages for one in page["TrainingJobSummaries"]]

    assert names(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c", "z"]
    assert names() == ["z", "c", "b", "a"]
    assert names(StatusEquals="Failed") == ["z"]
    assert names(CreationTimeAfter=datetime.now(UTC) + timedelta(minutes=1)) == []


def test_tags_and_deletion(jobs: JobCase) -> None:
    """A job has the tags it was made with, takes others, and is gone when it is deleted."""
    name = jobs.training("pass", Tags=[{"Key": "team", "Value": "ml"}])
    arn = jobs.trained(name)["TrainingJobArn"]
    jobs.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "x"}])
    tags = {one["Key"]: one["Value"] for one in jobs.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"team": "ml", "more": "x"}
    found = jobs.sagemaker.search(Resource="TrainingJob")["Results"]
    assert [one["TrainingJob"]["TrainingJobName"] for one in found] == [name]
    jobs.sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="Requested resource not found"):
        jobs.sagemaker.describe_training_job(TrainingJobName=name)


def test_ten_at_once(jobs: JobCase) -> None:
    """Ten jobs wait for each other and all end: they do run at the same time."""
    code = "import time; print('here'); time.sleep(3)"
    names = [jobs.training(code) for _ in range(10)]
    running = until(
        lambda: jobs.sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=100)["TrainingJobSummaries"],
        lambda seen: sum(one["SecondaryStatus"] == "Training" for one in seen) == 10 or not seen,
    )
    assert len(running) == 10
    assert {jobs.trained(name)["TrainingJobStatus"] for name in names} == {"Completed"}
    assert [jobs.logs("TrainingJobs", name) for name in names] == [["here"]] * 10
