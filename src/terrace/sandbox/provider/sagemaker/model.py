"""What is served, and on what: models and endpoint configurations. Nothing of them but tags can be changed on AWS."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.sagemaker.shared import MISSING, retag, tags_of
from terrace.sandbox.provider.shapes import found, request, response, without
from terrace.sandbox.provider.tags import tag_list

_S3_SOURCE = [
    {
        "compressionType": str,
        "modelAccessConfig": {"acceptEula": bool},
        "s3DataType": str,
        "s3Uri": str,
    }
]
_CONTAINER = {
    "containerHostname": str,
    "environment": dict,
    "image": str,
    "imageConfig": {
        "repositoryAccessMode": str,
        "repositoryAuthConfig": {"repositoryCredentialsProviderArn": str},
    },
    "inferenceSpecificationName": str,
    "mode": str,
    "modelDataSource": {"s3DataSources": _S3_SOURCE},
    "modelDataUrl": str,
    "modelPackageName": str,
    "multiModelConfig": {"modelCacheSetting": str},
}
_CONTAINER_REQUIRED = (
    "imageConfig.repositoryAccessMode",
    "imageConfig.repositoryAuthConfig.repositoryCredentialsProviderArn",
    "modelDataSource.s3DataSources",
    "modelDataSource.s3DataSources.compressionType",
    "modelDataSource.s3DataSources.modelAccessConfig.acceptEula",
    "modelDataSource.s3DataSources.s3DataType",
    "modelDataSource.s3DataSources.s3Uri",
)
_VARIANT = {
    "containerStartupHealthCheckTimeoutInSeconds": int,
    "coreDumpConfig": {"destinationS3Uri": str, "kmsKeyId": str},
    "enableSsmAccess": bool,
    "inferenceAmiVersion": str,
    "initialInstanceCount": int,
    "initialVariantWeight": float,
    "instanceType": str,
    "managedInstanceScaling": {"maxInstanceCount": int, "minInstanceCount": int, "status": str},
    "modelDataDownloadTimeoutInSeconds": int,
    "modelName": str,
    "routingConfigs": [{"routingStrategy": str}],
    "serverlessConfig": {"maxConcurrency": int, "memorySizeInMb": int, "provisionedConcurrency": int},
    "variantName": str,
    "volumeSizeInGb": int,
}
_VARIANT_REQUIRED = (
    "coreDumpConfig.destinationS3Uri",
    "routingConfigs.routingStrategy",
    "serverlessConfig.maxConcurrency",
    "serverlessConfig.memorySizeInMb",
)
_VARIANTS = ("productionVariants", "shadowProductionVariants")


class Model(Handler):
    """An image, and the model data it serves. Its id is its name."""

    type = "aws:sagemaker/model:Model"
    inputs = {
        "containers": [_CONTAINER],
        "enableNetworkIsolation": bool,
        "executionRoleArn": str,
        "inferenceExecutionConfig": {"mode": str},
        "name": str,
        "primaryContainer": _CONTAINER,
        "tags": dict,
        "vpcConfig": {"securityGroupIds": [str], "subnets": [str]},
    }
    required = frozenset(
        {
            "executionRoleArn",
            "inferenceExecutionConfig.mode",
            "name",
            "vpcConfig.securityGroupIds",
            "vpcConfig.subnets",
            *(f"{place}.{path}" for place in ("containers", "primaryContainer") for path in _CONTAINER_REQUIRED),
        }
    )
    replace = frozenset(inputs) - {"tags"}
    sets = frozenset({"vpcConfig.securityGroupIds", "vpcConfig.subnets"})
    delete_before_replace = True
    names = {"name": "ModelName", "s3DataSources": "S3DataSource"}

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateModel", without(inputs, "tags"), self.names)
        client.create_model(**settings, Tags=tag_list(inputs))
        return self._state(client, inputs, client.describe_model(ModelName=inputs["name"]))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_model, *MISSING, ModelName=id)
        return seen and self._state(client, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        seen = client.describe_model(ModelName=id)
        retag(client, seen["ModelArn"], old, new)
        return self._state(client, new, seen)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sagemaker").delete_model, *MISSING, ModelName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return found(aws("sagemaker").describe_model, *MISSING, ModelName=inputs["name"]) and str(inputs["name"])

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, seen["ModelArn"])
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        return State(seen["ModelName"], {**outputs, "arn": seen["ModelArn"], "tagsAll": tags})


class EndpointConfiguration(Handler):
    """Which models an endpoint serves, on what machines. Its id is its name."""

    type = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
    inputs = {
        "asyncInferenceConfig": {
            "clientConfig": {"maxConcurrentInvocationsPerInstance": int},
            "outputConfig": {
                "kmsKeyId": str,
                "notificationConfig": {
                    "errorTopic": str,
                    "includeInferenceResponseIns": [str],
                    "successTopic": str,
                },
                "s3FailurePath": str,
                "s3OutputPath": str,
            },
        },
        "dataCaptureConfig": {
            "captureContentTypeHeader": {"csvContentTypes": [str], "jsonContentTypes": [str]},
            "captureOptions": [{"captureMode": str}],
            "destinationS3Uri": str,
            "enableCapture": bool,
            "initialSamplingPercentage": int,
            "kmsKeyId": str,
        },
        "executionRoleArn": str,
        "kmsKeyArn": str,
        "name": str,
        "productionVariants": [_VARIANT],
        "shadowProductionVariants": [_VARIANT],
        "tags": dict,
    }
    required = frozenset(
        {
            "asyncInferenceConfig.outputConfig",
            "asyncInferenceConfig.outputConfig.s3OutputPath",
            "dataCaptureConfig.captureOptions",
            "dataCaptureConfig.captureOptions.captureMode",
            "dataCaptureConfig.destinationS3Uri",
            "dataCaptureConfig.initialSamplingPercentage",
            "name",
            "productionVariants",
            "shadowProductionVariants.coreDumpConfig.kmsKeyId",
            *(f"{place}.{path}" for place in _VARIANTS for path in _VARIANT_REQUIRED),
        }
    )
    replace = frozenset(inputs) - {"tags"}
    delete_before_replace = True
    names = {
        "name": "EndpointConfigName",
        "kmsKeyArn": "KmsKeyId",
        "includeInferenceResponseIns": "IncludeInferenceResponseIn",
        "routingConfigs": "RoutingConfig",
    }

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("sagemaker")
        settings = request(client, "CreateEndpointConfig", _named_variants(without(inputs, "tags")), self.names)
        client.create_endpoint_config(**settings, Tags=tag_list(inputs))
        return self._state(client, inputs, client.describe_endpoint_config(EndpointConfigName=inputs["name"]))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        client = aws("sagemaker")
        seen = found(client.describe_endpoint_config, *MISSING, EndpointConfigName=id)
        return seen and self._state(client, inputs, seen)

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("sagemaker")
        seen = client.describe_endpoint_config(EndpointConfigName=id)
        retag(client, seen["EndpointConfigArn"], old, new)
        return self._state(client, new, seen)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        found(aws("sagemaker").delete_endpoint_config, *MISSING, EndpointConfigName=id)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        name = str(inputs["name"])
        return found(aws("sagemaker").describe_endpoint_config, *MISSING, EndpointConfigName=name) and name

    def _state(self, client: Any, inputs: Props, seen: Props) -> State:
        tags = tags_of(client, seen["EndpointConfigArn"])
        outputs = response(self.inputs, inputs, {**seen, "Tags": tags}, self.names)
        return State(seen["EndpointConfigName"], {**outputs, "arn": seen["EndpointConfigArn"], "tagsAll": tags})


def _named_variants(inputs: Props) -> dict[str, Any]:
    """Give variants without a name one by their place; the real provider makes one up, and AWS asks for it."""
    result = dict(inputs)
    for kind, name in (("productionVariants", "variant"), ("shadowProductionVariants", "shadow")):
        if kind in result:
            result[kind] = [
                {"variantName": f"{name}-{place}", **variant} for place, variant in enumerate(result[kind], 1)
            ]
    return result
