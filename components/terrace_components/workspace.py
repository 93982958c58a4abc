"""Workspace: what a model's project owns in an environment: its roles and its image repository."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.documents import Document, policy, role_trust, service_trust
from terrace_components.image_repository import ImageRepository
from terrace_components.model_policies import ModelScope, deploy_policy, monitor_policy, serve_policy, train_policy
from terrace_components.placement import Place, Placement


class WorkspaceArgs(TypedDict):
    """Arguments of Workspace."""

    placement: Placement
    """Where the component stands; it names team and model."""
    data_bucket: str
    """Name of the environment's data bucket."""
    artifact_bucket: str
    """Name of the environment's artifact bucket."""
    data_key_arn: pulumi.Input[str]
    """Key of the data."""
    models_key_arn: pulumi.Input[str]
    """Key of models and images."""
    build_project: str
    """Name of the project that builds the model's images."""
    network: bool
    """Whether the model is served from inside the network; serverless endpoints cannot be."""
    deployer_role_arns: list[str]
    """Roles of people who may act as the model's deployer."""


class Workspace(pulumi.ComponentResource):
    """Roles that train, serve, monitor and deploy one model, and the repository of its images."""

    repository_name: pulumi.Output[str]
    """Name of the image repository."""
    repository_url: pulumi.Output[str]
    """Where images are pushed to and pulled from, without tag."""
    train_role_arn: pulumi.Output[str]
    """ARN of the role of training jobs."""
    serve_role_arn: pulumi.Output[str]
    """ARN of the role of the endpoint."""
    monitor_role_arn: pulumi.Output[str]
    """ARN of the role of monitors."""
    deploy_role_arn: pulumi.Output[str]
    """ARN of the role that releases."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = place = Place.of(args["placement"])
        scope = ModelScope(
            place, args["data_bucket"], args["artifact_bucket"], args["data_key_arn"], args["models_key_arn"]
        )
        super().__init__("terrace:index:Workspace", name, {}, opts)
        self._child = Children(self, name, place, "workspace")

        repository = ImageRepository(
            f"{name}-images",
            {
                "placement": args["placement"],
                "capability": "workspace",
                "models_key_arn": args["models_key_arn"],
            },
            pulumi.ResourceOptions(parent=self),
        )
        sagemaker = service_trust(place.account, "sagemaker.amazonaws.com")
        train = self._role("train", "Trains the model", sagemaker, train_policy(scope))
        serve = self._role("serve", "Serves the model", sagemaker, serve_policy(scope, network=args["network"]))
        monitor = self._role("monitor", "Watches the model", sagemaker, monitor_policy(scope))
        deploy = self._role(
            "deploy",
            "Builds, registers and releases the model",
            role_trust(args["deployer_role_arns"]),
            deploy_policy(scope, args["build_project"]),
        )

        self.repository_name, self.repository_url = repository.repository_name, repository.repository_url
        self.train_role_arn, self.serve_role_arn = train, serve
        self.monitor_role_arn, self.deploy_role_arn = monitor, deploy
        self.register_outputs(
            {
                "repository_name": self.repository_name,
                "repository_url": self.repository_url,
                "train_role_arn": self.train_role_arn,
                "serve_role_arn": self.serve_role_arn,
                "monitor_role_arn": self.monitor_role_arn,
                "deploy_role_arn": self.deploy_role_arn,
            }
        )

    def _role(self, purpose: str, description: str, trust: Document, doc: Document) -> pulumi.Output[str]:
        """Declare a role with its policy; the ARN comes out once the role can do its work."""
        role = self._child(
            aws.iam.Role,
            f"{purpose}-role",
            name=self._place.role_name(purpose),
            description=description,
            assume_role_policy=policy(trust),
        )
        written = self._child(
            aws.iam.RolePolicy, f"{purpose}-role-policy", name=purpose, role=role.name, policy=policy(doc)
        )
        return pulumi.Output.all(role.arn, written.id).apply(lambda found: str(found[0]))
