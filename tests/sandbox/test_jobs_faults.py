"""Jobs that crash, hang, fill the disk, talk without end, are killed, or ask for what is not there."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from job_case import JobCase, channel
from serving import until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.containers import capabilities
from terrace.sandbox.containers.capabilities import SWITCH
from terrace.sandbox.jobs.home import DISK_MB, RUNNING, STOP_SECONDS
from terrace.sandbox.provider.clients import SandboxClients

needs_namespaces = pytest.mark.skipif(not capabilities().sealed, reason="this machine gives no namespaces")
SETTINGS = {STOP_SECONDS: "1", DISK_MB: "40", RUNNING: "3"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox of this module's own: a second of grace, 40 MB of disk for a job, three at once."""
    folder = tmp_path_factory.mktemp("sandbox")
    with _environment(SETTINGS):
        box = Sandbox(folder)
        box.start()
    yield folder
    box.stop()


@contextlib.contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@pytest.fixture
def sandbox(home: Path) -> Running:
    """The sandbox of this module, in the place of the one that all share."""
    return Sandbox(home).require()


@pytest.fixture
def jobs(aws: SandboxClients, sandbox: Running) -> JobCase:
    """A maker of jobs in an account of its own."""
    return JobCase(aws, sandbox)


def _processes(job: str) -> list[psutil.Process]:
    """Return the processes of a training job, told by a variable that they all have."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("TRAINING_JOB_NAME") == job:
                found.append(process)
    return found


def test_a_crash_is_told_with_its_reason(jobs: JobCase) -> None:
    """The job fails with what it left in /opt/ml/output/failure and its exit code; there is no model."""
    name = jobs.training(
        """
        open("/opt/ml/model/half", "w").write("x")
        open("/opt/ml/output/failure", "w").write("column age is missing")
        raise SystemExit(7)
        """
    )
    seen = jobs.trained(name)
    assert (seen["TrainingJobStatus"], seen["SecondaryStatus"]) == ("Failed", "Failed")
    assert seen["FailureReason"] == "AlgorithmError: column age is missing, exit code: 7"
    assert seen["ModelArtifacts"] == {"S3ModelArtifacts": ""}
    assert jobs.keys("models/") == []
    assert seen["SecondaryStatusTransitions"][-1]["StatusMessage"] == seen["FailureReason"]


def test_missing_data_fails_the_job(jobs: JobCase) -> None:
    """An empty prefix and a bucket that is not there are the client's error, and name themselves."""
    for uri in (f"s3://{jobs.bucket}/nothing/", "s3://no-such-bucket-here/x"):
        seen = jobs.trained(jobs.training("pass", channels={"train": uri}))
        assert seen["FailureReason"].startswith("ClientError: Data download failed:")
        assert uri.split("/")[2] in seen["FailureReason"]


def test_an_unknown_image_fails_the_job(jobs: JobCase) -> None:
    """As it cannot be pulled."""
    image = f"{jobs.aws.account}.dkr.ecr.{jobs.aws.region}.amazonaws.com/nobody:9"
    seen = jobs.trained(jobs.training(algorithm={"TrainingImage": image}))
    assert seen["FailureReason"].startswith("ClientError: Failed to pull the image.")
    assert image in seen["FailureReason"]


def test_a_command_that_is_not_there_fails_the_job(jobs: JobCase) -> None:
    """The reason says which."""
    name = jobs.training(algorithm={"ContainerEntrypoint": ["/opt/nothing/run"]})
    reason = jobs.trained(name)["FailureReason"]
    assert reason.startswith("AlgorithmError: /opt/nothing/run cannot be started")
    assert reason.endswith(", exit code: 127")


def test_an_output_that_cannot_be_written_fails_the_job(jobs: JobCase) -> None:
    """The model is not lost in silence."""
    output = {"S3OutputPath": "s3://no-such-bucket-here/models"}
    seen = jobs.trained(jobs.training("pass", OutputDataConfig=output))
    assert (seen["TrainingJobStatus"], seen["SecondaryStatus"]) == ("Failed", "Failed")
    assert seen["FailureReason"].startswith("ClientError: Artifact upload failed:")


def test_a_job_that_hangs_is_ended_when_its_time_is_over(jobs: JobCase) -> None:
    """It is stopped, its model so far is kept, and nothing of it runs any more."""
    name = jobs.training(
        """
        import subprocess, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["setsid", "sleep", "600"])
        open("/opt/ml/model/half", "w").write("x")
        time.sleep(600)
        """,
        StoppingCondition={"MaxRuntimeInSeconds": 1},
    )
    seen = jobs.trained(name)
    assert (seen["TrainingJobStatus"], seen["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"half": b"x"}
    assert _processes(name) == []


def test_a_processing_job_out_of_time_fails_or_stops(jobs: JobCase) -> None:
    """Its reason is the time that it had."""
    name = jobs.processing("import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    seen = jobs.processed(name)
    assert seen["ProcessingJobStatus"] == "Failed"
    assert "MaxRuntimeInSeconds of 1" in seen["FailureReason"]


def test_a_stopped_job_may_save_its_model(jobs: JobCase) -> None:
    """It gets SIGTERM and time to act on it; a client sees it stopping, then stopped."""
    name = jobs.training(
        """
        import signal, sys, time
        def save(*_):
            time.sleep(0.5)
            open("/opt/ml/model/saved", "w").write("in time")
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        print("ready")
        time.sleep(600)
        """
    )
    jobs.trained(name, "Training")
    until(lambda: _said(jobs, name), lambda lines: lines == ["ready"])
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    assert jobs.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopping"
    seen = jobs.trained(name)
    assert (seen["TrainingJobStatus"], seen["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"saved": b"in time"}
    with pytest.raises(ClientError, match="in status Stopped"):
        jobs.sagemaker.stop_training_job(TrainingJobName=name)


def _said(jobs: JobCase, name: str) -> list[str]:
    try:
        return jobs.logs("TrainingJobs", name)
    except (ClientError, ValueError):
        return []


def test_a_job_that_fills_the_disk_is_ended(jobs: JobCase) -> None:
    """With a reason; others go on."""
    other = jobs.training("import time; time.sleep(2)")
    name = jobs.training(
        """
        import time
        with open("/opt/ml/model/big", "wb") as file:
            while True:
                file.write(b"x" * 2**20)
                file.flush()
                time.sleep(0.005)
        """
    )
    seen = jobs.trained(name)
    assert seen["TrainingJobStatus"] == "Failed"
    assert "No space left on device" in seen["FailureReason"]
    assert jobs.trained(other)["TrainingJobStatus"] == "Completed"


def test_a_job_that_talks_without_end_is_heard_in_part(jobs: JobCase) -> None:
    """Megabytes of log are no fault: the job completes, and the last lines are in its stream."""
    name = jobs.training("for number in range(120_000):\n    print(number, 'x' * 40)")
    assert jobs.trained(name)["TrainingJobStatus"] == "Completed"
    assert _last(jobs, name).startswith("119999 ")


def _last(jobs: JobCase, name: str) -> str:
    client, group = jobs.aws("logs"), "/aws/sagemaker/TrainingJobs"
    [stream] = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=10)["events"]
    return str(events[-1]["message"])


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_killed_job_fails_with_a_reason(jobs: JobCase, which: int) -> None:
    """Its process, or one that holds it, is killed from outside in the middle: the job ends at once and says how."""
    name = jobs.training("import time; print('ready'); time.sleep(600)")
    until(lambda: _said(jobs, name), lambda lines: lines == ["ready"])
    os.kill(_processes(name)[which].pid, signal.SIGKILL)
    seen = jobs.trained(name)
    assert (seen["TrainingJobStatus"], seen["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 137")
    until(lambda: _processes(name), lambda found: not found, 5)


@needs_namespaces
def test_a_job_cannot_write_elsewhere(jobs: JobCase, tmp_path: Path) -> None:
    """What is not its own is read-only, and cannot be made writable; /tmp, its home and /opt/ml are its own."""
    name = jobs.training(
        f"""
        import os, pathlib, subprocess
        def can(place):
            try:
                pathlib.Path(place).write_text("mine")
            except OSError as error:
                return error.strerror
            return "yes"
        print([can(place + "/job-wrote-this") for place in ({str(tmp_path)!r}, "/var/tmp", "/root", "/etc", "/opt")])
        print(subprocess.run(["mount", "-o", "remount,rw", "/"], capture_output=True).returncode != 0)
        print([can(place + "/x") for place in ("/tmp", os.environ["HOME"], "/opt/ml", "/opt/ml/model", "/dev/shm")])
        """
    )
    seen = jobs.trained(name)
    assert seen["TrainingJobStatus"] == "Completed", seen
    elsewhere, remounted, own = jobs.logs("TrainingJobs", name)
    assert set(eval(elsewhere)) == {"Read-only file system"}  # noqa: S307
    assert remounted == "True"
    assert set(eval(own)) == {"yes"}  # noqa: S307
    assert not (tmp_path / "job-wrote-this").exists()
    assert not Path("/tmp/x").exists()


@needs_namespaces
def test_an_isolated_job_has_no_network(jobs: JobCase) -> None:
    """Its data comes and its model goes all the same; it has no credentials and reaches nothing."""
    jobs.put("in/a.csv", "1")
    name = jobs.training(
        f"""
        import os, urllib.request
        print(sorted(name for name in os.environ if name.startswith("AWS_")))
        try:
            urllib.request.urlopen({jobs.running.url!r}, timeout=2)
        except OSError:
            open("/opt/ml/model/alone", "w").write(open("/opt/ml/input/data/train/a.csv").read())
        """,
        channels={"train": f"s3://{jobs.bucket}/in"},
        EnableNetworkIsolation=True,
    )
    seen = jobs.trained(name)
    assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"alone": b"1"}
    assert jobs.logs("TrainingJobs", name) == ["['AWS_DEFAULT_REGION', 'AWS_REGION']"]


def test_jobs_beyond_the_limit_wait(jobs: JobCase) -> None:
    """The fourth begins when one of three has ended; one that waits can be stopped."""
    names = [jobs.training("import time; time.sleep(1.5)") for _ in range(3)]
    for name in names:
        jobs.trained(name, "Training")
    waiting, stopped = jobs.training("pass"), jobs.training("pass")
    time.sleep(0.3)
    assert jobs.sagemaker.describe_training_job(TrainingJobName=waiting)["SecondaryStatus"] == "Starting"
    jobs.sagemaker.stop_training_job(TrainingJobName=stopped)
    assert "TrainingStartTime" not in jobs.trained(stopped)
    seen = jobs.trained(waiting)
    assert seen["TrainingJobStatus"] == "Completed"
    first = min(jobs.trained(name)["TrainingEndTime"] for name in names)
    assert seen["TrainingStartTime"] >= first


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}}, "one instance"),
        ({"InputDataConfig": [channel("a", "s3://b/x", "AugmentedManifestFile")]}, "no AugmentedManifestFile"),
        ({"InputDataConfig": [{**channel("a", "s3://b/x"), "InputMode": "Pipe"}]}, "no Pipe mode"),
        ({"InputDataConfig": [{**channel("a", "s3://b/x"), "CompressionType": "Gzip"}]}, "only in Pipe"),
        ({"InputDataConfig": [channel("a", "s3://b/x"), channel("a", "s3://b/y")]}, "must be unique"),
        ({"CheckpointConfig": {"S3Uri": "s3://b/x", "LocalPath": "/data"}}, "below /opt/ml only"),
        ({"metrics": {"loss": "loss=("}}, "Invalid regular expression"),
        (
            {
                "DebugRuleConfigurations": [
                    {"RuleConfigurationName": "r", "RuleEvaluatorImage": "1.dkr.ecr.eu-central-1.amazonaws.com/r"}
                ]
            },
            "no debugger rules",
        ),
    ],
)
def test_what_the_sandbox_does_not_do_is_refused_by_name(jobs: JobCase, more: dict[str, Any], said: str) -> None:
    """Nothing is made of a call that could not be answered truly."""
    with pytest.raises(ClientError, match=said) as refused:
        jobs.training("pass", **more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert jobs.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_machine_without_namespaces_leads_jobs_by_variables(aws: SandboxClients, tmp_path: Path) -> None:
    """A script that finds its folders by the SM_ variables runs there too, and a job says what it did."""
    with _environment({SWITCH: "off"}):
        box = Sandbox(tmp_path / "home")
        running = box.start()
    try:
        jobs = JobCase(SandboxClients(running.url, aws.account, aws.region), running)
        jobs.put("in/a.csv", "12")
        name = jobs.training(
            """
            import os
            found = open(os.environ["SM_CHANNEL_TRAIN"] + "/a.csv").read()
            open(os.environ["SM_MODEL_DIR"] + "/model", "w").write(found)
            """,
            channels={"train": f"s3://{jobs.bucket}/in"},
        )
        seen = jobs.trained(name)
        assert seen["TrainingJobStatus"] == "Completed", jobs.logs("TrainingJobs", name)
        assert jobs.unpacked(seen["ModelArtifacts"]["S3ModelArtifacts"]) == {"model": b"12"}
    finally:
        box.stop()


@pytest.mark.parametrize("fault", ["reset", "stop", "kill"])
def test_nothing_outlives_the_sandbox(aws: SandboxClients, tmp_path: Path, fault: str) -> None:
    """Emptied, stopped or killed: no process of a job is left, and an emptied sandbox knows none."""
    box = Sandbox(tmp_path / "home")
    running = box.start()
    try:
        jobs = JobCase(SandboxClients(running.url, aws.account, aws.region), running)
        name = jobs.training("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")
        jobs.trained(name, "Training")
        until(lambda: _processes(name), bool)
        if fault == "reset":
            box.reset()
            assert jobs.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
        elif fault == "stop":
            box.stop()
        else:
            os.kill(running.pid, signal.SIGKILL)
        until(lambda: _processes(name), lambda found: not found, 10)
        if fault != "kill":
            left = list((tmp_path / "home" / "containers").glob("*"))
            assert left == []
    finally:
        box.stop()
