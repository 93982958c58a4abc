"""Commands as a person or a script types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from terrace.sandbox import Sandbox


class Shell:
    """A shell in the folder of a platform, with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder
        self("init", str(folder / "platform"))
        self.folder = folder / "platform"

    def __call__(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command and check its exit status."""
        environment = {**os.environ, "TERRACE_HOME": str(self.home)}
        command = [sys.executable, "-m", "terrace.cli", *args]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *args: str, expect: int = 0) -> Any:
        """Run a command with --json; its standard output is one JSON object and nothing else."""
        return json.loads(self(*args, "--json", expect=expect).stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One platform for the tests of this file, which run in order."""
    folder = tmp_path_factory.mktemp("cli")
    yield Shell(folder)
    Sandbox(folder / "home").stop()


def counts(said: Any) -> list[int]:
    """Return what a run changed: created, updated, replaced, deleted."""
    return [said["resources"][name] for name in ("created", "updated", "replaced", "deleted")]


def test_a_typo_is_answered_with_the_nearest_command(shell: Shell) -> None:
    """An unknown command is a usage error that names the nearest one."""
    assert "Did you mean `terrace levels`?" in shell("levles", expect=2).stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("up", "devv"), "There is no environment 'devv'"),
        (("up", "dev", "--level", "7"), "terrace:level is 7"),
        (("up", "dev", "--level", "3"), "audit (Audit)"),
        (("outputs", "dev", "nothing"), "The sandbox does not run"),
        (("release", "nobody", "dev"), "The sandbox does not run"),
        (("pipeline", "run", "nobody", "dev"), "The sandbox does not run"),
        (("approve", "nobody", "dev"), "The sandbox does not run"),
        (("rollback", "nobody", "dev"), "The sandbox does not run"),
        (("models", "nobody", "devv"), "There is no environment 'devv'"),
        (("preview", "dev", "-C", "stacks"), "There is no platform"),
    ],
)
def test_a_refusal_is_a_sentence_and_an_object(shell: Shell, args: tuple[str, ...], says: str) -> None:
    """What cannot be done ends with 1, a sentence for people, and with --json an object for scripts."""
    assert says in shell(*args, expect=1).stderr
    assert says in json.dumps(shell.json(*args, expect=1)["error"])


def test_an_engine_that_there_is_not_is_a_usage_error(shell: Shell) -> None:
    """Who asks for another engine reads which there are; usage errors end with 2."""
    assert (
        "'terraform' is not one of 'embedded', 'pulumi'" in shell("up", "dev", "--engine", "terraform", expect=2).stderr
    )


def test_a_refused_run_starts_nothing(shell: Shell) -> None:
    """The refusals above made nothing."""
    assert shell.json("status", "dev")["level"] is None


def test_up_prints_one_object_and_a_second_up_changes_nothing(shell: Shell) -> None:
    """The object has the keys that scripts rest on, whatever the program itself prints."""
    program = shell.folder / "stacks" / "__main__.py"
    program.write_text(program.read_text() + 'print("hello from the program")\n')
    said = shell.json("up", "dev", "--level", "1")
    wanted = {"stack", "environment", "level", "engine", "target", "resources", "kept", "outputs", "seconds"}
    assert wanted <= said.keys()
    assert said["resources"]["created"] > 90
    assert counts(shell.json("up", "dev", "--level", "1")) == [0, 0, 0, 0]


def test_going_down_keeps_stores_and_coming_back_finds_them(shell: Shell) -> None:
    """What is in a store of the level above is still there after a way down and up."""
    target = _clients(shell)
    before = target("codeartifact").list_domains()["domains"][0]
    bucket = shell.json("outputs", "dev")["data_bucket"]
    target("s3").put_object(Bucket=bucket, Key="flights/one.csv", Body=b"1")
    down = shell.json("up", "dev", "--level", "0")
    assert down["kept"] == ["packages"]
    assert down["resources"]["deleted"] > 0
    settings = shell.folder / "stacks" / "Pulumi.dev.yaml"
    assert "terrace:keep" in settings.read_text()
    assert counts(shell.json("up", "dev", "--level", "0")) == [0, 0, 0, 0]
    shell("up", "dev", "--level", "1")
    assert "terrace:keep" not in settings.read_text()
    assert target("codeartifact").list_domains()["domains"][0] == before
    assert target("s3").get_object(Bucket=bucket, Key="flights/one.csv")["Body"].read() == b"1"


def test_a_preview_changes_nothing(shell: Shell) -> None:
    """A preview of another level lists what would be, and AWS has what it had."""
    target = _clients(shell)
    before = sorted(role["RoleName"] for role in target("iam").list_roles()["Roles"])
    would = shell.json("preview", "dev", "--level", "0")
    assert would["resources"]["deleted"] > 0
    assert sorted(role["RoleName"] for role in target("iam").list_roles()["Roles"]) == before


def test_an_unknown_output_names_those_that_there_are(shell: Shell) -> None:
    """Asking for an output that is not there is answered with those that are."""
    assert "data_bucket" in shell("outputs", "dev", "nothing", expect=1).stderr
    assert shell("outputs", "dev", "data_bucket").stdout.startswith("acme-dev-data-")


def test_the_exports_make_any_client_work(shell: Shell) -> None:
    """A shell that evaluates the exports reaches the environment with a client that knows nothing of Terrace."""
    exports = shell("sandbox", "env", "dev").stdout
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run(
        ["bash", "-c", f'{exports}\n"{sys.executable}" -c "{program}"'],
        env={**os.environ, "AWS_PROFILE": "of-the-user"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == shell.json("status", "dev")["account"]


def test_the_exports_keep_the_sagemaker_sdk_on_this_machine(shell: Shell) -> None:
    """The SDK is told its bucket, which it would otherwise ask AWS for, and to report nothing."""
    exports = json.loads(shell("sandbox", "env", "dev", "--json").stdout)
    said = yaml.safe_load(Path(exports["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text())
    modules = said["SageMaker"]["PythonSDK"]["Modules"]
    account = shell.json("status", "dev")["account"]
    assert modules["Session"]["DefaultS3Bucket"] == f"sagemaker-{exports['AWS_REGION']}-{account}"
    assert modules["TelemetryOptOut"] is True


def test_destroy_refuses_stores_and_then_removes_all(shell: Shell) -> None:
    """Without --delete-data stores are named and everything stays; with it, nothing is left."""
    assert "holds data" in shell("destroy", "dev", expect=1).stderr
    assert counts(shell.json("up", "dev", "--level", "1")) == [0, 0, 0, 0]
    shell("destroy", "dev", "--delete-data", "--yes")
    assert _clients(shell)("s3").list_buckets()["Buckets"] == []
    assert shell.json("status", "dev")["level"] is None


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_is_a_script(shell: Shell, name: str) -> None:
    """Each shell gets its script."""
    assert "_TERRACE_COMPLETE" in shell("completion", name).stdout


def test_levels_show_what_a_step_adds(shell: Shell) -> None:
    """The step from 0 to 1 adds what begins at level 1, and nothing else."""
    step = shell.json("levels", "0", "1")["levels"]
    assert [level["level"] for level in step] == [1]
    assert {capability["since"] for capability in step[0]["capabilities"]} == {1}


def _clients(shell: Shell) -> Any:
    from terrace.platform import open_platform
    from terrace.sandbox.provider.clients import SandboxClients

    settings = open_platform(shell.folder, "dev").settings
    running = Sandbox(shell.home).require()
    return SandboxClients(running.url, settings.account_id, settings.region)
