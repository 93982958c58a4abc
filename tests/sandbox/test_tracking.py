"""MLflow Apps and tracking servers as any AWS client sees them; no MLflow is started here."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from serving import fresh, until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.client import MLFLOW
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.tracking import environment

ROLE = "arn:aws:iam::111122223333:role/tracking"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A sandbox of this module's own, for which MLflow is installed as an interpreter that only fails when it runs."""
    folder, before = tmp_path_factory.mktemp("environments"), os.environ.get(environment.FOLDER)
    os.environ[environment.FOLDER] = str(folder)
    made = environment.location() / "made-up" / "bin"
    made.mkdir(parents=True)
    (made / "python").write_text("#!/bin/sh\necho this is no MLflow\nexit 3\n")
    (made / "python").chmod(0o755)
    (environment.location() / "current").write_text("made-up")
    box = Sandbox(tmp_path_factory.mktemp("sandbox"))
    yield box.start()
    box.stop()
    os.environ.pop(environment.FOLDER)
    if before is not None:
        os.environ[environment.FOLDER] = before


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """SageMaker of an account of its own."""
    return aws("sagemaker")


def _app(sagemaker: Any, name: str | None = None, **more: Any) -> str:
    made = sagemaker.create_mlflow_app(
        Name=name or fresh("app"), ArtifactStoreUri="s3://tracks/mlflow", RoleArn=ROLE, **more
    )
    return str(made["Arn"])


def _settled(sagemaker: Any, arn: str) -> dict[str, Any]:
    busy = ("Creating", "Updating")
    found: dict[str, Any] = until(
        lambda: sagemaker.describe_mlflow_app(Arn=arn), lambda seen: seen["Status"] not in busy
    )
    return found


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def _get(url: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Ask the gateway; return status and answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_an_app_lives(sagemaker: Any) -> None:
    """An App is Creating and then Created, shows what was asked for and AWS's defaults, changes, and goes."""
    arn = _app(sagemaker, "shop", Tags=[{"Key": "team", "Value": "ml"}])
    assert ":mlflow-app/app-" in arn
    assert "shop" not in arn
    made = _settled(sagemaker, arn)
    assert made["Status"] == "Created"
    assert made["MlflowVersion"] == environment.version()
    assert made["ModelRegistrationMode"] == "AutoModelRegistrationDisabled"
    assert "AccountDefaultStatus" not in made
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
    sagemaker.update_mlflow_app(Arn=arn, Name="store", AccountDefaultStatus="ENABLED", DefaultDomainIdList=["d-1"])
    changed = _settled(sagemaker, arn)
    assert (changed["Status"], changed["Name"], changed["AccountDefaultStatus"]) == ("Updated", "store", "ENABLED")
    assert changed["LastModifiedTime"] > made["LastModifiedTime"]
    sagemaker.delete_mlflow_app(Arn=arn)
    until(lambda: sagemaker.list_mlflow_apps()["Summaries"], lambda seen: not seen)
    with pytest.raises(ClientError) as error:
        sagemaker.describe_mlflow_app(Arn=arn)
    assert _code(error) == "ResourceNotFound"


def test_an_account_has_one_default_app(sagemaker: Any) -> None:
    """An App that becomes the account's default takes the place of the one before."""
    first = _app(sagemaker, AccountDefaultStatus="ENABLED")
    second = _app(sagemaker, AccountDefaultStatus="ENABLED")
    found = sagemaker.list_mlflow_apps(AccountDefaultStatus="ENABLED")["Summaries"]
    assert [one["Arn"] for one in found] == [second]
    assert sagemaker.describe_mlflow_app(Arn=first)["AccountDefaultStatus"] == "DISABLED"


def test_apps_are_listed(sagemaker: Any) -> None:
    """Apps are listed the newest first unless another order is asked for, by status, and page by page."""
    arns = [_app(sagemaker, f"app-{letter}") for letter in "cab"]
    for arn in arns:
        _settled(sagemaker, arn)
    assert [one["Arn"] for one in sagemaker.list_mlflow_apps()["Summaries"]] == arns[::-1]
    by_name = sagemaker.list_mlflow_apps(SortBy="Name", SortOrder="Ascending", MaxResults=2)
    assert [one["Name"] for one in by_name["Summaries"]] == ["app-a", "app-b"]
    rest = sagemaker.list_mlflow_apps(SortBy="Name", SortOrder="Ascending", NextToken=by_name["NextToken"])
    assert [one["Name"] for one in rest["Summaries"]][-1] == "app-c"
    assert sagemaker.list_mlflow_apps(Status="Deleting")["Summaries"] == []


def test_bad_apps_are_refused(sagemaker: Any) -> None:
    """A second App of a name, a role that is none, and an App of another account are refused with AWS's codes."""
    arn = _app(sagemaker, "shop")
    for wrong in ({"Name": "shop"}, {"Name": "under_score"}, {"Name": "a", "RoleArn": "tracking-of-nobody-at-all"}):
        with pytest.raises(ClientError) as error:
            sagemaker.create_mlflow_app(**{"ArtifactStoreUri": "s3://tracks", "RoleArn": ROLE, **wrong})
        assert _code(error) == "ValidationException"
    other = arn.replace(arn.split(":")[4], "999900002222")
    for call in ("describe_mlflow_app", "update_mlflow_app", "delete_mlflow_app", "create_presigned_mlflow_app_url"):
        with pytest.raises(ClientError) as error:
            getattr(sagemaker, call)(Arn=other)
        assert _code(error) == "ResourceNotFound"


def test_a_server_that_does_not_start_says_why(sagemaker: Any, sandbox: Running) -> None:
    """A tracking server whose process ends is CreateFailed; the sandbox's status tells what it printed."""
    name = fresh("tracks")
    made = sagemaker.create_mlflow_tracking_server(
        TrackingServerName=name, ArtifactStoreUri="s3://tracks/mlflow", RoleArn=ROLE, TrackingServerSize="Small"
    )
    arn = made["TrackingServerArn"]

    def server() -> Any:
        return sagemaker.describe_mlflow_tracking_server(TrackingServerName=name)

    found = until(server, lambda seen: seen["TrackingServerStatus"] != "Creating")
    assert (found["TrackingServerStatus"], found["IsActive"]) == ("CreateFailed", "Inactive")
    status, said = _get(f"{sandbox.url}{MLFLOW}/version", {"x-mlflow-sm-tracking-server-arn": arn})
    assert status == 400
    assert "CreateFailed" in said["message"]
    assert "this is no MLflow" in said["message"]
    with pytest.raises(ClientError) as error:
        sagemaker.stop_mlflow_tracking_server(TrackingServerName=name)
    assert _code(error) == "ValidationException"
    assert f"Tracking Server with ARN {arn} is currently in status CREATEFAILED, can't be stopped." in str(error.value)
    sagemaker.delete_mlflow_tracking_server(TrackingServerName=name)
    until(lambda: sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"], lambda seen: not seen)


def test_an_app_that_does_not_start_says_why(sagemaker: Any, sandbox: Running) -> None:
    """A call to an App whose process ends is answered as unavailable, in MLflow's own form, with what it printed."""
    arn = _app(sagemaker)
    _settled(sagemaker, arn)
    status, said = _get(f"{sandbox.url}{MLFLOW}/version", {"x-sm-mlflow-app-arn": arn})
    assert status == 503
    assert "this is no MLflow" in said["message"]


def test_the_gateway_refuses_what_it_cannot_lead(sandbox: Running, sagemaker: Any, aws: SandboxClients) -> None:
    """No ARN, an unknown one, one of another account and an old session each get a 4xx that says what to do."""
    gateway = f"{sandbox.url}{MLFLOW}"
    status, said = _get(f"{gateway}/api/2.0/mlflow/experiments/get?experiment_id=0")
    assert status == 400
    assert "sagemaker-mlflow" in said["message"]
    arn = f"arn:aws:sagemaker:eu-central-1:{aws.account}:mlflow-app/app-NOWHERE"
    status, said = _get(f"{gateway}/health", {"x-sm-mlflow-app-arn": arn})
    assert (status, said["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    other = "AWS4-HMAC-SHA256 Credential=AKIA999900003333AAAA/20300101/eu-central-1/sagemaker/aws4_request"
    status, said = _get(f"{gateway}/health", {"x-sm-mlflow-app-arn": arn, "Authorization": other})
    assert status == 403
    assert _get(f"{gateway}/ui/forged/")[0] == 403
    assert _get(f"{gateway}/auth?authToken=forged")[0] == 403


@pytest.mark.slow
def test_a_presigned_url_expires(sagemaker: Any) -> None:
    """A presigned URL opens nothing after the seconds that were asked for."""
    url = sagemaker.create_presigned_mlflow_app_url(Arn=_app(sagemaker), ExpiresInSeconds=5)["AuthorizedUrl"]
    assert url.startswith("http://127.0.0.1:")
    time.sleep(5.1)
    assert _get(url)[0] == 403


def test_clients_are_told_the_gateway(sandbox: Running) -> None:
    """The variables of an environment in the sandbox lead MLflow's plugin to it."""
    from terrace.sandbox import environment as variables

    found = variables(sandbox.url, "111122223333", "eu-central-1")
    assert found["SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"] == f"{sandbox.url}{MLFLOW}"


def test_the_lock_names_no_index() -> None:
    """The lock of MLflow's environment has a hash for each package, and no address."""
    text = environment.LOCK.read_text()
    assert "://" not in text
    pins = [line for line in text.splitlines() if "==" in line]
    assert len(pins) > 50
    assert text.count("--hash=sha256:") >= len(pins)


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index in reach the installation is refused with pip's reason and the command to run later."""
    from terrace.errors import SandboxError

    monkeypatch.setenv(environment.FOLDER, str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(SandboxError) as error:
        environment.ensure()
    assert "No matching distribution" in error.value.message
    assert "terrace.sandbox.tracking.install" in str(error.value.hint)
    assert environment.find() is None
    assert not list(environment.location().glob("made-*"))
