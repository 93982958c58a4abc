"""Endpoints: they serve what they name, change beside what serves, and say why they don't."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from serving import Serving, fresh, until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.containers import capabilities
from terrace.sandbox.containers.capabilities import SWITCH
from terrace.sandbox.endpoints.model_server import PING_SECONDS
from terrace.sandbox.provider.clients import SandboxClients

needs_namespaces = pytest.mark.skipif(not capabilities().namespaces, reason="this machine gives no namespaces")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox of this module's own, which waits two seconds for /ping."""
    folder = tmp_path_factory.mktemp("sandbox")
    before = os.environ.get(PING_SECONDS)
    os.environ[PING_SECONDS] = "4"
    box = Sandbox(folder)
    box.start()
    yield folder
    box.stop()
    os.environ.pop(PING_SECONDS)
    if before is not None:
        os.environ[PING_SECONDS] = before


@pytest.fixture
def sandbox(home: Path) -> Running:
    """The sandbox of this module, in the place of the one that all share."""
    running = Sandbox(home).running()
    assert running is not None
    return running


@pytest.fixture
def serving(aws: SandboxClients, home: Path) -> Serving:
    """A maker of endpoints in an account of its own."""
    return Serving(aws, home)


def _read(answer: dict[str, Any]) -> Any:
    return json.loads(answer["Body"].read())


def _refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    said = error.value.response["Error"]
    return said["Code"], said["Message"]


def test_an_endpoint_answers_with_its_model(serving: Serving) -> None:
    """The image runs with `serve`, the model's files in /opt/ml/model and the model's own variables."""
    data = serving.put_archive({"weights.json": "[1, 2]"})
    endpoint = serving.endpoint(serving.config(serving.model(data=data, GREETING="churn")))
    seen = serving.settled(endpoint)
    assert seen["EndpointStatus"] == "InService"
    assert "FailureReason" not in seen
    answer = serving.ask(endpoint, ContentType="application/json", CustomAttributes="trace=1")
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "v1"
    assert answer["CustomAttributes"] == "seen=trace=1"
    said = _read(answer)
    assert said["argv"] == ["serve"]
    assert said["model"] == {"weights.json": "[1, 2]"}
    assert said["env"]["GREETING"] == "churn"


def test_a_description_is_as_aws_has_it(serving: Serving) -> None:
    """Images, weights and sizes are there; a serverless variant shows its settings."""
    model = serving.model()
    endpoint = serving.endpoint(serving.config(model, InitialInstanceCount=2))
    [variant] = serving.settled(endpoint)["ProductionVariants"]
    assert variant["DeployedImages"][0]["SpecifiedImage"] == serving.image
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert variant["CurrentWeight"] == 1.0
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    serverless = serving.endpoint(serving.config(model, ServerlessConfig=size))
    [variant] = serving.settled(serverless)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == size
    listed = serving.sagemaker.list_endpoints(SortBy="Name")["Endpoints"]
    assert [(one["EndpointName"], one["EndpointStatus"]) for one in listed] == [
        (name, "InService") for name in sorted((endpoint, serverless))
    ]


def test_a_model_acts_as_its_role(serving: Serving) -> None:
    """Its variables are those that SageMaker gives: the role's credentials, and nothing of the server's."""
    env = _read(serving.ask(serving.endpoint(serving.config(serving.model()))))["env"]
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert env["AWS_REGION"] == serving.aws.region
    assert PING_SECONDS not in env
    assert "PYTEST_CURRENT_TEST" not in env


@needs_namespaces
def test_an_isolated_model_answers_and_reaches_nothing(serving: Serving) -> None:
    """It has neither network nor credentials, and predicts all the same."""
    endpoint = serving.endpoint(serving.config(serving.model(isolated=True)))
    said = _read(serving.ask(endpoint))
    assert not {name for name in said["env"] if name.startswith("AWS_")} - {"AWS_REGION", "AWS_DEFAULT_REGION"}
    fetch = json.dumps({"do": "fetch", "url": serving.aws.url}).encode()
    assert _read(serving.ask(endpoint, fetch))["reached"] is None
    open_one = serving.endpoint(serving.config(serving.model()))
    assert _read(serving.ask(open_one, fetch))["reached"] == 200


def test_a_crash_at_the_start_is_told(serving: Serving) -> None:
    """The endpoint is Failed, and its reason has what the container printed."""
    seen = serving.settled(serving.endpoint(serving.config(serving.model(MODE="crash"))))
    assert seen["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in seen["FailureReason"]
    assert "exit code 3" in seen["FailureReason"]
    assert "there is no model here" in seen["FailureReason"]
    group = f"/aws/sagemaker/Endpoints/{seen['EndpointName']}"
    events = serving.aws("logs").filter_log_events(logGroupName=group)["events"]
    assert [event["message"] for event in events] == ["there is no model here"]


def test_a_ping_that_never_succeeds_is_told(serving: Serving) -> None:
    """A container that runs but is never healthy fails the endpoint, and is ended."""
    seen = serving.settled(serving.endpoint(serving.config(serving.model(MODE="ill"))))
    assert seen["EndpointStatus"] == "Failed"
    assert "no answer from /ping within 4 seconds" in seen["FailureReason"]
    status = Sandbox(Path(serving.home)).status().rooms["containers"]
    assert status["running"] == sum(len(one["variants"]) for one in _endpoints(serving, every=True))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"../outside": "x"}, "outside the destination"),
        ({"fine": "x", "a/../../outside": "x"}, "outside the destination"),
    ],
)
def test_model_data_that_leads_outside_is_refused(serving: Serving, files: dict[str, str], why: str) -> None:
    """Nothing is written outside of the model's folder."""
    seen = serving.settled(serving.endpoint(serving.config(serving.model(data=serving.put_archive(files)))))
    assert seen["EndpointStatus"] == "Failed"
    assert "Failed to extract model data archive" in seen["FailureReason"]
    assert why in seen["FailureReason"]
    assert not list(Path(serving.home).rglob("outside"))


def test_model_data_that_is_not_there_is_told(serving: Serving) -> None:
    """The reason is SageMaker's."""
    url = f"s3://no-such-bucket-{serving.aws.account}/model.tar.gz"
    seen = serving.settled(serving.endpoint(serving.config(serving.model(data=url))))
    assert seen["EndpointStatus"] == "Failed"
    assert f'Failed to download model data for container "container_1" from URL: "{url}"' in seen["FailureReason"]


def test_an_image_that_nobody_knows_is_told(serving: Serving) -> None:
    """The reason names the image, and how it can be made known."""
    image = serving.image.replace("tiny:1", "tiny:2")
    seen = serving.settled(serving.endpoint(serving.config(serving.model(image=image))))
    assert seen["EndpointStatus"] == "Failed"
    assert f"The image '{image}' does not exist." in seen["FailureReason"]
    assert "terrace up" in seen["FailureReason"]


def test_what_is_missing_is_refused_in_awss_words(serving: Serving) -> None:
    """Endpoints, configurations and models that do not exist, and names that are taken."""
    sagemaker, place = serving.sagemaker, f"arn:aws:sagemaker:{serving.aws.region}:{serving.aws.account}"
    with pytest.raises(ClientError) as error:
        sagemaker.create_endpoint(EndpointName="a", EndpointConfigName="none")
    assert _refused(error) == (
        "ValidationException",
        f'Could not find endpoint configuration "{place}:endpoint-config/none".',
    )
    for call in (sagemaker.describe_endpoint, sagemaker.delete_endpoint):
        with pytest.raises(ClientError) as error:
            call(EndpointName="none")
        assert _refused(error) == ("ValidationException", f'Could not find endpoint "{place}:endpoint/none".')
    model = serving.model()
    config = serving.config(model)
    endpoint = serving.endpoint(config)
    with pytest.raises(ClientError) as error:
        sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert "Cannot create already existing endpoint" in _refused(error)[1]
    sagemaker.delete_model(ModelName=model)
    with pytest.raises(ClientError) as error:
        sagemaker.create_endpoint(EndpointName="b", EndpointConfigName=config)
    assert _refused(error) == ("ValidationException", f'Could not find model "{place}:model/{model}".')


def test_an_update_switches_when_the_new_one_is_healthy(serving: Serving) -> None:
    """Predictions never stop; afterwards the old process is gone."""
    endpoint = serving.endpoint(serving.config(serving.model(GREETING="old")))
    old = _read(serving.ask(endpoint))
    config = serving.config(serving.model(GREETING="new"))
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    }
    serving.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=deployment)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        serving.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    seen: dict[str, Any] = {}
    greetings = []
    while seen.get("EndpointStatus") != "InService":
        greetings.append(_read(serving.ask(endpoint))["env"]["GREETING"])
        seen = serving.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert greetings == sorted(greetings, reverse=True)
    assert seen["EndpointConfigName"] == config
    assert seen["LastDeploymentConfig"] == deployment
    assert _read(serving.ask(endpoint))["env"]["GREETING"] == "new"
    until(lambda: _runs(old["env"]["HOME"]), lambda running: not running)


def test_an_invocation_in_the_middle_of_an_update_is_answered(serving: Serving) -> None:
    """The old process ends when the last of its invocations has ended."""
    endpoint = serving.endpoint(serving.config(serving.model(GREETING="old")))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(serving.ask, endpoint, b'{"do": "sleep", "seconds": 2}')
        config = serving.config(serving.model(GREETING="new"))
        serving.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        assert serving.settled(endpoint)["EndpointConfigName"] == config
        assert _read(serving.ask(endpoint))["env"]["GREETING"] == "new"
        assert not slow.done()
        assert _read(slow.result())["env"]["GREETING"] == "old"


def test_a_serverless_container_that_takes_too_much_memory_is_killed(serving: Serving) -> None:
    """It gets what its variant says and no more; then it is started anew."""
    size = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    endpoint = serving.endpoint(serving.config(serving.model(), ServerlessConfig=size))
    first = _read(serving.ask(endpoint))["started"]
    with contextlib.suppress(ClientError):  # it may be killed while it answers
        serving.ask(endpoint, json.dumps({"do": "take", "bytes": 1200 * 2**20}).encode())
    until(lambda: _endpoints(serving)[0]["variants"][0]["restarts"], lambda restarts: restarts == 1)
    assert _read(serving.ask(endpoint))["started"] > first


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/p"}}}, "asynchronous endpoints"),
        (
            {
                "ShadowProductionVariants": [
                    {
                        "VariantName": "s",
                        "ModelName": "<MODEL>",
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": 1,
                    }
                ]
            },
            "shadow variants",
        ),
    ],
)
def test_what_is_not_served_is_refused_by_name(serving: Serving, more: dict[str, Any], what: str) -> None:
    """Nothing of a configuration is left out without a word."""
    model = serving.model()
    config = fresh("config")
    serving.sagemaker.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[
            {"VariantName": "v1", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
        **json.loads(json.dumps(more).replace("<MODEL>", model)),
    )
    with pytest.raises(ClientError, match=f"The sandbox serves no {what}"):
        serving.sagemaker.create_endpoint(EndpointName=fresh(), EndpointConfigName=config)


def test_a_model_of_several_containers_is_refused(serving: Serving) -> None:
    """The endpoint is Failed and says what the sandbox serves."""
    name = fresh("model")
    serving.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=f"arn:aws:iam::{serving.aws.account}:role/serve",
        Containers=[{"Image": serving.image}, {"Image": serving.image}],
    )
    seen = serving.settled(serving.endpoint(serving.config(name)))
    assert (seen["EndpointStatus"], "models of one container" in seen["FailureReason"]) == ("Failed", True)


def test_an_update_that_fails_leaves_the_old_one_serving(serving: Serving) -> None:
    """The endpoint is in service with its old configuration, and says why it went back."""
    config = serving.config(serving.model(GREETING="old"))
    endpoint = serving.endpoint(config)
    serving.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=serving.config(serving.model(MODE="crash"))
    )
    seen = serving.settled(endpoint)
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("InService", config)
    assert "there is no model here" in seen["FailureReason"]
    assert _read(serving.ask(endpoint))["env"]["GREETING"] == "old"
    good = serving.config(serving.model(GREETING="good"))
    serving.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=good)
    seen = serving.settled(endpoint)
    assert seen["EndpointConfigName"] == good
    assert "FailureReason" not in seen


def test_an_update_shows_what_is_coming(serving: Serving) -> None:
    """While the new one is started, the description has both."""
    config = serving.config(serving.model())
    endpoint = serving.endpoint(config)
    coming = serving.config(serving.model(MODE="ill"))
    serving.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=coming)
    seen = serving.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("Updating", config)
    assert seen["PendingDeploymentSummary"]["EndpointConfigName"] == coming
    assert serving.settled(endpoint)["EndpointConfigName"] == config


def test_a_deleted_endpoint_leaves_nothing(serving: Serving) -> None:
    """Its process and its files are gone, and its name is free."""
    config = serving.config(serving.model())
    endpoint = serving.endpoint(config)
    folder = Path(_read(serving.ask(endpoint))["env"]["HOME"]).parent
    assert folder.is_dir()
    serving.sagemaker.delete_endpoint(EndpointName=endpoint)
    until(lambda: _endpoints(serving), lambda found: not found)
    assert not _runs(str(folder))
    assert not folder.exists()
    with pytest.raises(ClientError, match="not found"):
        serving.ask(endpoint)
    serving.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert serving.settled(endpoint)["EndpointStatus"] == "InService"


def test_a_process_that_dies_is_started_anew(serving: Serving) -> None:
    """The endpoint stays in service, as when SageMaker replaces an instance."""
    endpoint = serving.endpoint(serving.config(serving.model()))
    with pytest.raises(ClientError) as error:
        serving.ask(endpoint, b'{"do": "die"}')
    assert _refused(error)[0] in ("ModelError", "ServiceUnavailable")
    assert _read(until(lambda: _try(serving, endpoint), lambda answer: answer is not None))["argv"] == ["serve"]
    assert serving.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    assert _endpoints(serving)[0]["variants"][0]["restarts"] == 1


def test_two_endpoints_serve_at_once(serving: Serving) -> None:
    """Each answers with its own model."""
    names = [fresh("both"), fresh("both")]
    for name in names:
        config = serving.config(serving.model(GREETING=name))
        serving.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    for name in names:
        assert serving.settled(name)["EndpointStatus"] == "InService"
    assert [_read(serving.ask(name))["env"]["GREETING"] for name in names] == names


def test_variants_share_invocations_by_weight(serving: Serving) -> None:
    """A weight of zero gets none, until the weights are changed; a variant can be asked for by name."""
    endpoint = serving.endpoint(serving.config(serving.model(GREETING="a"), serving.model(GREETING="b")))

    def weigh(first: float, second: float) -> None:
        serving.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": "v1", "DesiredWeight": first},
                {"VariantName": "v2", "DesiredWeight": second},
            ],
        )

    weigh(1, 0)
    assert {serving.ask(endpoint)["InvokedProductionVariant"] for _ in range(10)} == {"v1"}
    assert serving.ask(endpoint, TargetVariant="v2")["InvokedProductionVariant"] == "v2"
    weigh(1, 1)
    assert {serving.ask(endpoint)["InvokedProductionVariant"] for _ in range(60)} == {"v1", "v2"}


def test_a_reset_ends_every_endpoint(tmp_path: Path) -> None:
    """So does a stop, and neither leaves a process or a folder."""
    box = Sandbox(tmp_path / "home")
    for end in (box.reset, box.stop):
        serving = Serving(SandboxClients(box.require().url, "123456789012", "eu-central-1"), box.home)
        folder = Path(_read(serving.ask(serving.endpoint(serving.config(serving.model()))))["env"]["HOME"]).parent
        assert _runs(str(folder))
        end()
        assert not _runs(str(folder))
        assert not folder.exists()


def test_a_machine_without_namespaces_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is found by SM_MODEL_DIR, the port is a free one, and the status says what is missing."""
    monkeypatch.setenv(SWITCH, "off")
    box = Sandbox(tmp_path / "home")
    serving = Serving(SandboxClients(box.start().url, "123456789012", "eu-central-1"), box.home)
    try:
        data = serving.put_archive({"weights.json": "[1]"})
        said = [
            _read(serving.ask(serving.endpoint(serving.config(serving.model(data=data, isolated=isolated)))))
            for isolated in (False, True)
        ]
        assert [one["model"] for one in said] == [{"weights.json": "[1]"}] * 2
        assert said[0]["env"]["SAGEMAKER_BIND_TO_PORT"] != said[1]["env"]["SAGEMAKER_BIND_TO_PORT"]
        room = box.status().rooms["containers"]
        assert (room["namespaces"], room["network_isolation"]) == (False, False)
        assert "SM_MODEL_DIR" in room["missing"][0]
    finally:
        box.stop()


def test_a_dead_server_leaves_no_endpoint(tmp_path: Path) -> None:
    """Its processes end with it, and the next server clears what it left."""
    box = Sandbox(tmp_path / "home")
    running = box.start()
    serving = Serving(SandboxClients(running.url, "123456789012", "eu-central-1"), box.home)
    folder = Path(_read(serving.ask(serving.endpoint(serving.config(serving.model()))))["env"]["HOME"]).parent
    psutil.Process(running.pid).kill()
    until(lambda: _runs(str(folder)), lambda found: not found)
    box.start()
    assert not folder.exists()
    box.stop()


def _endpoints(serving: Serving, *, every: bool = False) -> list[dict[str, Any]]:
    """Return what the sandbox says of the endpoints of the account, or of all."""
    rooms = Sandbox(Path(serving.home)).status().rooms
    return [one for one in rooms["endpoints"] if every or one["account"] == serving.aws.account]


def _try(serving: Serving, endpoint: str) -> dict[str, Any] | None:
    try:
        return serving.ask(endpoint)
    except ClientError:
        return None


def _runs(folder: str) -> bool:
    """Tell whether a process runs that was started in a folder."""
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd().startswith(folder.removesuffix("/home")):
                return True
        except psutil.Error:
            continue
    return False
