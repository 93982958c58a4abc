"""Level 2: where runs are tracked, what keeps their data, the pipeline and what starts it."""

import json
from typing import Any

import pytest
from components.conftest import graph_of
from components.recorder import ACCOUNT, Graph
from terrace_components.lineage import JOB_LOGS

from components import programs
from terrace.errors import PlanError
from terrace.maturity import ModelContract, PlatformContract

OWN = {"kind": "mlflow", "uri": "https://mlflow.acme.example"}


@pytest.fixture
def platform() -> Graph:
    """A platform of level 2, small."""
    return graph_of("platform", 2, "dev")


@pytest.fixture
def model() -> Graph:
    """A model's stack of level 2 in a small environment."""
    return graph_of("model", 2, "dev")


def _platform_contract(graph: Graph) -> PlatformContract:
    return PlatformContract.from_json(str(graph.one("platform-contract").inputs["value"]))


def _model_contract(graph: Graph) -> ModelContract:
    return ModelContract.from_json(str(graph.one("model-contract").inputs["value"]))


def _statements(graph: Graph, name: str) -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in json.loads(graph.one(name).inputs["policy"])["Statement"]}


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_serverless_app_is_what_there_is_by_default(platform: Graph) -> None:
    """One App with its artifacts in the environment's bucket, a store, and named in the contract."""
    (app,) = platform.of("MlflowApp")
    assert app.inputs["artifactStoreUri"] == f"s3://acme-dev-artifacts-{ACCOUNT}/tracking"
    assert app.inputs["modelRegistrationMode"] == "AutoModelRegistrationDisabled"
    assert app.protect
    tracking = _platform_contract(platform).tracking
    assert tracking is not None
    assert (tracking.kind, tracking.uri, tracking.secret_arn) == ("app", None, None)
    assert tracking.arn is not None
    assert ":mlflow-app/" in tracking.arn


def test_a_server_is_had_by_choice() -> None:
    """With its size, and with its endpoint in the network."""
    graph = programs.platform(level=2, tracking={"kind": "server", "size": "medium"})
    (server,) = graph.of("MlflowTrackingServer")
    assert (server.inputs["trackingServerSize"], server.protect) == ("Medium", True)
    assert not graph.of("MlflowApp")
    services = {r.inputs["serviceName"] for r in graph.of("VpcEndpoint")}
    assert "aws.sagemaker.eu-central-1.experiments" in services


def test_a_tool_of_ones_own_has_an_empty_secret() -> None:
    """The secret is under the environment's key and refuses plain HTTP; no value passes through the program."""
    graph = programs.platform(level=2, tracking=OWN)
    (secret,) = graph.of("Secret")
    assert secret.inputs["kmsKeyId"].endswith("platform-encryption-data-key")
    assert secret.protect
    assert not graph.of("SecretVersion")
    assert not graph.of("MlflowApp")
    (guard,) = graph.of("SecretPolicy")
    assert json.loads(guard.inputs["policy"])["Statement"][0]["Effect"] == "Deny"
    tracking = _platform_contract(graph).tracking
    assert tracking is not None
    assert (tracking.kind, tracking.uri, tracking.arn) == ("mlflow", OWN["uri"], None)
    assert tracking.secret_arn is not None


def test_a_brought_secret_is_used_as_it_is() -> None:
    """None is made beside it."""
    arn = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:mlflow-AbCdEf"
    graph = programs.platform(level=2, tracking={**OWN, "secret": arn})
    assert not graph.of("Secret")
    tracking = _platform_contract(graph).tracking
    assert tracking is not None
    assert tracking.secret_arn == arn


def test_versions_of_the_data_stay(platform: Graph) -> None:
    """From level 2 on, and wherever lineage is kept: older versions get cheaper storage and never expire."""

    def rule(graph: Graph) -> dict[str, Any]:
        rules = graph.one("platform-storage-data-lifecycle").inputs["rules"]
        return next(one for one in rules if one["id"] == "noncurrent-versions")

    for graph in (platform, programs.platform(level=1, keep=["lineage"])):
        assert rule(graph)["noncurrentVersionTransitions"][0]["storageClass"] == "GLACIER_IR"
        assert "noncurrentVersionExpiration" not in rule(graph)
    assert "noncurrentVersionExpiration" in rule(graph_of("platform", 1, "dev"))
    lineage = _platform_contract(platform).lineage
    assert lineage is not None
    assert lineage.data_versions == "kept"


def test_logs_of_jobs_are_kept_unless_they_are_somebody_elses(platform: Graph) -> None:
    """Groups that SageMaker or another environment made stay as they are; the environment's own stay declared."""

    def declared(graph: Graph) -> set[str]:
        return {r.inputs["name"] for r in graph.of("LogGroup")} & set(JOB_LOGS)

    assert declared(platform) == set(JOB_LOGS)
    training, processing, _ = JOB_LOGS[1], JOB_LOGS[0], JOB_LOGS[2]
    there = {training: {}, processing: {"environment": "dev"}}
    assert declared(programs.platform(level=2, log_groups=there)) == {processing, JOB_LOGS[2]}
    assert declared(programs.platform(level=2, log_groups={training: {"environment": "prod"}})) == {
        processing,
        JOB_LOGS[2],
    }


def test_the_program_leaves_a_published_definition_alone(model: Graph) -> None:
    """The first one does nothing, says what is to be done, and takes what triggers give."""
    (pipeline,) = model.of("Pipeline")
    assert pipeline.ignored == ("pipelineDefinition",)
    first = json.loads(pipeline.inputs["pipelineDefinition"])
    (step,) = first["Steps"]
    assert (step["Name"], step["Type"]) == ("Unpublished", "Condition")
    assert (step["Arguments"]["IfSteps"], step["Arguments"]["ElseSteps"]) == ([], [])
    assert "make pipeline" in step["Description"]
    assert [one["Name"] for one in first["Parameters"]] == ["DataKey", "DataVersion"]


def test_the_contract_says_all_that_a_publication_needs(model: Graph) -> None:
    """Pipeline, its role, prefix, tracking, network of the jobs and key."""
    contract = _model_contract(model)
    assert contract.pipeline == "acme-dev-ml-flights"
    assert contract.pipeline_arn == f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:pipeline/acme-dev-ml-flights"
    assert contract.pipeline_role_arn == f"arn:aws:iam::{ACCOUNT}:role/acme-dev-ml-flights-pipeline"
    assert contract.watched_prefix == "ml/flights/training/"
    assert contract.tracking is not None
    assert (contract.tracking.kind, contract.tracking.experiment) == ("app", "flights")
    assert contract.job_network is not None
    assert contract.job_network.subnet_ids
    assert contract.data_key_arn is not None
    assert contract.training_instance_type == "ml.m5.large"


def test_below_level_2_nothing_is_said_of_training() -> None:
    """A model of level 1 on a platform of level 2 has no pipeline, and its contract names none."""
    graph = programs.model(level=2, own_level=1)
    assert not graph.of("Pipeline")
    assert not graph.of("Queue")
    contract = _model_contract(graph)
    assert (contract.pipeline, contract.tracking, contract.watched_prefix, contract.job_network) == (None,) * 4


def test_a_model_cannot_train_where_runs_are_not_tracked() -> None:
    """A platform without tracking refuses the model by the name of what is missing."""
    contract = programs.platform(level=2, capabilities={"tracking": False, "lineage": False})
    with pytest.raises(PlanError, match="training-pipeline of model flights requires tracking"):
        programs.model(level=2, contract=str(contract.one("platform-contract").inputs["value"]))


def test_new_data_starts_the_pipeline_with_its_key_and_version(model: Graph) -> None:
    """The rule hears objects below the model's prefix alone; what it cannot deliver is kept."""
    pattern = json.loads(model.one("model-continuous-training-rule").inputs["eventPattern"])
    assert pattern["detail"] == {
        "bucket": {"name": [f"acme-dev-data-{ACCOUNT}"]},
        "object": {"key": [{"prefix": "ml/flights/training/"}]},
    }
    target = model.one("model-continuous-training-rule-target").inputs
    given = target["sagemakerPipelineTarget"]["pipelineParameterLists"]
    assert {one["name"]: one["value"] for one in given} == {
        "DataKey": "$.detail.object.key",
        "DataVersion": "$.detail.object.version-id",
    }
    queue = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:acme-dev-ml-flights-undelivered"
    assert target["deadLetterConfig"] == {"arn": queue}
    assert target["retryPolicy"]["maximumRetryAttempts"] == 8


def test_triggers_are_switched_by_settings() -> None:
    """No rule without new data, no schedule without one; the queue is there for either."""
    silent = programs.model(level=2, training={"on_new_data": False})
    assert not silent.of("EventRule")
    assert not silent.of("Schedule")
    assert _model_contract(silent).watched_prefix is None
    clocked = programs.model(level=2, training={"schedule": "rate(1 day)", "timezone": "Europe/Berlin"})
    (schedule,) = clocked.of("Schedule")
    assert schedule.inputs["scheduleExpression"] == "rate(1 day)"
    assert schedule.inputs["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule.inputs["groupName"] == clocked.one("model-continuous-training-schedule-group").inputs["name"]
    assert schedule.inputs["target"]["deadLetterConfig"]["arn"].endswith("-undelivered")


def test_who_starts_can_do_nothing_else(model: Graph) -> None:
    """The triggers' role starts one pipeline, and keeps what it could not deliver."""
    statements = _statements(model, "model-continuous-training-role-policy")
    assert {action for one in statements.values() for action in _many(one["Action"])} == {
        "sagemaker:StartPipelineExecution",
        "sqs:SendMessage",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }
    arn = f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:pipeline/acme-dev-ml-flights"
    assert statements["StartPipeline"]["Resource"] == arn


def test_the_pipeline_passes_one_role_and_starts_only_jobs_of_pipelines(model: Graph) -> None:
    """It hands its jobs the train role, and no endpoint, image or role is in its reach."""
    statements = _statements(model, "model-training-pipeline-role-policy")
    assert statements["PassRolesToSagemaker"]["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/acme-dev-ml-flights-train"
    for arn in statements["RunJobs"]["Resource"]:
        assert arn.split("/")[1] in ("pipelines-*", "acme-dev-ml-flights-*")
    actions = {action for one in statements.values() for action in _many(one["Action"])}
    assert not any("Endpoint" in action or action.startswith(("iam:Put", "ecr:")) for action in actions)


@pytest.mark.parametrize(
    ("tracking", "sid", "action"),
    [
        ({"kind": "app"}, "LogRuns", "sagemaker:CallMlflowAppApi"),
        ({"kind": "server"}, "LogRuns", "sagemaker-mlflow:CreateRun"),
        (OWN, "ReadCredential", "secretsmanager:GetSecretValue"),
    ],
    ids=["app", "server", "own"],
)
def test_jobs_reach_the_tool_that_was_chosen(tracking: dict[str, str], sid: str, action: str) -> None:
    """The train role gets what records runs there, on that one resource."""
    contract = programs.platform(level=2, tracking=tracking).one("platform-contract").inputs["value"]
    graph = programs.model(level=2, contract=str(contract))
    statement = _statements(graph, "model-training-pipeline-train-role-policy")[sid]
    assert action in _many(statement["Action"])
    assert statement["Resource"].startswith(f"arn:aws:{'secretsmanager' if sid == 'ReadCredential' else 'sagemaker'}:")


def _watched(alarm: dict[str, Any]) -> dict[str, tuple[str, dict[str, str]]]:
    """Return what an alarm on the rest of a metric is made of, by id."""
    (expression,) = [one for one in alarm["metricQueries"] if "expression" in one]
    assert (expression["expression"], expression["returnData"]) == ("whole - FILL(part, 0)", True)
    metrics = {one["id"]: one["metric"] for one in alarm["metricQueries"] if "metric" in one}
    assert {one["namespace"] for one in metrics.values()} == {"AWS/Sagemaker/ModelBuildingPipeline"}
    return {id: (one["metricName"], one["dimensions"]) for id, one in metrics.items()}


def test_failed_late_and_undelivered_runs_ring() -> None:
    """Silence is lateness where somebody waits for runs, and nobody is woken where nobody does."""
    graph = programs.model(level=2, training={"schedule": "rate(1 day)"})
    named = {"PipelineName": "acme-dev-ml-flights"}
    failed = graph.one("model-training-pipeline-failed-runs-alarm").inputs
    assert _watched(failed) == {
        "whole": ("ExecutionFailed", named),
        "part": ("StepFailed", {**named, "StepName": "Refused"}),
    }
    late = graph.one("model-training-pipeline-late-runs-alarm").inputs
    assert _watched(late) == {
        "whole": ("ExecutionSucceeded", named),
        "part": ("StepSucceeded", {**named, "StepName": "Unpublished"}),
    }
    assert (late["evaluationPeriods"], late["treatMissingData"]) == (36, "breaching")
    assert graph.one("model-continuous-training-undelivered-alarm").inputs["alarmActions"]
    assert not [r for r in programs.model(level=2) if r.name.endswith("late-runs-alarm")]


def test_the_queue_is_encrypted_and_takes_from_one_rule(model: Graph) -> None:
    """Under the environment's key for logs, fed by the model's own rule, refused without TLS."""
    queue = model.one("model-continuous-training-queue").inputs
    assert queue["kmsMasterKeyId"].endswith("platform-encryption-logs-key")
    statements = _statements(model, "model-continuous-training-queue-policy")
    allowed = statements["RuleKeepsUndelivered"]
    rule = f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/acme-dev-ml-flights-new-data"
    assert allowed["Condition"]["ArnEquals"] == {"aws:SourceArn": rule}
    assert statements["DenyWithoutTls"]["Effect"] == "Deny"


def test_the_repository_publishes_and_keeps_its_triggers() -> None:
    """Its role gets a policy of its own for that, which changes no role but the two that training adds."""
    graph = programs.model(level=2)
    statements = _statements(graph, "model-release-ci-ci-training-policy")
    assert "sagemaker:UpdatePipeline" in statements["PublishPipeline"]["Action"]
    roles = [f"arn:aws:iam::{ACCOUNT}:role/acme-dev-ml-flights-{purpose}" for purpose in ("pipeline", "trigger")]
    assert statements["KeepTrainingRoles"]["Resource"] == roles
    assert "iam:PermissionsBoundary" in statements["KeepTrainingRoles"]["Condition"]["StringEquals"]
