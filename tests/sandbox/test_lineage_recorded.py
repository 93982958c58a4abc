"""Lineage that nobody writes: what SageMaker records by itself of packages, endpoints and jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from job_case import JobCase
from pipeline_case import Caller, document, name_image, processing
from serving import Serving, fresh, until

from terrace.sandbox import Running, Sandbox
from terrace.sandbox.provider.clients import SandboxClients


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sandbox of this module's own, whose home is known."""
    folder = tmp_path_factory.mktemp("sandbox")
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


@pytest.fixture
def sagemaker(aws: SandboxClients) -> Any:
    """SageMaker of an account of its own."""
    return aws("sagemaker")


def _package(sagemaker: Any, image: str, data: str, status: str = "PendingManualApproval") -> str:
    group = fresh("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus=status,
        InferenceSpecification={
            "Containers": [{"Image": image, "ModelDataUrl": data}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return str(made["ModelPackageArn"])


def _artifact(sagemaker: Any, uri: str) -> str | None:
    found = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
    return found[0]["ArtifactArn"] if found else None


def _into(sagemaker: Any, arn: str) -> set[tuple[str, str]]:
    found = sagemaker.list_associations(DestinationArn=arn)["AssociationSummaries"]
    return {(one["SourceType"], one["AssociationType"]) for one in found}


def test_a_model_package_is_recorded(sagemaker: Any) -> None:
    """A package has an artifact made of its image and data, its group a context, and each approval an action."""
    arn = _package(sagemaker, "image:1", "s3://models/1/model.tar.gz")
    artifact = until(lambda: _artifact(sagemaker, arn), bool)
    into = until(lambda: _into(sagemaker, artifact), lambda found: ("Approval", "ContributedTo") in found)
    assert into == {
        ("Image", "ContributedTo"),
        ("Model", "ContributedTo"),
        ("Approval", "ContributedTo"),
    }
    out = sagemaker.list_associations(SourceArn=artifact)["AssociationSummaries"]
    assert [(one["DestinationType"], one["AssociationType"]) for one in out] == [("ModelGroup", "AssociatedWith")]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")

    def approvals() -> dict[str, str]:
        found = sagemaker.list_actions(ActionType="Approval")["ActionSummaries"]
        described = [sagemaker.describe_action(ActionName=one["ActionName"]) for one in found]
        return {one["Properties"]["ModelApprovalStatus"]: one["Status"] for one in described}

    assert until(approvals, lambda found: "Approved" in found) == {
        "PendingManualApproval": "InProgress",
        "Approved": "Completed",
    }
    assert sagemaker.describe_artifact(ArtifactArn=artifact)["Properties"]["ModelApprovalStatus"] == "Approved"


def test_the_data_of_an_endpoint_is_found(aws: SandboxClients, home: Path, sagemaker: Any) -> None:
    """From an endpoint's context a query leads to the deployment, the model and what the model was made of."""
    serving = Serving(aws, home)
    url = serving.put_archive({"weights": "1"})
    name = serving.endpoint(serving.config(serving.model(data=url)))
    arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    contexts = until(lambda: sagemaker.list_contexts(SourceUri=arn)["ContextSummaries"], bool)
    assert [one["ContextType"] for one in contexts] == ["Endpoint"]

    def up() -> list[tuple[str, str]]:
        found = sagemaker.query_lineage(StartArns=[contexts[0]["ContextArn"]], Direction="Ascendants")
        return [(one["LineageType"], one["Type"]) for one in found["Vertices"]]

    above = [("Action", "ModelDeployment"), ("Artifact", "Image"), ("Artifact", "Model")]
    assert until(up, lambda found: len(found) > 2) == above
    models = sagemaker.list_artifacts(SourceUri=url, ArtifactType="Model")["ArtifactSummaries"]
    assert len(models) == 1


def test_an_endpoint_leads_to_its_raw_data(aws: SandboxClients, sandbox: Running, home: Path, sagemaker: Any) -> None:
    """From data through preparation, training, package and endpoint there is one line, both ways, without our doing."""
    jobs, serving = JobCase(aws, sandbox), Serving(aws, home)
    raw, ready = jobs.put("raw/a.csv", "1"), f"s3://{jobs.bucket}/ready"
    prepared = jobs.processing(
        "open('/opt/ml/processing/output/a.csv', 'w').write(open('/opt/ml/processing/input/a.csv').read())",
        inputs={"/opt/ml/processing/input": raw.removesuffix("/a.csv")},
        outputs={"/opt/ml/processing/output": ready},
    )
    jobs.processed(prepared)
    trained = jobs.training(
        "print('auc=0.9'); open('/opt/ml/model/weights', 'w').write('1')",
        channels={"train": ready},
        metrics={"auc": "auc=([0-9.]+)"},
        HyperParameters={"depth": "3"},
        Tags=[{"Key": "team", "Value": "ml"}],
        ExperimentConfig={"ExperimentName": "flights", "TrialName": "first"},
    )
    model = jobs.trained(trained)["ModelArtifacts"]["S3ModelArtifacts"]
    package = _package(sagemaker, jobs.image, model, "Approved")
    name = serving.endpoint(serving.config(serving.model(data=model)))
    arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    context = until(lambda: sagemaker.list_contexts(SourceUri=arn)["ContextSummaries"], bool)[0]["ContextArn"]

    def sources(start: str, direction: str, kind: str) -> set[str]:
        found = sagemaker.query_lineage(
            StartArns=[start], Direction=direction, Filters={"Types": [kind], "LineageTypes": ["Artifact"]}
        )
        described = (sagemaker.describe_artifact(ArtifactArn=one["Arn"]) for one in found["Vertices"])
        return {one["Source"]["SourceUri"] for one in described}

    data = {raw.removesuffix("/a.csv"), ready}
    found = until(lambda: sources(context, "Ascendants", "DataSet"), lambda found: data <= found)
    assert {uri for uri in found if not uri.endswith("job.py")} == data
    first = until(lambda: _artifact(sagemaker, raw.removesuffix("/a.csv")), bool)
    assert until(lambda: sources(first, "Descendants", "Model"), lambda found: package in found) == {model, package}

    job = sagemaker.describe_training_job(TrainingJobName=trained)["TrainingJobArn"]
    [summary] = sagemaker.list_trial_components(SourceArn=job)["TrialComponentSummaries"]
    component = sagemaker.describe_trial_component(TrialComponentName=summary["TrialComponentName"])
    assert component["Source"] == {"SourceArn": job, "SourceType": "SageMakerTrainingJob"}
    assert component["Status"]["PrimaryStatus"] == "Completed"
    assert component["Parameters"]["depth"] == {"StringValue": "3"}
    assert component["InputArtifacts"]["train"] == {"Value": ready}
    assert component["OutputArtifacts"]["SageMaker.ModelArtifact"] == {"Value": model}
    assert [(one["MetricName"], round(one["Last"], 3)) for one in component["Metrics"]] == [("auc", 0.9)]
    tags = sagemaker.list_tags(ResourceArn=component["TrialComponentArn"])["Tags"]
    assert {"Key": "team", "Value": "ml"} in tags
    assert sagemaker.list_trial_components(TrialName="first")["TrialComponentSummaries"]


def test_a_job_tells_its_execution(aws: SandboxClients, sandbox: Running, sagemaker: Any) -> None:
    """The trial component of a job that a pipeline started has the tags by which the SageMaker SDK finds it."""
    name_image(sandbox.url)
    caller = Caller(sandbox.url, aws.account, aws.region)
    experiment = {"ExperimentName": "flights", "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    definition = {**document([processing("Prepare")]), "PipelineExperimentConfig": experiment}
    sagemaker.create_pipeline(
        PipelineName="lineage",
        PipelineDefinition=json.dumps(definition),
        RoleArn=f"arn:aws:iam::{aws.account}:role/pipeline",
    )
    execution = caller.start("lineage")
    assert caller.ended(execution)["PipelineExecutionStatus"] == "Succeeded", caller.reasons(execution)
    job = caller.steps(execution)["Prepare"]["Metadata"]["ProcessingJob"]["Arn"]

    def tags() -> dict[str, str]:
        found = sagemaker.list_trial_components(SourceArn=job)["TrialComponentSummaries"]
        held = sagemaker.list_tags(ResourceArn=found[0]["TrialComponentArn"])["Tags"] if found else []
        return {one["Key"]: one["Value"] for one in held}

    found = until(tags, lambda seen: "sagemaker:pipeline-execution-arn" in seen)
    assert found["sagemaker:pipeline-execution-arn"] == execution
    assert found["sagemaker:pipeline-step-name"] == "Prepare"
    trial = execution.rpartition("/")[2]
    [component] = until(lambda: sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"], bool)
    assert component["TrialComponentName"].endswith("-aws-processing-job")
    assert sagemaker.describe_trial(TrialName=trial)["ExperimentName"] == "flights"
