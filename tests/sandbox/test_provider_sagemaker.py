"""Models, their endpoint configurations and the registry, from the inputs of a program to what AWS shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_case import REGION, Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, Handler, State
from terrace.sandbox.provider.sagemaker import EndpointConfiguration, Model, ModelPackageGroup, ModelPackageGroupPolicy
from terrace.sandbox.provider.schema import leaves

MODEL, CONFIG, GROUP, POLICY = Model(), EndpointConfiguration(), ModelPackageGroup(), ModelPackageGroupPolicy()
ROLE = "arn:aws:iam::<ACCOUNT>:role/serve"
KEY = f"arn:aws:kms:{REGION}:<ACCOUNT>:key/11111111-2222-3333-4444-555555555555"
IMAGE = f"<ACCOUNT>.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'0' * 64}"
TOPIC = f"arn:aws:sns:{REGION}:<ACCOUNT>:topic"
_TAGS = {"tags": {"owner": "ml@example.com", "level": "0"}}
_OTHER_TAGS = {"tags": {"owner": "platform@example.com"}}


def _container(n: int, **data: Any) -> dict[str, Any]:
    return {
        "containerHostname": f"host-{n}",
        "environment": {"MODEL_NAME": "churn", "lower": "Case"},
        "image": IMAGE,
        "imageConfig": {
            "repositoryAccessMode": "Vpc",
            "repositoryAuthConfig": {
                "repositoryCredentialsProviderArn": f"arn:aws:lambda:{REGION}:<ACCOUNT>:function:login"
            },
        },
        "inferenceSpecificationName": f"specification-{n}",
        "mode": "MultiModel",
        "multiModelConfig": {"modelCacheSetting": "Disabled"},
        **data,
    }


_SOURCE = {
    "s3DataSources": [
        {
            "compressionType": "Gzip",
            "modelAccessConfig": {"acceptEula": True},
            "s3DataType": "S3Object",
            "s3Uri": "s3://models/churn/1/model.tar.gz",
        }
    ]
}
_PACKAGE = f"arn:aws:sagemaker:{REGION}:<ACCOUNT>:model-package/churn/1"


def _variant(n: int, **how: Any) -> dict[str, Any]:
    return {
        "containerStartupHealthCheckTimeoutInSeconds": 300,
        "coreDumpConfig": {"destinationS3Uri": "s3://dumps/x", "kmsKeyId": KEY},
        "enableSsmAccess": True,
        "inferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
        "initialVariantWeight": 0.5,
        "modelDataDownloadTimeoutInSeconds": 600,
        "modelName": "churn",
        "routingConfigs": [{"routingStrategy": "LEAST_OUTSTANDING_REQUESTS"}],
        "variantName": f"variant-{n}",
        **how,
    }


_INSTANCES = {
    "initialInstanceCount": 2,
    "instanceType": "ml.m5.large",
    "managedInstanceScaling": {"maxInstanceCount": 4, "minInstanceCount": 2, "status": "ENABLED"},
    "volumeSizeInGb": 30,
}
_SERVERLESS = {"serverlessConfig": {"maxConcurrency": 5, "memorySizeInMb": 2048, "provisionedConcurrency": 1}}

_DIFFERENT = {
    "enableSsmAccess": "EnableSSMAccess",
    "includeInferenceResponseIns": "IncludeInferenceResponseIn",
    "memorySizeInMb": "MemorySizeInMB",
    "routingConfigs": "RoutingConfig",
    "s3DataSources": "S3DataSource",
    "volumeSizeInGb": "VolumeSizeInGB",
}
_LISTS = frozenset({"containers", "productionVariants", "shadowProductionVariants", "captureOptions"})
# Lists of the wire that are one structure on AWS.
_ONES = frozenset({"routingConfigs", "s3DataSources"})


def _shows(handler: Handler, **other: str) -> dict[str, str]:
    """Return where AWS shows each input: under its own name in AWS's case, but for the known exceptions."""
    result = {}
    for path in leaves(handler.inputs):
        words = path.split(".")
        spelt = [_DIFFERENT.get(word, word[0].upper() + word[1:]) + "[]" * (word in _LISTS) for word in words]
        place = ".".join(spelt)
        if _ONES & set(words):
            # The wire has a list of one: one for each item of the list above that has it at all.
            items, _, rest = place.rpartition("[].")
            place = f"{items}[?{rest}].[{rest}]" if items else f"[{rest}]"
        result[path] = place
    return {**result, **other}


def _look(kind: str) -> Any:
    def look(aws: Clients, state: State) -> Any:
        client = aws("sagemaker")
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
        seen = getattr(client, f"describe{snake}")(**{f"{kind}Name": state.id})
        return {**seen, "Tags": named(client.list_tags(ResourceArn=state.outputs["arn"])["Tags"])}

    return look


_CONFIG = {
    "asyncInferenceConfig": {
        "clientConfig": {"maxConcurrentInvocationsPerInstance": 4},
        "outputConfig": {
            "kmsKeyId": KEY,
            "notificationConfig": {
                "errorTopic": f"{TOPIC}-errors",
                "includeInferenceResponseIns": ["SUCCESS_NOTIFICATION_TOPIC"],
                "successTopic": f"{TOPIC}-successes",
            },
            "s3FailurePath": "s3://out/failures",
            "s3OutputPath": "s3://out/answers",
        },
    },
    "dataCaptureConfig": {
        "captureContentTypeHeader": {"csvContentTypes": ["text/csv"], "jsonContentTypes": ["application/json"]},
        "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
        "destinationS3Uri": "s3://capture/churn",
        "enableCapture": True,
        "initialSamplingPercentage": 50,
        "kmsKeyId": KEY,
    },
    "executionRoleArn": ROLE,
    "kmsKeyArn": KEY,
    "name": "churn",
}


def _case(name: str, handler: Handler, inputs: dict[str, Any], kind: str, **other: Any) -> Case:
    return Case(
        name,
        handler,
        {**inputs, **_TAGS},
        {**inputs, **_OTHER_TAGS},
        look=_look(kind),
        shows=other.pop("shows"),
        **other,
    )


_MODEL = {"name": "churn", "executionRoleArn": ROLE}
_NETWORK = {
    "enableNetworkIsolation": True,
    "vpcConfig": {"securityGroupIds": ["sg-01"], "subnets": ["subnet-01", "subnet-02"]},
}
_MODEL_SHOWS = _shows(MODEL, name="ModelName")
_CONFIG_SHOWS = _shows(CONFIG, name="EndpointConfigName", kmsKeyArn="KmsKeyId")


def _model(aws: Clients) -> dict[str, str]:
    aws("sagemaker").create_model(
        ModelName="churn",
        ExecutionRoleArn=ROLE.replace("<ACCOUNT>", aws.account),
        PrimaryContainer={"Image": IMAGE.replace("<ACCOUNT>", aws.account)},
    )
    return {}


def _package(aws: Clients) -> dict[str, str]:
    """Make a group with one approved version."""
    client, image = aws("sagemaker"), IMAGE.replace("<ACCOUNT>", aws.account)
    GROUP.create(aws, {"modelPackageGroupName": "churn"})
    client.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": image}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return {}


CASES = [
    _case(
        "model of data",
        MODEL,
        {**_MODEL, **_NETWORK, "primaryContainer": _container(0, modelDataUrl="s3://models/churn/1/model.tar.gz")},
        "Model",
        shows=_MODEL_SHOWS,
    ),
    _case(
        "model of a source",
        MODEL,
        {**_MODEL, "primaryContainer": _container(0, modelDataSource=_SOURCE)},
        "Model",
        shows=_MODEL_SHOWS,
    ),
    _case(
        "model of a package",
        MODEL,
        {**_MODEL, "primaryContainer": {"modelPackageName": _PACKAGE}},
        "Model",
        shows=_MODEL_SHOWS,
        given=_package,
    ),
    _case(
        "pipeline of models",
        MODEL,
        {
            **_MODEL,
            "containers": [
                _container(0, modelDataUrl="s3://models/churn/1/model.tar.gz"),
                _container(1, modelDataSource=_SOURCE),
                {"modelPackageName": _PACKAGE},
            ],
            "inferenceExecutionConfig": {"mode": "Direct"},
        },
        "Model",
        # The container of the package has image and environment from it; the other two have those they were given.
        shows={
            path: place.replace("Containers[]", "Containers[:2]")
            if path.endswith((".image", ".environment"))
            else place
            for path, place in _MODEL_SHOWS.items()
        },
        given=_package,
    ),
    _case(
        "endpoint config on instances",
        CONFIG,
        {
            **_CONFIG,
            "productionVariants": [_variant(1, **_INSTANCES)],
            "shadowProductionVariants": [_variant(2, **_INSTANCES)],
        },
        "EndpointConfig",
        shows=_CONFIG_SHOWS,
        given=_model,
    ),
    _case(
        "endpoint config without instances",
        CONFIG,
        {
            "name": "churn",
            "productionVariants": [_variant(1, **_SERVERLESS)],
            "shadowProductionVariants": [_variant(2, **_SERVERLESS)],
        },
        "EndpointConfig",
        shows=_CONFIG_SHOWS,
        given=_model,
    ),
    _case(
        "model package group",
        GROUP,
        {"modelPackageGroupDescription": "Churn", "modelPackageGroupName": "churn"},
        "ModelPackageGroup",
        shows=_shows(GROUP),
    ),
    Case(
        "model package group policy",
        POLICY,
        before={"modelPackageGroupName": "churn", "resourcePolicy": "<DESCRIBE>"},
        after={"modelPackageGroupName": "churn", "resourcePolicy": "<LIST>"},
        look=lambda aws, state: {
            **aws("sagemaker").get_model_package_group_policy(ModelPackageGroupName=state.id),
            "Group": state.id,
        },
        shows={"modelPackageGroupName": "Group", "resourcePolicy": "ResourcePolicy"},
        given=lambda aws: _group(aws),
    ),
]


def _group(aws: Clients) -> dict[str, str]:
    arn = GROUP.create(aws, {"modelPackageGroupName": "churn"}).outputs["arn"]

    def allowing(action: str) -> str:
        who = {"AWS": "arn:aws:iam::111122223333:root"}
        statement = {"Effect": "Allow", "Principal": who, "Action": f"sagemaker:{action}", "Resource": arn}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    return {"DESCRIBE": allowing("DescribeModelPackageGroup"), "LIST": allowing("ListModelPackages")}


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_sagemaker_and_follows_a_change(case: Case, aws: Clients) -> None:
    """Each input of a model, a configuration and a group is what boto3 shows after `up`, and after another."""
    live(case, aws)


@pytest.mark.parametrize("handler", [MODEL, CONFIG, GROUP, POLICY], ids=lambda handler: handler.type)
def test_no_input_is_accepted_and_lost(handler: Handler) -> None:
    """What the handler knows is what the cases prove."""
    assert uncovered(handler, CASES) == {}


@pytest.mark.parametrize("handler", [MODEL, CONFIG], ids=lambda handler: handler.type)
def test_only_tags_change_without_a_replacement(handler: Handler) -> None:
    """SageMaker can change nothing of a model or of a configuration."""
    assert handler.replace == set(handler.inputs) - {"tags"}


def test_a_variant_without_a_name_gets_one(aws: Clients) -> None:
    """AWS asks for a name of each variant, programs need not."""
    _model(aws)
    variant = {"modelName": "churn", "serverlessConfig": {"maxConcurrency": 1, "memorySizeInMb": 1024}}
    CONFIG.create(aws, {"name": "plain", "productionVariants": [variant]})
    seen = aws("sagemaker").describe_endpoint_config(EndpointConfigName="plain")
    assert [v["VariantName"] for v in seen["ProductionVariants"]] == ["variant-1"]


def test_a_group_with_versions_is_deleted_only_after_a_purge(aws: Clients) -> None:
    """Registered versions are not lost by a plain deletion."""
    client = aws("sagemaker")
    _package(aws)
    with pytest.raises(client.exceptions.ClientError):
        GROUP.delete(aws, "churn", {})
    GROUP.purge(aws, "churn", {})
    GROUP.delete(aws, "churn", {})
    assert GROUP.read(aws, "churn", {}) is None
