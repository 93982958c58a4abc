"""What is recorded of model packages and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terrace.sandbox.lineage.graph import Entity
from terrace.sandbox.lineage.jobs import model_artifacts
from terrace.sandbox.lineage.journal import Journal

_NAME = 120
"""Longest name of an entity."""


def package(journal: Journal, arn: str) -> Entity:
    """Record a model package, its group and its approval as they are now; return the package's artifact.

    Raises:
        ClientError: There is no such package.
    """
    said = journal.client.describe_model_package(ModelPackageName=arn)
    version, group = said.get("ModelPackageVersion"), said.get("ModelPackageGroupName")
    approval = said.get("ModelApprovalStatus", "")
    artifact = journal.artifact(said["ModelPackageArn"], "Model")
    artifact.record["Properties"] = _texts(
        ModelPackageGroupName=group,
        ModelPackageVersion=version,
        ModelPackageStatus=said.get("ModelPackageStatus"),
        ModelApprovalStatus=approval,
    )
    artifact.touch()
    for container in said.get("InferenceSpecification", {}).get("Containers", ()):
        for uri, kind in ((container.get("Image"), "Image"), (container.get("ModelDataUrl"), "Model")):
            if uri:
                journal.link(journal.artifact(uri, kind), artifact, "ContributedTo")
    for algorithm in said.get("SourceAlgorithmSpecification", {}).get("SourceAlgorithms", ()):
        if algorithm.get("ModelDataUrl"):
            journal.link(journal.artifact(algorithm["ModelDataUrl"], "Model"), artifact, "ContributedTo")
    if group:
        group_arn = journal.client.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
        context = journal.context(_name(group, "-aws-model-group"), group_arn, "ModelGroup", "ARN")
        journal.link(artifact, context, "AssociatedWith")
        name = _name(f"{group}-{version}-{approval.lower() or 'registered'}", "-aws-model-package")
        properties = _texts(ModelApprovalStatus=approval, ApprovalDescription=said.get("ApprovalDescription"))
        action = journal.action(name, said["ModelPackageArn"], "Approval", "ARN", **properties)
        action.record["Status"] = "InProgress" if approval == "PendingManualApproval" else "Completed"
        journal.link(action, artifact, "ContributedTo")
    return artifact


def endpoint(journal: Journal, name: str) -> None:
    """Record an endpoint that serves: its context, the deployment, and what was deployed.

    Each configuration that it has served is a deployment of its own, so that what answered in the past is known.

    Raises:
        ClientError: There is no such endpoint, or no longer what it serves.
    """
    said = journal.client.describe_endpoint(EndpointName=name)
    if said["EndpointStatus"] != "InService":
        return
    config = journal.client.describe_endpoint_config(EndpointConfigName=said["EndpointConfigName"])
    arn = said["EndpointArn"]
    context = journal.context(_name(name, "-aws-endpoint"), arn, "Endpoint", "ARN", EndpointName=name)
    deployed = f"{name}-{config['EndpointConfigName']}"
    properties = _texts(EndpointName=name, EndpointConfigName=config["EndpointConfigName"])
    action = journal.action(_name(deployed, "-aws-model-deployment"), arn, "ModelDeployment", "ARN", **properties)
    action.record["Status"] = "Completed"
    for variant in config["ProductionVariants"]:
        for _, uri, kind in model_artifacts(journal, variant["ModelName"]):
            journal.link(journal.artifact(uri, kind), action, "ContributedTo")
    journal.link(action, context, "AssociatedWith")


def _name(text: str, ending: str) -> str:
    """Return a legal name: AWS's own endings, and no underscore, which an action may not have."""
    return text.replace("_", "-").replace(".", "-")[: _NAME - len(ending)].rstrip("-") + ending


def _texts(**given: Any) -> Mapping[str, str]:
    return {name: str(value)[:2500] for name, value in given.items() if value not in (None, "")}
