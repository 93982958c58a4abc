"""The environment that MLflow runs in: made once, whoever asks for it, however often it was cut short."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from serving import until

from terrace.errors import SandboxError
from terrace.sandbox import Sandbox
from terrace.sandbox.client import MLFLOW
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.tracking import environment

MAKE = """
import pathlib, sys
from terrace.sandbox.tracking import environment
environment.LOCK = pathlib.Path(sys.argv[1])
environment.version = lambda: "of a test"
print(environment.ensure(lambda text: print(text, flush=True)))
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of one small package, in the place of MLflow's; its environments are the test's own."""
    monkeypatch.setenv(environment.FOLDER, str(tmp_path / "environments"))
    text = environment.LOCK.read_text()
    pin = re.search(r"^six==(?:[^\n]*\\\n)+[^\n]*$", text, re.M)
    assert pin is not None
    small = tmp_path / "small.txt"
    small.write_text(f"{pin[0]}\n")
    monkeypatch.setattr(environment, "LOCK", small)
    monkeypatch.setattr(environment, "version", lambda: "of a test")
    return small


def _maker(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", MAKE, str(lock)], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_at_once_make_one(lock: Path) -> None:
    """Of two that need the environment at the same time one makes it, and both have the same."""
    makers = [_maker(lock), _maker(lock)]
    said = [maker.communicate(timeout=120)[0].splitlines() for maker in makers]
    if any(maker.returncode for maker in makers):
        pytest.skip("no package index is in reach")
    assert said[0][-1] == said[1][-1]
    assert sum(len(lines) > 1 for lines in said) == 1
    assert len(list(environment.location().glob("made-*"))) == 1


@pytest.mark.slow
def test_one_that_was_cut_short_is_made_again(lock: Path) -> None:
    """A killed installation leaves nothing that counts as one; the next makes it and clears what was left."""
    maker = _maker(lock)
    until(lambda: list(environment.location().glob("made-*/bin/python")), bool)
    os.kill(maker.pid, signal.SIGKILL)
    maker.communicate()
    assert environment.find() is None
    try:
        python = environment.ensure()
    except SandboxError as error:
        pytest.skip(f"no package index is in reach: {error}")
    done = subprocess.run([str(python), "-c", "import six"], check=False)
    assert done.returncode == 0
    assert environment.find() == python
    assert environment.ensure() == python


@pytest.mark.slow
def test_the_command_says_where_it_is(tmp_path: Path) -> None:
    """The command prints the interpreter when the environment is there, and else fails with the reason in one line."""
    env = {**os.environ, environment.FOLDER: str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    command = [sys.executable, "-m", "terrace.sandbox.tracking.install"]
    failed = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "MLflow cannot be installed" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_an_app_without_an_index_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where MLflow cannot be installed an App is Creating and then CreateFailed; status and calls tell the way out."""
    monkeypatch.setenv(environment.FOLDER, str(tmp_path / "environments"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    box = Sandbox(tmp_path / "home")
    running = box.start()
    try:
        sagemaker = SandboxClients(running.url, "300000000999", "eu-central-1")("sagemaker")
        role = "arn:aws:iam::300000000999:role/tracking"
        arn = sagemaker.create_mlflow_app(Name="app", ArtifactStoreUri="s3://tracks", RoleArn=role)["Arn"]

        def status() -> str:
            return str(sagemaker.describe_mlflow_app(Arn=arn)["Status"])

        assert status() == "Creating"
        assert until(status, lambda seen: seen != "Creating", 60) == "CreateFailed"
        [told] = box.status().rooms["tracking"]["servers"]
        assert "terrace.sandbox.tracking.install" in told["reason"]
        request = urllib.request.Request(f"{running.url}{MLFLOW}/version", headers={"x-sm-mlflow-app-arn": arn})
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(request)
        with error.value:
            assert error.value.code == 400
            assert "terrace.sandbox.tracking.install" in error.value.read().decode()
        sagemaker.delete_mlflow_app(Arn=arn)
        until(lambda: sagemaker.list_mlflow_apps()["Summaries"], lambda seen: not seen)
    finally:
        box.stop()
