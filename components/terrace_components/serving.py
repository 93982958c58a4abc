"""Serving: an endpoint that answers with the project's baseline model until a trained one is released."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from terrace.maturity import names
from terrace_components.child import Children
from terrace_components.choices import Mode
from terrace_components.placement import Place, Placement
from terrace_components.serving_rules import ServingPlan, variant


class ServingArgs(TypedDict):
    """Arguments of Serving."""

    placement: Placement
    """Where the component stands; it names team and model."""
    image: NotRequired[str]
    """The project's image by digest. Without it there is no endpoint yet, only its log group."""
    mode: Mode
    """How predictions are served: serverless or realtime."""
    memory_mb: int
    """Memory of a serverless endpoint, in MB."""
    max_concurrency: int
    """Invocations at once of a serverless endpoint."""
    instance_type: str
    """Instances of a realtime endpoint."""
    instance_count: int
    """How many instances a realtime endpoint has."""
    serve_role_arn: pulumi.Input[str]
    """Role of the endpoint."""
    subnet_ids: list[str]
    """Subnets of a realtime endpoint."""
    security_group_ids: list[str]
    """Security groups of a realtime endpoint."""
    models_key_arn: pulumi.Input[str]
    """Key that encrypts the endpoint's storage."""
    logs_key_arn: pulumi.Input[str]
    """Key that encrypts the endpoint's logs."""
    released_config: NotRequired[str]
    """Endpoint configuration of the released version. Once there is one, releases decide what the endpoint serves."""


class Serving(pulumi.ComponentResource):
    """Model, endpoint configuration and endpoint of the project's image, with the endpoint's logs."""

    endpoint: pulumi.Output[str]
    """Name of the endpoint, whether it exists yet or not."""
    missing: pulumi.Output[str]
    """What is missing for an endpoint, and how to give it; empty when there is one."""

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
        super().__init__("terrace:index:Serving", name, {}, opts)
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
        if "image" in args:
            self.endpoint = self._endpoint(endpoint_name, args["image"], logs).name
            self.missing = pulumi.Output.from_input("")
        else:
            self.endpoint = pulumi.Output.from_input(endpoint_name)
            self.missing = pulumi.Output.from_input(_no_image(place.environment))

        self.register_outputs({"endpoint": self.endpoint, "missing": self.missing})

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


def _no_image(environment: str) -> str:
    return (
        "The endpoint needs the project's image: `terrace up "
        f"{environment} --project PATH` builds it, or set terrace:image to repository@sha256:digest."
    )
