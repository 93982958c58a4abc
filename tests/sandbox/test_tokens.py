"""Listings refuse a token that no page returned, with the error that their service has for it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.clients import SandboxClients

LISTINGS: list[tuple[str, dict[str, Any]]] = [
    ("list_pipelines", {}),
    ("list_pipeline_versions", {"PipelineName": "p"}),
    ("list_pipeline_executions", {"PipelineName": "p"}),
    ("list_model_packages", {}),
    ("list_mlflow_apps", {}),
    ("list_mlflow_tracking_servers", {}),
    ("list_artifacts", {}),
    ("list_contexts", {}),
    ("list_actions", {}),
    ("list_associations", {}),
    ("query_lineage", {}),
    ("list_trial_components", {"SourceArn": "arn:x"}),
    ("list_user_profiles", {}),
    ("list_training_jobs", {}),
    ("list_processing_jobs", {}),
    ("list_transform_jobs", {}),
    ("list_hyper_parameter_tuning_jobs", {}),
    ("search", {"Resource": "Pipeline"}),
]
DEFINITION = (
    '{"Version": "2020-12-01", "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "it failed"}}]}'
)


def _refused(client: Any, operation: str, **asked: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**asked)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("token", ["garbage", "-1", "1.5", "²", "1" * 30])
def test_a_wrong_token_of_sagemaker_is_a_validation_error(aws: SandboxClients, token: str) -> None:
    """Every listing of the sandbox's own says so, and none falls over."""
    sagemaker = aws("sagemaker")
    role = f"arn:aws:iam::{aws.account}:role/pipeline"
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=DEFINITION, RoleArn=role)
    execution = sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    of_execution = [
        (name, {"PipelineExecutionArn": execution})
        for name in ("list_pipeline_execution_steps", "list_pipeline_parameters_for_execution")
    ]
    answers = {name: _refused(sagemaker, name, NextToken=token, **asked) for name, asked in [*LISTINGS, *of_execution]}
    assert {name: answer for name, answer in answers.items() if answer != ("ValidationException", 400)} == {}


def test_other_services_have_other_words(aws: SandboxClients) -> None:
    """CloudWatch, Cost Explorer and IAM each have an error of their own."""
    assert _refused(aws("cloudwatch"), "describe_alarm_history", NextToken="x") == ("InvalidNextToken", 400)
    assert _refused(aws("ce"), "get_anomaly_monitors", NextPageToken="x") == ("InvalidNextTokenException", 400)
    assert _refused(aws("ce"), "list_cost_allocation_tags", NextToken="x") == ("InvalidNextTokenException", 400)
    assert _refused(aws("codeartifact"), "list_domains", nextToken="x") == ("ValidationException", 400)
    iam = aws("iam")
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')["Role"][
        "Arn"
    ]
    asked = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"]}
    assert _refused(iam, "simulate_principal_policy", Marker="x", **asked) == ("InvalidInput", 400)
