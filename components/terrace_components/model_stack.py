"""ModelStack: everything that one model has in one environment, cut to its maturity level."""

from typing import Any

import pulumi
import pulumi_aws as aws

from terrace.errors import TerraceError
from terrace.maturity import ModelSettings, names, plan_model
from terrace_components import model_parts as parts
from terrace_components.alarms import Alarms
from terrace_components.child import Children
from terrace_components.continuous_training import ContinuousTraining
from terrace_components.contracts import model_contract, parameter_tier
from terrace_components.model_args import ModelStackArgs
from terrace_components.model_policies import ModelScope
from terrace_components.parameters import read_platform, read_release
from terrace_components.placement import Place
from terrace_components.registry import Registry
from terrace_components.release_ci import ReleaseCi
from terrace_components.serving import Serving
from terrace_components.training_pipeline import TrainingPipeline
from terrace_components.workspace import Workspace


class ModelStack(pulumi.ComponentResource):
    """A model's roles, image repository, registry and endpoint, its pipelines and its alarms, and its contract.

    It reads what the platform offers, so the platform of the environment must be there.
    """

    level: pulumi.Output[int]
    """Maturity level that was built."""
    capabilities: pulumi.Output[list[str]]
    """Ids of the capabilities that were built."""
    contract_parameter: pulumi.Output[str]
    """Name of the SSM parameter that holds the model's contract."""
    endpoint: pulumi.Output[str]
    """Name of the endpoint, whether it exists or not; in mode batch there is none."""
    missing: pulumi.Output[str]
    """What is missing for an endpoint, or for scoring, and how to give it; empty when nothing is."""
    repository_url: pulumi.Output[str]
    """Where the project's images are pushed to, without tag."""
    package_group: pulumi.Output[str]
    """Name of the model package group."""
    build_project: pulumi.Output[str]
    """Name of the project that builds images."""
    ci_role_arn: pulumi.Output[str]
    """ARN of the role that the repository's pipeline assumes; empty without one."""
    dashboard: pulumi.Output[str]
    """Name of the model's dashboard; empty without one."""
    pipeline: pulumi.Output[str]
    """Name of the training pipeline; empty without one."""
    watched_prefix: pulumi.Output[str]
    """Prefix in the data bucket below which a new object starts a run; empty where none does."""
    scoring_pipeline: pulumi.Output[str]
    """Name of the pipeline that scores in mode batch; empty without one."""

    def __init__(self, name: str, args: ModelStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._settings = settings = ModelSettings.model_validate(args)
        super().__init__("terrace:index:ModelStack", name, {}, opts)
        self._name = name
        self._inside = pulumi.ResourceOptions(parent=self)
        self._platform = platform = read_platform(self, settings.environment)
        self._plan = plan_model(settings, platform)
        self._plan.refuse_unbuilt()
        self._where = parts.placement(settings, platform, self._plan.level)
        self._place = Place.of(self._where)
        self._scope = ModelScope(
            self._place, platform.buckets.data, platform.buckets.artifacts, platform.keys.data, platform.keys.models
        )
        self._serving_plan = parts.serving_plan(settings, platform)

        workspace = self._workspace()
        registry = Registry(f"{name}-registry", {"placement": self._where}, self._inside)
        serving = self._serving(workspace)
        self.build_project, self.ci_role_arn = self._release_ci()
        self.dashboard = self._alarms()
        training = self._training(workspace)
        parameter = self._publish(workspace, registry, {**training, "scoring_pipeline": serving.scoring_pipeline})

        self.level = pulumi.Output.from_input(self._plan.level)
        self.capabilities = pulumi.Output.from_input(list(self._plan.on))
        self.contract_parameter = parameter.name
        self.endpoint, self.missing = serving.endpoint, serving.missing
        self.scoring_pipeline = serving.scoring_pipeline
        self.pipeline = pulumi.Output.from_input(training["pipeline"])
        self.watched_prefix = pulumi.Output.from_input(training["watched_prefix"])
        self.repository_url, self.package_group = workspace.repository_url, registry.package_group
        self.register_outputs(self.outputs())

    def outputs(self) -> dict[str, pulumi.Output[Any]]:
        """Return every output by its name, as a stack exports them."""
        return {output: getattr(self, output) for output in ModelStack.__annotations__}

    def _workspace(self) -> Workspace:
        platform = self._platform
        return Workspace(
            f"{self._name}-workspace",
            {
                "placement": self._where,
                "data_bucket": platform.buckets.data,
                "artifact_bucket": platform.buckets.artifacts,
                "data_key_arn": platform.keys.data,
                "models_key_arn": platform.keys.models,
                "build_project": parts.build_project(self._plan, self._place, platform),
                "network": self._serving_plan.in_network,
                "deployer_role_arns": parts.deployers(platform),
            },
            self._inside,
        )

    def _serving(self, workspace: Workspace) -> Serving:
        release = read_release(self, self._settings.environment, self._settings.model)
        args = parts.serving_args(
            self._settings,
            self._platform,
            self._where,
            self._serving_plan,
            release,
            keeps_scoring=self._plan.keeps("serving"),
        )
        args["serve_role_arn"] = workspace.serve_role_arn
        if "batch" in args:
            args["batch"]["deploy_role_arn"] = workspace.deploy_role_arn
        return Serving(f"{self._name}-serving", args, self._inside)

    def _release_ci(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Return the project that builds this model's images, and the role of its pipeline."""
        if not self._plan.has("release-ci"):
            shared = self._platform.image_build_project
            return pulumi.Output.from_input(shared), pulumi.Output.from_input("")
        args = parts.release_ci_args(self._settings, self._platform, self._where, self._plan)
        found = ReleaseCi(f"{self._name}-release-ci", args, self._inside)
        return found.build_project, found.role_arn

    def _alarms(self) -> pulumi.Output[str]:
        topic = self._platform.alarm_topic_arn
        if not self._plan.has("alarms") or topic is None:
            return pulumi.Output.from_input("")
        args = parts.alarms_args(self._settings, self._where, self._scope, topic)
        return Alarms(f"{self._name}-alarms", args, self._inside).dashboard

    def _training(self, workspace: Workspace) -> dict[str, Any]:
        """Return the pipeline and what starts it, as the contract names them; empty text for what is not there.

        A pipeline that is only kept is named by nothing: it can neither be started nor published.
        """
        built: dict[str, Any] = dict.fromkeys(("pipeline", "pipeline_arn", "pipeline_role_arn", "watched_prefix"), "")
        builds = self._plan.has("training-pipeline")
        tracking = self._platform.tracking if builds else None
        if not builds and not self._plan.keeps("training-pipeline"):
            return built
        if builds and tracking is None:
            environment = self._settings.environment
            raise TerraceError(
                f"The platform {environment} says that runs are tracked, but not where.",
                f"Run: terrace up {environment}",
            )
        args = parts.training_args(self._settings, self._platform, self._where, tracking)
        args["train_role_arn"], args["deploy_role_arn"] = workspace.train_role_arn, workspace.deploy_role_arn
        found = TrainingPipeline(f"{self._name}-training-pipeline", args, self._inside)
        if builds:
            names_of = {"pipeline": found.pipeline, "pipeline_arn": found.pipeline_arn}
            built |= {**names_of, "pipeline_role_arn": found.role_arn}
        if self._plan.has("continuous-training"):
            triggers = parts.trigger_args(self._settings, self._platform, self._where, found.pipeline_arn)
            started = ContinuousTraining(f"{self._name}-continuous-training", triggers, self._inside)
            built["watched_prefix"] = started.watched_prefix
        return built

    def _publish(self, workspace: Workspace, registry: Registry, training: dict[str, Any]) -> aws.ssm.Parameter:
        """Declare the contract, which can be read once everything in it is there."""
        settings, platform, scope = self._settings, self._platform, self._scope
        serving, level = self._serving_plan, self._plan.level
        built = {
            "repository_name": workspace.repository_name,
            "repository_url": workspace.repository_url,
            "build_project": self.build_project,
            "package_group": registry.package_group,
            "train_role_arn": workspace.train_role_arn,
            "serve_role_arn": workspace.serve_role_arn,
            "monitor_role_arn": workspace.monitor_role_arn,
            "deploy_role_arn": workspace.deploy_role_arn,
            **training,
        }
        contract = pulumi.Output.all(**built).apply(
            lambda found: model_contract(settings, platform, scope, serving, level, found).to_json()
        )
        child = Children(self, self._name, self._place, "workspace")
        return child(
            aws.ssm.Parameter,
            "contract",
            name=names.model_parameter(settings.environment, settings.model),
            description=f"What {settings.model} offers those who build, register and release it",
            type="String",
            tier=contract.apply(parameter_tier),
            value=contract,
        )
