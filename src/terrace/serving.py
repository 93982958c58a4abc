"""What a released version is in SageMaker's terms: pure functions from contract and model package to requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terrace.maturity import ModelContract, Serving, names


def model_request(contract: ModelContract, package: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request of CreateModel for a version of the model.

    The model runs isolated and in the network wherever its mode can; serverless can neither on AWS.
    """
    container = package["InferenceSpecification"]["Containers"][0]
    serving = contract.serving
    defining = [container["Image"], container.get("ModelDataUrl")]
    if serving.mode != "serverless":
        # A model is never changed: one that stands isolated in the network is another than one that does not.
        defining += ["isolated", *serving.subnet_ids, *serving.security_group_ids]
    request: dict[str, Any] = {
        "ModelName": _name(contract, "model", package, *defining),
        "ExecutionRoleArn": contract.serve_role_arn,
        "PrimaryContainer": {
            key: container[key] for key in ("Image", "ModelDataUrl", "Environment") if container.get(key)
        },
        "Tags": _tags(contract),
    }
    if serving.mode != "serverless":
        request["EnableNetworkIsolation"] = True
        if serving.subnet_ids:
            request["VpcConfig"] = {
                "Subnets": list(serving.subnet_ids),
                "SecurityGroupIds": list(serving.security_group_ids),
            }
    return request


def endpoint_config_request(contract: ModelContract, package: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the request of CreateEndpointConfig for a model with the contract's serving settings."""
    serving = contract.serving
    request: dict[str, Any] = {
        "EndpointConfigName": _name(contract, "endpoint-config", package, model, serving.to_json()),
        "ProductionVariants": [_variant(serving, model)],
        "Tags": _tags(contract),
    }
    if serving.mode != "serverless" and serving.kms_key_arn:
        request["KmsKeyId"] = serving.kms_key_arn
    return request


def _variant(serving: Serving, model: str) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": "current", "ModelName": model}
    if serving.mode == "serverless":
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": serving.memory_mb,
            "MaxConcurrency": serving.max_concurrency,
        }
    else:
        variant |= {
            "InstanceType": serving.instance_type,
            "InitialInstanceCount": serving.instance_count,
            "InitialVariantWeight": 1.0,
        }
    return variant


def _name(contract: ModelContract, kind: str, package: Mapping[str, Any], *defining: object) -> str:
    """Name by version and by a hash of what defines it, so that an interrupted release finds what it made."""
    version = f"v{package['ModelPackageVersion']}"
    return names.physical(
        kind,
        contract.organisation,
        contract.environment,
        contract.team,
        contract.model,
        version,
        names.short_hash(version, *defining),
    )


def _tags(contract: ModelContract) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(contract.tags.items())]
