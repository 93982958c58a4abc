"""Between the wire's names and AWS's."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from terrace.sandbox.provider.shapes import found, request, response


@pytest.fixture(scope="module")
def sagemaker() -> Any:
    return boto3.client("sagemaker", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_names_differ_in_their_case_alone(sagemaker: Any) -> None:
    """What is the same word to a person is the same to the sandbox."""
    props = {"domainId": "d-1", "userProfileName": "ada", "userSettings": {"autoMountHomeEfs": "Enabled"}}
    built = request(sagemaker, "CreateUserProfile", props)
    assert built == {
        "DomainId": "d-1",
        "UserProfileName": "ada",
        "UserSettings": {"AutoMountHomeEFS": "Enabled"},
    }


def test_a_name_that_aws_does_not_have_is_an_error(sagemaker: Any) -> None:
    """Nothing is dropped on the way to AWS, at any depth."""
    with pytest.raises(LookupError, match="VpcConfig has no member for subnetz"):
        request(sagemaker, "CreateModel", {"vpcConfig": {"subnetz": ["a"]}})


def test_other_names_lists_of_one_and_absent_values(sagemaker: Any) -> None:
    """A declared name is used at any depth, a list becomes the one structure it is on AWS, None is left out."""
    variant = {"routingConfigs": [{"routingStrategy": "RANDOM"}], "initialVariantWeight": 1, "modelName": None}
    built = request(
        sagemaker, "CreateEndpointConfig", {"productionVariants": [variant]}, {"routingConfigs": "RoutingConfig"}
    )
    assert built == {
        "ProductionVariants": [{"RoutingConfig": {"RoutingStrategy": "RANDOM"}, "InitialVariantWeight": 1.0}]
    }


_SCHEMA = {
    "name": str,
    "settings": {"size": int, "mode": str},
    "rules": [{"days": int}],
    "tags": dict,
    "one": [{"a": str}],
}


def test_what_aws_fills_in_is_no_change() -> None:
    """An answer has what the inputs have, and no more."""
    like = {"name": "x", "settings": {"size": 1}, "rules": [{"days": 2}]}
    seen = {"Name": "x", "Settings": {"Size": 1.0, "Mode": "auto"}, "Rules": [{"Days": 2, "Id": 7}], "Arn": "arn"}
    assert response(_SCHEMA, like, seen) == like


def test_what_differs_on_aws_shows() -> None:
    """A changed, a further and a vanished value are each seen."""
    like = {"name": "x", "settings": {"size": 1}, "rules": [{"days": 2}], "tags": {"Owner": "a"}, "one": [{"a": "b"}]}
    seen = {"Settings": {"Size": 5}, "Rules": [{"Days": 2}, {"Days": 3}], "Tags": {"owner": "b"}, "One": {"A": "c"}}
    assert response(_SCHEMA, like, seen) == {
        "settings": {"size": 5},
        "rules": [{"days": 2}, {"days": 3}],
        "tags": {"owner": "b"},
        "one": [{"a": "c"}],
    }


def _fails(code: str, message: str) -> Any:
    def call(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "Describe")

    return call


def test_what_is_missing_is_told_from_what_went_wrong() -> None:
    """Only the named code, with the named words where it has any, means that there is nothing."""
    assert found(_fails("NotFound", "x"), "NotFound") is None
    assert found(_fails("ValidationException", "Could not find x"), "ValidationException: Could not find") is None
    with pytest.raises(ClientError):
        found(_fails("ValidationException", "bad name"), "ValidationException: Could not find")
    with pytest.raises(ClientError):
        found(_fails("Throttled", "x"), "NotFound")
