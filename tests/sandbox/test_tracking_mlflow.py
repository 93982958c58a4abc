"""MLflow itself, reached as on AWS: by the plugin sagemaker-mlflow with an ARN, and by a browser."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from job_case import JobCase
from serving import fresh, until

from terrace.errors import SandboxError
from terrace.sandbox import Running, Sandbox
from terrace.sandbox import environment as variables
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.tracking import environment

WRITE = """
import json, mlflow, pathlib, sys
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("flights")
with mlflow.start_run(run_name=sys.argv[2]) as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("auc", 0.81)
    mlflow.set_tag("code", "0123abc")
    file = pathlib.Path("card.md")
    file.write_text("a model")
    mlflow.log_artifact(str(file), "cards")
print(json.dumps({"run": run.info.run_id, "uri": run.info.artifact_uri}))
"""
READ = """
import json, mlflow, pathlib, sys
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
run = client.get_run(sys.argv[2])
file = client.download_artifacts(sys.argv[2], "cards/card.md")
found = {"params": run.data.params, "metrics": run.data.metrics, "code": run.data.tags["code"]}
print(json.dumps({**found, "card": pathlib.Path(file).read_text()}))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of MLflow's environment."""
    try:
        return environment.ensure()
    except SandboxError as error:
        pytest.skip(f"MLflow is not installed here and cannot be: {error}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox of this module's own, whose home is known."""
    folder = tmp_path_factory.mktemp("sand box") / "100%"
    box = Sandbox(folder)
    box.start()
    yield folder
    box.stop()


@pytest.fixture
def sandbox(home: Path) -> Running:
    """The sandbox of this module, in the place of the one that all share."""
    running = Sandbox(home).running()
    assert running is not None
    return running


class Tracks:
    """An App in an account of its own, and clients of it that are processes of their own."""

    def __init__(self, aws: SandboxClients, python: Path, folder: Path) -> None:
        self.aws, self.sagemaker = aws, aws("sagemaker")
        self._python, self._folder = python, folder
        self.bucket = f"tracks-{aws.account}"
        aws("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
        self.role = f"arn:aws:iam::{aws.account}:role/tracking"
        made = self.sagemaker.create_mlflow_app(
            Name=fresh("app"), ArtifactStoreUri=f"s3://{self.bucket}/mlflow", RoleArn=self.role
        )
        self.arn = str(made["Arn"])
        status = until(lambda: self.sagemaker.describe_mlflow_app(Arn=self.arn)["Status"], lambda s: s != "Creating")
        assert status == "Created"

    def run(self, script: str, *args: str) -> Any:
        """Run a script in MLflow's environment; return the JSON of its last line."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
        env |= variables(self.aws.url, self.aws.account, self.aws.region)
        done = subprocess.run(
            [str(self._python), "-c", script, *args],
            env=env,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture
def tracks(aws: SandboxClients, python: Path, tmp_path: Path) -> Tracks:
    """An App and its clients."""
    return Tracks(aws, python, tmp_path)


def _servers(home: Path, account: str) -> list[psutil.Process]:
    """Return the MLflow processes of an account's Apps and servers."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if f"{home}/tracking/{account}/" in words and "init.py" not in words:
                found.append(process)
    return found


def test_a_run_is_read_back(tracks: Tracks, home: Path) -> None:
    """What one client writes with the ARN as tracking URI another reads; the artifact is in the App's bucket.

    The App's server starts with the first call, is one process, starts again when it was killed, and has kept the run.
    """
    assert _servers(home, tracks.aws.account) == []
    written = tracks.run(WRITE, tracks.arn, "first")
    assert written["uri"].startswith(f"s3://{tracks.bucket}/mlflow/")
    held = tracks.aws("s3").list_objects_v2(Bucket=tracks.bucket)["Contents"]
    assert [one["Key"] for one in held] == [f"{written['uri'].partition(tracks.bucket + '/')[2]}/cards/card.md"]
    [server] = _servers(home, tracks.aws.account)
    server.send_signal(signal.SIGKILL)
    assert tracks.run(READ, tracks.arn, written["run"]) == {
        "params": {"depth": "3"},
        "metrics": {"auc": 0.81},
        "code": "0123abc",
        "card": "a model",
    }
    [told] = Sandbox(home).status().rooms["tracking"]["servers"]
    assert (told["starts"], told["running"]) == (2, True)
    assert told["memory_mb"] < 400
    tracks.sagemaker.delete_mlflow_app(Arn=tracks.arn)
    until(lambda: _servers(home, tracks.aws.account), lambda seen: not seen)
    until(lambda: [*(home / "containers").iterdir(), *home.rglob("mlflow.db")], lambda seen: not seen)


@pytest.mark.slow
def test_a_training_job_tracks(tracks: Tracks, sandbox: Running, home: Path, python: Path) -> None:
    """A job that is told nothing but the ARN tracks its run as its role, and its artifact is in the App's bucket."""
    jobs = JobCase(tracks.aws, sandbox)
    image = f"{tracks.aws.account}.dkr.ecr.{tracks.aws.region}.amazonaws.com/tracking:1"
    Sandbox(home).post("images", {"uri": image, "python": str(python), "entrypoint": []})
    name = jobs.training(
        """
        import mlflow, os
        mlflow.set_experiment("jobs")
        with mlflow.start_run(run_name=os.environ["TRAINING_JOB_NAME"]):
            mlflow.log_param("depth", 3)
            mlflow.log_text("fine", "card.md")
        open("/opt/ml/model/weights", "w").write("1")
        """,
        algorithm={"TrainingImage": image},
        Environment={"MLFLOW_TRACKING_URI": tracks.arn},
    )

    def status() -> str:
        return str(tracks.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])

    assert until(status, lambda seen: seen != "InProgress", 120) == "Completed", jobs.logs("TrainingJobs", name)
    [card] = tracks.aws("s3").list_objects_v2(Bucket=tracks.bucket)["Contents"]
    assert card["Key"].endswith("/artifacts/card.md")


@pytest.mark.slow
def test_a_browser_sees_the_pages(tracks: Tracks) -> None:
    """The presigned URL leads to MLflow's page, whose files and calls are found below it; it opens once."""
    tracks.run(WRITE, tracks.arn, "seen")
    url = tracks.sagemaker.create_presigned_mlflow_app_url(Arn=tracks.arn)["AuthorizedUrl"]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with browser.open(url) as answer:
        place, page = answer.url, answer.read().decode()
    assert "<title>MLflow</title>" in page
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert any(file.endswith(".js") for file in files)
    for file in files:
        with browser.open(urllib.parse.urljoin(place, file)) as answer:
            assert answer.status == 200
            assert len(answer.read()) == int(answer.headers["Content-Length"])
    call = urllib.request.Request(
        urllib.parse.urljoin(place, "ajax-api/2.0/mlflow/experiments/search"),
        json.dumps({"max_results": 10}).encode(),
        {"Content-Type": "application/json", "Origin": f"http://{urllib.parse.urlparse(url).netloc}"},
    )
    with browser.open(call) as answer:
        assert "flights" in {one["name"] for one in json.loads(answer.read())["experiments"]}
    # The address that MLflow's client prints of a run carries no ARN; this account's App is not the only one.
    shown = urllib.request.Request(url.partition("/auth")[0] + "/", headers={"Accept": "text/html"})
    with browser.open(shown) as answer:
        assert "MLflow" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError) as error:
        browser.open(url)
    with error.value:
        assert error.value.code == 403


@pytest.mark.slow
def test_a_tracking_server_stops_and_starts(tracks: Tracks, home: Path) -> None:
    """A tracking server runs from its creation, refuses calls while it is stopped, and has its runs when started."""
    sagemaker, name = tracks.sagemaker, fresh("server")
    made = sagemaker.create_mlflow_tracking_server(
        TrackingServerName=name, ArtifactStoreUri=f"s3://{tracks.bucket}/servers/", RoleArn=tracks.role
    )
    arn = made["TrackingServerArn"]

    def settled() -> str:
        ing = ("Creating", "Starting", "Stopping", "Updating")
        found = until(
            lambda: sagemaker.describe_mlflow_tracking_server(TrackingServerName=name),
            lambda seen: seen["TrackingServerStatus"] not in ing,
            60,
        )
        return f"{found['TrackingServerStatus']} {found['IsActive']}"

    assert settled() == "Created Active"
    assert len(_servers(home, tracks.aws.account)) == 1
    written = tracks.run(WRITE, arn, "served")
    sagemaker.stop_mlflow_tracking_server(TrackingServerName=name)
    assert settled() == "Stopped Inactive"
    assert _servers(home, tracks.aws.account) == []
    with pytest.raises(AssertionError, match="is in status Stopped"):
        tracks.run(READ, arn, written["run"])
    sagemaker.start_mlflow_tracking_server(TrackingServerName=name)
    assert settled() == "Started Active"
    assert tracks.run(READ, arn, written["run"])["params"] == {"depth": "3"}
    with pytest.raises(ClientError):
        sagemaker.start_mlflow_tracking_server(TrackingServerName=name)


@pytest.mark.slow
def test_servers_end_with_the_sandbox(python: Path, tmp_path: Path) -> None:
    """No MLflow is left when the sandbox is emptied, stopped, or killed."""
    home = tmp_path / "home"
    for end in ("reset", "stop", "kill"):
        box = Sandbox(home)
        running = box.start()
        aws = SandboxClients(running.url, "300000000777", "eu-central-1")
        (tmp_path / end).mkdir()
        tracks = Tracks(aws, python, tmp_path / end)
        tracks.run(WRITE, tracks.arn, end)
        assert len(_servers(home, aws.account)) == 1
        if end == "kill":
            os.kill(running.pid, signal.SIGKILL)
        else:
            getattr(box, end)()
        until(lambda: _servers(home, "300000000777"), lambda seen: not seen)
        if end == "reset":
            assert not list((home / "tracking").rglob("*.db"))


@pytest.mark.slow
def test_an_app_rests(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of an App that nobody calls ends, and the next call finds everything as it was."""
    monkeypatch.setenv("TERRACE_SANDBOX_MLFLOW_IDLE_SECONDS", "1")
    home = tmp_path / "home"
    running = Sandbox(home).start()
    try:
        aws = SandboxClients(running.url, "300000000888", "eu-central-1")
        tracks = Tracks(aws, python, tmp_path)
        written = tracks.run(WRITE, tracks.arn, "before")
        until(lambda: _servers(home, aws.account), lambda seen: not seen)
        assert tracks.run(READ, tracks.arn, written["run"])["card"] == "a model"
    finally:
        Sandbox(home).stop()


@pytest.mark.slow
def test_many_clients_at_once(tracks: Tracks) -> None:
    """Eight processes that track at the same time, the first of them starting the server, lose nothing."""
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda number: tracks.run(WRITE, tracks.arn, f"run-{number}")["run"], range(8)))
    assert len(set(runs)) == 8
    for run in runs[:2]:
        assert tracks.run(READ, tracks.arn, run)["metrics"] == {"auc": 0.81}
