"""Serving: an endpoint, or scoring by the clock, with the project's baseline model until a trained one is released."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.errors import TerraceError
from terrace.maturity import names
from terrace_components.batch_scoring import BatchScoring, BatchScoringArgs
from terrace_components.child import Children
from terrace_components.choices import Mode
from terrace_components.placement import Place, Placement
from terrace_components.serving_rules import ServingPlan, variant


class BatchServing(TypedDict):
    """What scoring in mode batch takes besides image, sizes and network."""

    data_bucket: str
    """Name of the environment's data bucket."""
    data_key_arn: pulumi.Input[str]
    """Key of the data."""
    deploy_role_arn: pulumi.Input[str]
    """Role that releases; it gets what changing the version that scores takes."""
    schedule: str
    """When what has arrived is scored: rate(…) or cron(…)."""
    timezone: NotRequired[str]
    """Time zone of the schedule. Default UTC."""
    prefix: NotRequired[str]
    """Where, below the model's own data, records arrive (`in/`) and predictions are put (`out/`). Default batch/."""
    released_model: NotRequired[str]
    """Name of the SageMaker model of the released version; empty while that is a version of another mode."""
    released_image: NotRequired[str]
    """Image of the released version."""
    stores_only: NotRequired[bool]
    """What scored stays for the history of its runs, while the mode is another. Default false."""


class ServingArgs(TypedDict):
    """Arguments of Serving."""

    placement: Placement
    """Where the component stands; it names team and model."""
    image: NotRequired[str]
    """The project's image by digest. Without it nothing serves yet: there is only the endpoint's log group."""
    mode: Mode
    """How predictions are served: serverless, realtime or batch."""
    memory_mb: int
    """Memory of a serverless endpoint, in MB."""
    max_concurrency: int
    """Invocations at once of a serverless endpoint."""
    instance_type: str
    """Instances of a realtime endpoint, or of the jobs of mode batch."""
    instance_count: int
    """How many instances a realtime endpoint has, or score in mode batch."""
    serve_role_arn: pulumi.Input[str]
    """Role of the model."""
    subnet_ids: list[str]
    """Subnets of a realtime endpoint, or of the jobs of mode batch."""
    security_group_ids: list[str]
    """Security groups of a realtime endpoint, or of the jobs of mode batch."""
    models_key_arn: pulumi.Input[str]
    """Key that encrypts the endpoint's storage."""
    logs_key_arn: pulumi.Input[str]
    """Key that encrypts the endpoint's logs."""
    released_config: NotRequired[str]
    """Endpoint configuration of the released version. Once there is one, releases decide what the endpoint serves."""
    batch: NotRequired[BatchServing]
    """What mode batch takes besides; without it, that mode is refused. In another mode, what scored is kept."""


class Serving(pulumi.ComponentResource):
    """The project's image as a model, and what has it answer: an endpoint with its logs, or in mode batch a pipeline.

    The endpoint's log group is there in every mode: history is kept when the mode changes and changes back.
    """

    endpoint: pulumi.Output[str]
    """Name of the endpoint, whether it exists or not; in mode batch there is none."""
    missing: pulumi.Output[str]
    """What is missing for an endpoint, or for scoring, and how to give it; empty when nothing is."""
    scoring_pipeline: pulumi.Output[str]
    """Name of the pipeline that scores in mode batch; empty without one."""

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._place = place = Place.of(args["placement"])
        self._args = args
        self._plan = ServingPlan(
            str(args["mode"]),
            int(args["memory_mb"]),
            int(args["max_concurrency"]),
            args["instance_type"],
            int(args["instance_count"]),
        )
        if self._plan.mode == "batch" and "batch" not in args:
            raise TerraceError("terrace:batch is missing: mode batch takes when to score, and where.")
        super().__init__("terrace:index:Serving", name, {}, opts)
        self._name = name
        self._child = Children(self, name, place, "serving")

        endpoint_name = place.name("endpoint")
        logs = self._child(
            aws.cloudwatch.LogGroup,
            "log-group",
            # SageMaker decides the name; made first, so that the group has the key before the first line.
            name=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            kms_key_id=args["logs_key_arn"],
            retention_in_days=place.retention_days,
        )
        self.endpoint = pulumi.Output.from_input(endpoint_name)
        self.missing = self.scoring_pipeline = pulumi.Output.from_input("")
        if "image" not in args:
            self.missing = pulumi.Output.from_input(_no_image(place.environment, self._plan.mode))
        elif self._plan.mode == "batch":
            self.scoring_pipeline = self._scoring(args["batch"], args["image"], self._model(args["image"]).name)
        else:
            self.endpoint = self._endpoint(endpoint_name, args["image"], logs).name
        if self._plan.mode != "batch" and "batch" in args:
            self._scoring({**args["batch"], "stores_only": True})

        self.register_outputs(
            {"endpoint": self.endpoint, "missing": self.missing, "scoring_pipeline": self.scoring_pipeline}
        )

    def _scoring(self, batch: BatchServing, image: str = "", model: pulumi.Input[str] = "") -> pulumi.Output[str]:
        """Declare what scores in mode batch, or what is left of it; the name of its pipeline comes out."""
        args = self._args
        inner: BatchScoringArgs = {
            **batch,
            "placement": args["placement"],
            "image": image,
            "model": model,
            "logs_key_arn": args["logs_key_arn"],
            "serve_role_arn": args["serve_role_arn"],
            "instance_type": args["instance_type"],
            "instance_count": args["instance_count"],
            "subnet_ids": args["subnet_ids"],
            "security_group_ids": args["security_group_ids"],
        }
        return BatchScoring(f"{self._name}-batch", inner, pulumi.ResourceOptions(parent=self)).pipeline

    def _endpoint(self, name: str, image: str, logs: aws.cloudwatch.LogGroup) -> aws.sagemaker.Endpoint:
        config = self._config(self._model(image), image)
        # A release changes the endpoint outside of this program, and stays: an `up` changes it only before the first.
        released = self._args.get("released_config")
        return self._child(
            aws.sagemaker.Endpoint,
            "endpoint",
            name=name,
            endpoint_config_name=config.name if released is None else released,
            opts=pulumi.ResourceOptions(
                depends_on=[logs, config], ignore_changes=["endpointConfigName"] if released else []
            ),
        )

    def _model(self, image: str) -> aws.sagemaker.Model:
        args = self._args
        defining: list[object] = [image, self._plan.in_network]
        network: dict[str, Any] = {}
        if self._plan.in_network:
            defining += [*args["subnet_ids"], *args["security_group_ids"]]
            network = {
                "vpc_config": {"subnets": args["subnet_ids"], "security_group_ids": args["security_group_ids"]},
                "enable_network_isolation": True,
            }
        return self._child(
            aws.sagemaker.Model,
            "model",
            # Named by what defines it, so that the new one stands before the old one goes.
            name=self._place.name("model", names.short_hash(*defining)),
            execution_role_arn=args["serve_role_arn"],
            primary_container={"image": image, "mode": "SingleModel"},
            **network,
        )

    def _config(self, model: aws.sagemaker.Model, image: str) -> aws.sagemaker.EndpointConfiguration:
        key: dict[str, Any] = {"kms_key_arn": self._args["models_key_arn"]} if self._plan.takes_key else {}
        network = [*self._args["subnet_ids"], *self._args["security_group_ids"]] if self._plan.in_network else []
        return self._child(
            aws.sagemaker.EndpointConfiguration,
            "endpoint-config",
            name=self._place.name("endpoint-config", names.short_hash(image, *self._plan.defining(), *network)),
            production_variants=[variant(self._plan, model.name)],
            **key,
        )


def _no_image(environment: str, mode: str) -> str:
    what = "Scoring" if mode == "batch" else "The endpoint"
    return (
        f"{what} needs the project's image: `terrace up "
        f"{environment} --project PATH` builds it, or set terrace:image to repository@sha256:digest."
    )
