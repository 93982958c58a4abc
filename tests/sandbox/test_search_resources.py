"""Search through boto3, resource by resource: jobs, experiments, models, endpoints and feature groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_case import JobCase
from serving import until

from terrace.sandbox import Running
from terrace.sandbox.provider.clients import SandboxClients

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/a:b"


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """A client of an account of its own."""
    return aws("sagemaker")


def _filter(name: str, value: str | None = None, operator: str | None = None) -> dict[str, str]:
    said = {"Name": name, "Operator": operator, "Value": value}
    return {key: one for key, one in said.items() if one is not None}


def test_training_jobs_by_metrics_and_hyperparameters(aws: SandboxClients, sandbox: Running) -> None:
    """By final metrics, by hyperparameters as numbers, by their channels, and the best one first."""
    jobs = JobCase(aws, sandbox)
    jobs.put("train/a.csv", "1\n")
    names = [
        jobs.training(
            f"print('loss={loss}')",
            metrics={"validation:loss": "loss=([0-9.]+)"},
            channels={"train": f"s3://{jobs.bucket}/train/"},
            HyperParameters={"rate": rate, "kind": "tree"},
            Tags=[{"Key": "project", "Value": "flights"}],
        )
        for loss, rate in ((0.5, "0.3"), (0.25, "1.7"))
    ]
    for name in names:
        jobs.trained(name)

    def found(*filters: dict[str, str], **more: Any) -> list[str]:
        answer = jobs.sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": list(filters)}, **more)
        return [one["TrainingJob"]["TrainingJobName"] for one in answer["Results"]]

    done = _filter("TrainingJobStatus", "Completed")
    assert found(done, SortBy="Metrics.validation:loss", SortOrder="Ascending") == names[::-1]
    assert found(_filter("Metrics.validation:loss", "0.3", "LessThan")) == names[1:]
    assert found(_filter("Metrics.other", "0", "GreaterThan")) == []
    assert found(_filter("HyperParameters.rate", "0.5", "LessThan")) == names[:1]
    # A whole number makes whole numbers of decimals, as AWS documents.
    assert found(_filter("HyperParameters.rate", "1")) == names[1:]
    assert found(_filter("HyperParameters.kind", "0.5", "LessThan")) == []
    assert found(_filter("Tags.project", "flights"), SortBy="HyperParameters.rate") == names[::-1]
    uri = "InputDataConfig.DataSource.S3DataSource.S3Uri"
    assert found(_filter(uri, "/train/", "Contains"), SortBy="CreationTime", SortOrder="Ascending") == names
    suggested = jobs.sagemaker.get_search_suggestions(Resource="TrainingJob")["PropertyNameSuggestions"]
    assert [one["PropertyName"] for one in suggested] == [
        "HyperParameters.kind",
        "HyperParameters.rate",
        "Metrics.validation:loss",
        "Tags.project",
    ]

    def components() -> list[Any]:
        filters = [_filter("Metrics.validation:loss.Last", "0.3", "LessThan")]
        filters.append(_filter("SourceDetail.TrainingJob.HyperParameters.rate", "1.7"))
        answer = jobs.sagemaker.search(
            Resource="ExperimentTrialComponent",
            SearchExpression={"Filters": filters},
            SortBy="metrics.validation:loss.max",
        )
        return [one["TrialComponent"]["SourceDetail"]["TrainingJob"]["TrainingJobName"] for one in answer["Results"]]

    assert until(components, bool) == names[1:]


def test_experiments_trials_and_components(sagemaker: Any) -> None:
    """Components are found by their experiment, their parameters of either kind, and their artifacts."""
    sagemaker.create_experiment(ExperimentName="flights")
    sagemaker.create_trial(TrialName="first", ExperimentName="flights")
    for number in range(12):
        name = f"part-{number}"
        sagemaker.create_trial_component(
            TrialComponentName=name,
            Parameters={"depth": {"NumberValue": number}, "kind.of": {"StringValue": "odd" if number % 2 else "even"}},
            InputArtifacts={"data": {"Value": f"s3://b/{number}.csv"}},
        )
        if number < 11:
            sagemaker.associate_trial_component(TrialComponentName=name, TrialName="first")

    def found(*filters: dict[str, str]) -> set[str]:
        pages = sagemaker.get_paginator("search").paginate(
            Resource="ExperimentTrialComponent", SearchExpression={"Filters": list(filters)}
        )
        return {one["TrialComponent"]["TrialComponentName"] for page in pages for one in page["Results"]}

    mine = _filter("Parents.ExperimentName", "flights")
    assert len(found(mine)) == 11
    assert found(mine, _filter("Parameters.depth", "10", "GreaterThanOrEqualTo")) == {"part-10"}
    assert found(_filter("Parameters.depth", "9", "GreaterThan"), _filter("Parameters.kind.of", "odd")) == {"part-11"}
    assert found(_filter("Parameters.kind.of", "1", "GreaterThan")) == set()
    two = _filter("InputArtifacts.data", "s3://", "Contains"), _filter("InputArtifacts.data.Value", "/7.", "Contains")
    assert found(*two) == {"part-7"}
    with pytest.raises(ClientError, match="Unknown property name: TrialName"):
        found(_filter("TrialName", "first"))
    trial = sagemaker.search(Resource="ExperimentTrial")["Results"][0]["Trial"]
    assert (trial["ExperimentName"], len(trial["TrialComponentSummaries"])) == ("flights", 11)
    assert sagemaker.search(Resource="Experiment")["Results"][0]["Experiment"]["ExperimentName"] == "flights"


def test_models_and_endpoints(aws: SandboxClients) -> None:
    """A model is found by its own properties and by the endpoint that serves it; an endpoint as it is described."""
    sagemaker, role = aws("sagemaker"), f"arn:aws:iam::{aws.account}:role/serve"
    for name in ("served", "idle"):
        container = {"Image": IMAGE, "Environment": {"NAME": name}}
        tags = [{"Key": "use", "Value": name}]
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container, Tags=tags)
    variant = {"VariantName": "all", "ModelName": "served", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")

    def models(*filters: dict[str, str]) -> list[str]:
        answer = sagemaker.search(Resource="Model", SearchExpression={"Filters": list(filters)})
        return [one["Model"]["Model"]["ModelName"] for one in answer["Results"]]

    assert models(_filter("Endpoints.EndpointName", "endpoint")) == ["served"]
    assert models(_filter("Endpoints", None, "NotExists")) == ["idle"]
    assert models(_filter("Model.PrimaryContainer.Environment.NAME", "idle")) == ["idle"]
    assert models(_filter("Tags.use", "idle")) == ["idle"]
    visible = sagemaker.search(Resource="Model", VisibilityConditions=[{"Key": "Tags.use", "Value": "served"}])
    assert [one["Model"]["Model"]["ModelName"] for one in visible["Results"]] == ["served"]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    filters = [_filter("CreationTime", f"{yesterday:%Y-%m-%dT%H:%M:%S}", "GreaterThan")]
    found = sagemaker.search(Resource="Endpoint", SearchExpression={"Filters": filters})["Results"][0]["Endpoint"]
    assert (found["EndpointName"], found["EndpointConfigName"]) == ("endpoint", "config")
    assert found["EndpointStatus"] in ("Creating", "Failed")


def test_feature_groups(sagemaker: Any) -> None:
    """They are found by the features that they have."""
    sagemaker.create_feature_group(
        FeatureGroupName="flights",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": name, "FeatureType": "String"} for name in ("id", "at", "carrier")],
        RoleArn="arn:aws:iam::123456789012:role/features",
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://b/features"}},
    )
    for feature, names in (("carrier", ["flights"]), ("weather", [])):
        filters = [_filter("FeatureDefinitions.FeatureName", feature)]
        found = sagemaker.search(Resource="FeatureGroup", SearchExpression={"Filters": filters})["Results"]
        assert [one["FeatureGroup"]["FeatureGroupName"] for one in found] == names
