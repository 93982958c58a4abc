"""Pipelines, MLflow and secrets, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.sagemaker import MlflowApp, MlflowTrackingServer, Pipeline
from terrace.sandbox.provider.secretsmanager import Secret, SecretPolicy

APP, SERVER, PIPELINE = MlflowApp(), MlflowTrackingServer(), Pipeline()
SECRET, SECRET_POLICY = Secret(), SecretPolicy()
ROLE = "arn:aws:iam::<ACCOUNT>:role/tracking"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-555555555555"
_TAGS = {"tags": {"owner": "ml@example.com", "level": "2"}}
_OTHER_TAGS = {"tags": {"owner": "platform@example.com"}}


def _definition(step: str) -> str:
    steps = [{"Name": step, "Type": "Fail", "Arguments": {"ErrorMessage": "not yet"}}]
    return json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})


def _bucket(aws: Clients) -> dict[str, str]:
    """Put two definitions where a pipeline can be told to fetch them."""
    s3, name = aws("s3"), f"definitions-{aws.account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    made = s3.put_object(Bucket=name, Key="one.json", Body=_definition("One").encode())
    return {"BUCKET": name, "VERSION": made["VersionId"]}


def _secret(aws: Clients) -> dict[str, str]:
    return {"SECRET": aws("secretsmanager").create_secret(Name="mlflow")["ARN"]}


def _policy(action: str) -> str:
    statement = {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


CASES = [
    Case(
        "a pipeline",
        PIPELINE,
        {
            "pipelineName": "flights",
            "pipelineDisplayName": "flights",
            "pipelineDescription": "Trains flights",
            "pipelineDefinition": _definition("One"),
            "parallelismConfiguration": {"maxParallelExecutionSteps": 4},
            "roleArn": ROLE,
            **_TAGS,
        },
        {
            "pipelineName": "flights",
            "pipelineDisplayName": "flights-again",
            "pipelineDescription": "Trains flights well",
            "pipelineDefinition": _definition("Two"),
            "parallelismConfiguration": {"maxParallelExecutionSteps": 8},
            "roleArn": ROLE.replace("tracking", "other"),
            **_OTHER_TAGS,
        },
        lambda aws, state: _tagged(aws, aws("sagemaker").describe_pipeline(PipelineName=state.id), "PipelineArn"),
        {
            "pipelineName": "PipelineName",
            "pipelineDisplayName": "PipelineDisplayName",
            "pipelineDescription": "PipelineDescription",
            "pipelineDefinition": "PipelineDefinition",
            "parallelismConfiguration.maxParallelExecutionSteps": "ParallelismConfiguration.MaxParallelExecutionSteps",
            "roleArn": "RoleArn",
            "tags": "tags",
        },
    ),
    Case(
        "an MLflow App",
        APP,
        {
            "name": "tracking",
            "artifactStoreUri": "s3://artifacts/tracking",
            "roleArn": ROLE,
            "modelRegistrationMode": "AutoModelRegistrationEnabled",
            "accountDefaultStatus": "ENABLED",
            "defaultDomainIdLists": ["d-one"],
            "weeklyMaintenanceWindowStart": "Sat:04:00",
            **_TAGS,
        },
        {
            "name": "runs",
            "artifactStoreUri": "s3://artifacts/runs",
            "roleArn": ROLE,
            "modelRegistrationMode": "AutoModelRegistrationDisabled",
            "accountDefaultStatus": "DISABLED",
            "defaultDomainIdLists": ["d-one", "d-two"],
            "weeklyMaintenanceWindowStart": "Mon:05:30",
            **_OTHER_TAGS,
        },
        lambda aws, state: _tagged(aws, aws("sagemaker").describe_mlflow_app(Arn=state.id), "Arn"),
        {
            "name": "Name",
            "artifactStoreUri": "ArtifactStoreUri",
            "roleArn": "RoleArn",
            "modelRegistrationMode": "ModelRegistrationMode",
            "accountDefaultStatus": "AccountDefaultStatus",
            "defaultDomainIdLists": "DefaultDomainIdList",
            "weeklyMaintenanceWindowStart": "WeeklyMaintenanceWindowStart",
            "tags": "tags",
        },
    ),
    Case(
        "a secret",
        SECRET,
        {"name": "tracking", "description": "of MLflow", "kmsKeyId": KEY, "recoveryWindowInDays": 7, **_TAGS},
        {
            "name": "tracking",
            "description": "of Neptune",
            "kmsKeyId": KEY.replace("1111", "9999"),
            "recoveryWindowInDays": 30,
            **_OTHER_TAGS,
        },
        lambda aws, state: _listed(aws("secretsmanager").describe_secret(SecretId=state.id)),
        {"name": "Name", "description": "Description", "kmsKeyId": "KmsKeyId", "tags": "tags"},
        unseen=frozenset({"recoveryWindowInDays"}),
    ),
    Case(
        "a secret's policy",
        SECRET_POLICY,
        {"secretArn": "<SECRET>", "policy": _policy("secretsmanager:GetSecretValue"), "blockPublicPolicy": True},
        {"secretArn": "<SECRET>", "policy": _policy("secretsmanager:PutSecretValue"), "blockPublicPolicy": False},
        lambda aws, state: aws("secretsmanager").get_resource_policy(SecretId=state.id),
        {"secretArn": "ARN", "policy": "ResourcePolicy"},
        given=_secret,
        unseen=frozenset({"blockPublicPolicy"}),
    ),
]


def _tagged(aws: Clients, seen: dict[str, Any], arn: str) -> dict[str, Any]:
    tags = aws("sagemaker").list_tags(ResourceArn=seen[arn])["Tags"]
    return {**seen, "tags": {tag["Key"]: tag["Value"] for tag in tags}}


def _listed(seen: dict[str, Any]) -> dict[str, Any]:
    return {**seen, "tags": {tag["Key"]: tag["Value"] for tag in seen["Tags"]}}


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_resource_lives_as_its_program_says(case: Case, aws: Clients) -> None:
    """What a program sets is what AWS shows, through a change, to the end."""
    live(case, aws)


def test_a_pipeline_is_read_from_where_its_definition_lies(aws: Clients) -> None:
    """AWS fetches it when it is told to; what it fetched is the definition that it shows."""
    given = _bucket(aws)
    place = {"bucket": given["BUCKET"], "objectKey": "one.json", "versionId": given["VERSION"]}
    inputs = {
        "pipelineName": "fetched",
        "pipelineDisplayName": "fetched",
        "pipelineDefinitionS3Location": place,
        "roleArn": f"arn:aws:iam::{aws.account}:role/x",
    }
    assert PIPELINE.check(inputs) == []
    made = PIPELINE.create(aws, inputs)
    assert made.outputs["pipelineDefinitionS3Location"] == place
    seen = aws("sagemaker").describe_pipeline(PipelineName="fetched")
    assert json.loads(seen["PipelineDefinition"]) == json.loads(_definition("One"))


@pytest.mark.parametrize(
    ("handler", "inputs", "property"),
    [
        (PIPELINE, {"pipelineName": "x", "pipelineDisplayName": "x"}, "pipelineDefinition"),
        (SECRET, {"name": "x", "recoveryWindowInDays": 3}, "recoveryWindowInDays"),
        (APP, {"name": "x", "roleArn": "r"}, "artifactStoreUri"),
        (APP, {"name": "x", "roleArn": "r", "artifactStoreUri": "s3://x", "kmsKeyId": "k"}, "kmsKeyId"),
    ],
)
def test_what_the_real_provider_refuses_is_refused(handler: Handler, inputs: dict[str, Any], property: str) -> None:
    """Each refusal names the input."""
    assert [failure.property for failure in handler.check(inputs)] == [property]


def test_another_role_is_another_app() -> None:
    """SageMaker changes no App's role: the real provider replaces it, and a store is not replaced."""
    before = {"name": "tracking", "artifactStoreUri": "s3://a/t", "roleArn": "arn:aws:iam::123456789012:role/one"}
    assert APP.diff(before, {**before, "roleArn": "arn:aws:iam::123456789012:role/two"}).replace == ("roleArn",)
    assert APP.diff(before, {**before, "name": "runs", "artifactStoreUri": "s3://a/u"}).replace == ()
    assert APP.store


@pytest.mark.slow
def test_a_tracking_server_lives_as_its_program_says(aws: Clients) -> None:
    """A server is made, gets another size and window, and goes; it is slow, because a real MLflow starts for it."""
    before = {
        "trackingServerName": "tracking",
        "artifactStoreUri": "s3://artifacts/tracking",
        "roleArn": f"arn:aws:iam::{aws.account}:role/tracking",
        "trackingServerSize": "Small",
        "automaticModelRegistration": False,
        "weeklyMaintenanceWindowStart": "Sun:03:00",
        **_TAGS,
    }
    after = {**before, "trackingServerSize": "Large", "weeklyMaintenanceWindowStart": "Mon:05:30", **_OTHER_TAGS}
    assert SERVER.find(aws, before) is None
    made = SERVER.create(aws, before)
    assert made.outputs["arn"].endswith("mlflow-tracking-server/tracking")
    assert SERVER.read(aws, made.id, before) == made
    changed = SERVER.update(aws, made.id, before, after)
    seen = aws("sagemaker").describe_mlflow_tracking_server(TrackingServerName="tracking")
    assert (seen["TrackingServerSize"], seen["WeeklyMaintenanceWindowStart"]) == ("Large", "Mon:05:30")
    assert changed.outputs["tagsAll"] == _OTHER_TAGS["tags"]
    SERVER.delete(aws, made.id, after)
    assert SERVER.read(aws, made.id, after) is None
    SERVER.delete(aws, made.id, after)


@pytest.mark.parametrize("handler", [APP, PIPELINE, SECRET, SECRET_POLICY], ids=lambda handler: handler.type)
def test_every_input_is_proven(handler: Handler) -> None:
    """An input that no case sets would be an input that may get lost."""
    elsewhere = {path for path in uncovered(handler, CASES) if path.startswith("pipelineDefinitionS3Location.")}
    assert uncovered(handler, CASES).keys() == elsewhere


def test_a_secret_that_was_deleted_is_gone_for_a_program(aws: Clients) -> None:
    """A secret that is on its way out is gone for a program."""
    made: State = SECRET.create(aws, {"name": "old"})
    SECRET.delete(aws, made.id, {"name": "old", "recoveryWindowInDays": 7})
    assert SECRET.read(aws, made.id, {"name": "old"}) is None
    assert SECRET.find(aws, {"name": "old"}) is None


def test_the_policy_of_a_secret_that_was_deleted_is_gone_with_it(aws: Clients) -> None:
    """AWS refuses to show or delete the policy of a secret that is on its way out; that is no error of the program."""
    made: State = SECRET.create(aws, {"name": "leaving"})
    inputs = {"secretArn": made.id, "policy": _policy("secretsmanager:GetSecretValue")}
    SECRET_POLICY.create(aws, inputs)
    SECRET.delete(aws, made.id, {"name": "leaving", "recoveryWindowInDays": 7})
    assert SECRET_POLICY.read(aws, made.id, inputs) is None
    SECRET_POLICY.delete(aws, made.id, inputs)
