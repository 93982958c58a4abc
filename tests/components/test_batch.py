"""Mode batch: no endpoint, but a pipeline that scores, a schedule that starts it, and who may do what for them."""

import json
from typing import Any

import pytest
from components.conftest import graph_of
from components.recorder import ACCOUNT, Graph

from components import programs
from terrace.maturity import ModelContract, Release, Serving

PREFIX = f"acme-dev-data-{ACCOUNT}/ml/flights/batch/"


@pytest.fixture
def batch() -> Graph:
    """A model's stack of level 1 in mode batch, in a protected environment."""
    return graph_of("batch", 1, "prod")


@pytest.fixture
def small() -> Graph:
    """A model's stack of level 0 in mode batch."""
    return graph_of("batch", 0, "dev")


def _statements(graph: Graph, name: str) -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in json.loads(graph.one(name).inputs["policy"])["Statement"]}


def _definition(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(graph.one("model-serving-batch-pipeline").inputs["pipelineDefinition"])
    return found


def _defaults(graph: Graph) -> dict[str, Any]:
    return {one["Name"]: one["DefaultValue"] for one in _definition(graph)["Parameters"]}


def _record(**more: Any) -> str:
    said: dict[str, Any] = {
        "model": "flights",
        "environment": "dev",
        "model_version": 3,
        "endpoint": "",
        "endpoint_config": "",
        "serving": Serving(mode="batch"),
        "image": "released",
        "model_data": "",
        "code": "",
        "data": "",
        "metrics": {},
        "released_by": "somebody",
        "released_at": "2026-11-21T00:00:00Z",
        **more,
    }
    return Release.model_validate(said).to_json()


def test_there_is_no_endpoint(small: Graph) -> None:
    """But its log group, so that no history goes when the mode changes."""
    assert not small.of("Endpoint")
    assert not small.of("EndpointConfiguration")
    assert small.one("model-serving-log-group").inputs["name"].startswith("/aws/sagemaker/Endpoints/")


def test_the_baseline_scores_isolated_in_the_network(small: Graph) -> None:
    """Its model is the default of the pipeline, as are the places of the model's own data."""
    model = small.one("model-serving-model")
    assert model.inputs["enableNetworkIsolation"] is True
    assert model.inputs["vpcConfig"]["subnets"]
    found = _defaults(small)
    assert found["ModelName"] == model.inputs["name"]
    assert found["Image"] == programs.IMAGE
    assert (found["InputUri"], found["OutputUri"]) == (f"s3://{PREFIX}in/", f"s3://{PREFIX}out/")
    assert (found["InstanceType"], found["InstanceCount"]) == ("ml.m5.large", 1)


def test_the_schedule_starts_the_pipeline_and_nothing_else(small: Graph) -> None:
    """What could not be started is kept, under the environment's key and by TLS alone."""
    schedule = small.one("model-serving-batch-schedule").inputs
    assert schedule["scheduleExpression"] == "rate(1 day)"
    assert schedule["target"]["arn"].endswith(":pipeline/acme-dev-ml-flights--batch")
    assert schedule["target"]["deadLetterConfig"]["arn"].endswith("-undelivered")
    may = _statements(small, "model-serving-batch-trigger-role-policy")
    assert may["StartPipeline"]["Action"] == "sagemaker:StartPipelineExecution"
    assert may["StartPipeline"]["Resource"].endswith(":pipeline/acme-dev-ml-flights--batch")
    assert set(may) == {"StartPipeline", "KeepUndelivered", "UseQueueKey"}
    trust = json.loads(small.one("model-serving-batch-trigger-role").inputs["assumeRolePolicy"])["Statement"][0]
    assert trust["Principal"] == {"Service": ["scheduler.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    guard = json.loads(small.one("model-serving-batch-queue-policy").inputs["policy"])["Statement"]
    assert [one["Effect"] for one in guard] == ["Deny"]


def test_who_scores_reads_what_arrives_and_writes_predictions_alone(small: Graph) -> None:
    """The model's own data, and not that of its team; who collects writes no prediction, who starts jobs no data."""

    def reach(name: str, action: str) -> set[str]:
        found = set()
        for one in _statements(small, f"model-serving-batch-{name}-role-policy").values():
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
            if action in actions:
                found |= {resource.removeprefix(f"arn:aws:s3:::{PREFIX}") for resource in resources}
        return found

    assert (reach("collect", "s3:GetObject"), reach("collect", "s3:PutObject")) == ({"in/*"}, {"work/*"})
    assert (reach("serve", "s3:GetObject"), reach("serve", "s3:PutObject")) == ({"in/*", "work/*"}, {"out/*"})
    assert (reach("score", "s3:GetObject"), reach("score", "s3:PutObject")) == ({"work/*"}, set())
    passed = _statements(small, "model-serving-batch-score-role-policy")
    roles = [one for sid, one in passed.items() if one["Action"] == "iam:PassRole"]
    assert [one["Resource"] for one in roles] == [f"arn:aws:iam::{ACCOUNT}:role/acme-dev-ml-flights-collect"]


def test_who_releases_changes_this_pipeline_alone(batch: Graph) -> None:
    """So may the repository's pipeline, which also keeps what scores."""
    arn = f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:pipeline/acme-prod-ml-flights--batch"
    may = _statements(batch, "model-serving-batch-deploy-role-policy")
    assert set(may["PublishPipeline"]["Resource"]) == {arn, f"{arn}/execution/*"}
    assert may["PassPipelineRole"]["Resource"].endswith("role/acme-prod-ml-flights-score")
    keeps = _statements(batch, "model-release-ci-ci-batch-policy")
    assert keeps["KeepPipeline"]["Resource"] == arn
    assert all("flights--batch" in one for one in keeps["KeepSchedule"]["Resource"])
    assert {one.rpartition("-flights-")[2] for one in keeps["KeepScoringRoles"]["Resource"]} == {
        "collect",
        "score",
        "-batch-trigger",
    }


def test_no_model_is_called_as_what_scores_of_another() -> None:
    """What trains model `flights-batch` and what scores of model `flights` are two pipelines, alarms, queues."""

    def named(graph: Graph) -> set[tuple[str, str]]:
        keys = ("name", "pipelineName", "alarmName")
        found = {(one.type, str(one.inputs[key])) for one in graph for key in keys if key in one.inputs}
        return {(kind, name) for kind, name in found if "flights" in name}

    scores = programs.model(level=2, mode="batch")
    trains = programs.model(level=2, model="flights-batch", training={"schedule": "rate(1 day)"})
    assert not named(scores) & named(trains)


def test_a_released_version_is_left_alone() -> None:
    """And named in the definition of a pipeline that has to be made anew."""
    graph = programs.model(level=0, mode="batch", release=_record(sagemaker_model="flights-v3", pipeline="p"))
    assert graph.one("model-serving-batch-pipeline").ignored == ("pipelineDefinition",)
    assert (_defaults(graph)["ModelName"], _defaults(graph)["Image"]) == ("flights-v3", "released")
    assert graph_of("batch", 0, "dev").one("model-serving-batch-pipeline").ignored == ()


def test_a_version_of_another_mode_is_waited_for() -> None:
    """What its endpoint served scores; until it is brought nothing does, though the schedule fires at once."""
    record = _record(endpoint="e", endpoint_config="c", serving=Serving(mode="serverless"))
    graph = programs.model(level=0, mode="batch", release=record)
    assert [step["Name"] for step in _definition(graph)["Steps"]] == ["AwaitRelease"]
    # It takes the place of what a pipeline says that is only kept for its history.
    assert graph.one("model-serving-batch-pipeline").ignored == ()


def test_an_endpoint_that_comes_after_scoring_begins_with_the_baseline() -> None:
    """The record of mode batch names no endpoint configuration; the release is settled after."""
    graph = programs.model(level=0, release=_record(sagemaker_model="flights-v3", pipeline="p"))
    endpoint, config = graph.one("model-serving-endpoint"), graph.one("model-serving-endpoint-config")
    assert endpoint.inputs["endpointConfigName"] == config.inputs["name"]
    assert endpoint.ignored == ()


def test_without_an_image_nothing_is_scheduled() -> None:
    """What is missing is said, and silence is no alarm."""
    graph = programs.model(level=1, mode="batch", image=None)
    assert not graph.of("Pipeline")
    assert not graph.of("Schedule")
    assert graph.one("model-alarms-late-runs-alarm").inputs["treatMissingData"] == "notBreaching"
    assert "Scoring needs the project's image" in str(graph.outputs["missing"])


def test_alarms_are_on_runs(batch: Graph) -> None:
    """Failed and late ones break the objective; the dashboard shows runs and no latency."""
    pipeline = {"PipelineName": "acme-prod-ml-flights--batch"}
    failed = batch.one("model-alarms-failed-runs-alarm").inputs
    assert (failed["metricName"], failed["dimensions"]) == ("ExecutionFailed", pipeline)
    late = batch.one("model-alarms-late-runs-alarm").inputs
    assert (late["metricName"], late["evaluationPeriods"], late["treatMissingData"]) == (
        "ExecutionSucceeded",
        36,
        "breaching",
    )
    assert batch.one("model-alarms-objective-alarm").inputs["alarmRule"].count(" OR ") == 1
    board = json.loads(batch.one("model-alarms-dashboard").inputs["dashboardBody"])
    titles = [one["properties"].get("title") for one in board["widgets"]]
    assert "Runs" in titles
    assert not [title for title in titles if title and "Latency" in title]


def test_the_contract_names_what_scores(batch: Graph) -> None:
    """All that a release needs, and what people look for."""
    contract = ModelContract.from_json(str(batch.one("model-contract").inputs["value"]))
    assert contract.batch is not None
    assert contract.batch.pipeline == "acme-prod-ml-flights--batch"
    assert contract.batch.schedule_name == "acme-prod-ml-flights--batch/acme-prod-ml-flights-scoring"
    assert (contract.serving.mode, contract.serving.prefix) == ("batch", "ml/flights/batch/")
    assert contract.serving.instance_count == 1
    assert contract.data_key_arn
    assert contract.pipeline is None
