"""Training pipeline: what validates data, trains, evaluates and registers, and the roles that it needs."""

import json
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.errors import TerraceError
from terrace.maturity import Tracking
from terrace.maturity.steps import UNPUBLISHED
from terrace_components.alarm import alarm
from terrace_components.alarm_rules import training_rules
from terrace_components.child import Children
from terrace_components.choices import TrackingKind
from terrace_components.documents import Document, policy, service_trust
from terrace_components.model_policies import ModelScope
from terrace_components.placement import Place, Placement
from terrace_components.training_policies import pipeline_policy, publish_policy, training_policy


class TrainingPipelineArgs(TypedDict):
    """Arguments of TrainingPipeline."""

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
    train_role_arn: pulumi.Input[str]
    """Role of the pipeline's jobs; it gets what recording runs takes."""
    deploy_role_arn: pulumi.Input[str]
    """Role that releases; it gets what publishing the pipeline takes."""
    tracking_kind: NotRequired[TrackingKind]
    """Where runs are tracked. Needed unless only stores are built."""
    tracking_arn: NotRequired[str]
    """ARN of the MLflow App or tracking server."""
    secret_arn: NotRequired[str]
    """Secret that holds the credential of a tool of your own."""
    alarm_topic_arn: NotRequired[str]
    """Topic that is told of runs that fail or do not come. Without it there are no alarms."""
    late_after_hours: NotRequired[int]
    """Hours without a successful run that are too many, 1 to 168. Without it nobody is told."""
    stores_only: NotRequired[bool]
    """Build pipeline and role alone, for the history of runs: without permissions nothing can run. Default false."""


class TrainingPipeline(pulumi.ComponentResource):
    """A SageMaker pipeline with the roles around it, and alarms on its runs.

    The program makes the pipeline with a definition that only says that none is published yet. The project publishes
    its own, and an `up` leaves that alone: who trains how is decided by a publication, as who serves is by a release.
    The history of runs is in the pipeline and goes with it, so below level 2 it stays, and can do nothing.
    """

    pipeline: pulumi.Output[str]
    """Name of the pipeline."""
    pipeline_arn: pulumi.Output[str]
    """ARN of the pipeline."""
    role_arn: pulumi.Output[str]
    """ARN of the role that starts the pipeline's jobs; the jobs have the train role."""

    def __init__(self, name: str, args: TrainingPipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = place = Place.of(args["placement"])
        scope = ModelScope(
            place, args["data_bucket"], args["artifact_bucket"], args["data_key_arn"], args["models_key_arn"]
        )
        builds = not args.get("stores_only")
        if builds and "tracking_kind" not in args:
            raise TerraceError("trackingKind is missing: a training pipeline records its runs.")
        super().__init__("terrace:index:TrainingPipeline", name, {}, opts)
        self._child = Children(self, name, place, "training-pipeline")

        role = self._child(
            aws.iam.Role,
            "role",
            name=place.role_name("pipeline"),
            description="Starts the jobs of the training pipeline",
            assume_role_policy=policy(service_trust(place.account, "sagemaker.amazonaws.com")),
        )
        permissions = self._permissions(args, scope, role) if builds else []
        pipeline = self._child(
            aws.sagemaker.Pipeline,
            "pipeline",
            pipeline_name=scope.pipeline,
            pipeline_display_name=scope.pipeline,
            pipeline_description=f"Trains {place.model}, of team {place.team}",
            pipeline_definition=json.dumps(unpublished()),
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(depends_on=permissions, ignore_changes=["pipelineDefinition"]),
        )
        if builds and "alarm_topic_arn" in args:
            late = args.get("late_after_hours")
            for rule in training_rules(scope.pipeline, None if late is None else int(late)):
                alarm(self._child, rule, place.name("alarm", rule.id), [args["alarm_topic_arn"]])

        self.pipeline, self.pipeline_arn, self.role_arn = pipeline.pipeline_name, pipeline.arn, role.arn
        self.register_outputs({"pipeline": self.pipeline, "pipeline_arn": self.pipeline_arn, "role_arn": self.role_arn})

    def _permissions(self, args: TrainingPipelineArgs, scope: ModelScope, role: aws.iam.Role) -> list[pulumi.Resource]:
        """Declare what lets it run and be published; the permissions of its own role come out."""
        tracking = Tracking(
            kind=str(args["tracking_kind"]), arn=args.get("tracking_arn"), secret_arn=args.get("secret_arn")
        )
        self._grant("train", args["train_role_arn"], training_policy(scope, tracking))
        self._grant("deploy", args["deploy_role_arn"], publish_policy(scope))
        doc = policy(pipeline_policy(scope))
        return [self._child(aws.iam.RolePolicy, "role-policy", name="pipeline", role=role.name, policy=doc)]

    def _grant(self, purpose: str, role_arn: pulumi.Input[str], doc: Document) -> None:
        """Give one of the model's roles what the pipeline adds to its work."""
        name = pulumi.Output.from_input(role_arn).apply(lambda arn: arn.rpartition("/")[2])
        self._child(aws.iam.RolePolicy, f"{purpose}-role-policy", name="pipeline", role=name, policy=policy(doc))


def unpublished() -> dict[str, object]:
    """Return the definition that a pipeline has before the project publishes its own.

    It takes the parameters that triggers give, does nothing, and says what is to be done. A schedule fires as soon as
    it is made, and data may come before the code: that is no failure.
    """
    step = {
        "Name": UNPUBLISHED,
        "Type": "Condition",
        "Description": "No pipeline is published yet: publish the project's own with `make pipeline`.",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.DataKey"}, "RightValue": ""}],
            "IfSteps": [],
            "ElseSteps": [],
        },
    }
    return {
        "Version": "2020-12-01",
        "Parameters": [{"Name": name, "Type": "String", "DefaultValue": ""} for name in ("DataKey", "DataVersion")],
        "Steps": [step],
    }
