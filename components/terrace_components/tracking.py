"""Tracking: where runs with their parameters and metrics are recorded."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace_components.child import Children
from terrace_components.choices import TrackingKind, TrackingSize
from terrace_components.documents import policy, service_trust
from terrace_components.placement import Place, Placement
from terrace_components.tracking_policies import PREFIX, secret_policy, tracking_policy


class TrackingArgs(TypedDict):
    """Arguments of Tracking."""

    placement: Placement
    """Where the component stands."""
    kind: TrackingKind
    """Which tool, and who runs it."""
    size: NotRequired[TrackingSize]
    """Size of a tracking server. Default small."""
    uri: NotRequired[str]
    """Where a tool of your own is."""
    secret_arn: NotRequired[str]
    """Secret that holds the credential of a tool of your own already; one is built without it."""
    artifact_bucket: str
    """Name of the environment's artifact bucket."""
    data_key_arn: pulumi.Input[str]
    """Key of the secret."""
    models_key_arn: pulumi.Input[str]
    """Key of artifacts."""


class Tracking(pulumi.ComponentResource):
    """SageMaker's MLflow, serverless or as a server, with its role; or the secret of a tool of your own.

    A secret is built empty. Its value is put there by a person, and is in no setting, state or log.
    """

    arn: pulumi.Output[str]
    """ARN of the MLflow App or tracking server, which clients take as tracking URI; empty for a tool of your own."""
    uri: pulumi.Output[str]
    """Where a tool of your own is; empty for SageMaker's, and for Weights & Biases' own address."""
    secret_arn: pulumi.Output[str]
    """ARN of the secret that holds the credential of a tool of your own; empty for SageMaker's."""

    def __init__(self, name: str, args: TrackingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        self._place = place = Place.of(args["placement"])
        kind = str(args["kind"])
        super().__init__("terrace:index:Tracking", name, {}, opts)
        self._child = Children(self, name, place, "tracking")

        self.arn = self.secret_arn = pulumi.Output.from_input("")
        self.uri = pulumi.Output.from_input(args.get("uri", ""))
        if kind in ("app", "server"):
            self.arn = self._mlflow(kind)
        elif "secret_arn" in args:
            self.secret_arn = pulumi.Output.from_input(args["secret_arn"])
        else:
            self.secret_arn = self._secret(kind)

        self.register_outputs({"arn": self.arn, "uri": self.uri, "secret_arn": self.secret_arn})

    def _mlflow(self, kind: str) -> pulumi.Output[str]:
        args, place = self._args, self._place
        role = self._child(
            aws.iam.Role,
            "role",
            name=place.role_name("tracking"),
            description="What MLflow keeps artifacts of runs under",
            assume_role_policy=policy(service_trust(place.account, "sagemaker.amazonaws.com")),
        )
        permission = self._child(
            aws.iam.RolePolicy,
            "role-policy",
            name="tracking",
            role=role.name,
            policy=policy(tracking_policy(args["artifact_bucket"], args["models_key_arn"])),
        )
        inputs: dict[str, Any] = {
            "artifact_store_uri": f"s3://{args['artifact_bucket']}/{PREFIX.rstrip('/')}",
            "role_arn": role.arn,
            # Maintenance takes it away for a while: when nobody works.
            "weekly_maintenance_window_start": "Sun:03:00",
            "opts": pulumi.ResourceOptions(depends_on=[permission]),
        }
        if kind == "app":
            return self._child(
                aws.sagemaker.MlflowApp,
                "app",
                name=place.name("mlflow-app", "tracking"),
                # Versions are registered by the gate of a pipeline, and by nothing else.
                model_registration_mode="AutoModelRegistrationDisabled",
                **inputs,
            ).arn
        return self._child(
            aws.sagemaker.MlflowTrackingServer,
            "server",
            tracking_server_name=place.name("mlflow-server", "tracking"),
            tracking_server_size=str(args.get("size", TrackingSize.SMALL)).capitalize(),
            automatic_model_registration=False,
            **inputs,
        ).arn

    def _secret(self, kind: str) -> pulumi.Output[str]:
        place = self._place
        secret = self._child(
            aws.secretsmanager.Secret,
            "secret",
            name=place.name("secret", "tracking"),
            description=f"Credential of {_TOOLS[kind]}: a person puts it here",
            kms_key_id=self._args["data_key_arn"],
            recovery_window_in_days=place.kms_deletion_days,
        )
        self._child(
            aws.secretsmanager.SecretPolicy,
            "secret-policy",
            secret_arn=secret.arn,
            policy=policy(secret_policy(secret.arn)),
            block_public_policy=True,
        )
        return secret.arn


_TOOLS = {"mlflow": "your own MLflow", "wandb": "Weights & Biases", "neptune": "Neptune"}
