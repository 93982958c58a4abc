"""Parameters, from the inputs of a program to what SSM shows, and the data source that reads them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from provider_case import Case, live, named, uncovered

from terrace.sandbox.provider.base import Clients, InvokeError, State
from terrace.sandbox.provider.kms import Key
from terrace.sandbox.provider.ssm import Parameter, get_parameter

PARAMETER = Parameter()


def _look(aws: Clients, state: State) -> Any:
    client = aws("ssm")
    only = [{"Key": "Name", "Option": "Equals", "Values": [state.id]}]
    return {
        **client.describe_parameters(ParameterFilters=only)["Parameters"][0],
        **client.get_parameter(Name=state.id, WithDecryption=True)["Parameter"],
        "tags": named(client.list_tags_for_resource(ResourceType="Parameter", ResourceId=state.id)["TagList"]),
    }


def _keys(aws: Clients) -> dict[str, str]:
    return {name: Key().create(aws, {"description": name}).outputs["arn"] for name in ("ONE", "TWO")}


_SHOWS = {
    "allowedPattern": "AllowedPattern",
    "dataType": "DataType",
    "description": "Description",
    "keyId": "KeyId",
    "name": "Name",
    "tags": "tags",
    "tier": "Tier",
    "type": "Type",
    "value": "Value",
    "insecureValue": "Value",
}

CASES = [
    Case(
        "text",
        PARAMETER,
        {
            "allowedPattern": "[a-z]+",
            "dataType": "text",
            "description": "One",
            "insecureValue": "one",
            "name": "/acme/dev/platform",
            "overwrite": False,
            "tags": {"a": "1", "b": "2"},
            "tier": "Standard",
            "type": "String",
        },
        {
            "allowedPattern": "[a-z, ]+",
            "dataType": "text",
            "description": "Two",
            "insecureValue": "one,two",
            "name": "/acme/dev/platform",
            "overwrite": True,
            "tags": {"a": "3", "c": "4"},
            "tier": "Advanced",
            "type": "StringList",
        },
        _look,
        _SHOWS,
        unseen=frozenset({"overwrite"}),
    ),
    Case(
        "secret",
        PARAMETER,
        {
            "keyId": "<ONE>",
            "name": "/acme/secret",
            "overwrite": True,
            "tags": {"a": "1"},
            "type": "SecureString",
            "value": "x",
        },
        {
            "keyId": "<TWO>",
            "name": "/acme/secret",
            "overwrite": True,
            "tags": {"a": "1"},
            "type": "SecureString",
            "value": "y",
        },
        _look,
        _SHOWS,
        _keys,
        unseen=frozenset({"overwrite"}),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_input_reaches_ssm_and_follows_a_change(case: Case, aws: Clients) -> None:
    """SSM shows what a parameter was made with and what it was changed to, and nothing of it after its deletion."""
    live(case, aws)


def test_no_input_is_accepted_and_lost() -> None:
    """Every input that the handler knows is shown by one of the cases above."""
    assert uncovered(PARAMETER, CASES) == {}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_parameter_that_exists_is_overwritten_only_when_asked_for(overwrite: bool, aws: Clients) -> None:
    """Somebody else's value stays unless the program says otherwise, and then the tags follow too."""
    aws("ssm").put_parameter(Name="/taken", Value="theirs", Type="String")
    inputs = {"name": "/taken", "type": "String", "value": "ours", "overwrite": overwrite, "tags": {"a": "1"}}
    if overwrite:
        state = PARAMETER.create(aws, inputs)
        assert (state.outputs["value"], state.outputs["version"], state.outputs["tags"]) == ("ours", 2, {"a": "1"})
    else:
        with pytest.raises(ClientError, match="ParameterAlreadyExists"):
            PARAMETER.create(aws, inputs)


def test_a_description_that_is_no_longer_given_is_cleared(aws: Clients) -> None:
    """What a program leaves out does not stay behind."""
    old = {"name": "/p", "type": "String", "value": "v", "description": "d", "allowedPattern": "v"}
    new = {"name": "/p", "type": "String", "value": "w"}
    PARAMETER.create(aws, old)
    state = PARAMETER.update(aws, "/p", old, new)
    assert _look(aws, state).get("Description", "") == ""
    assert state.outputs["value"] == "w"


def test_exactly_one_value_is_given() -> None:
    """No value and two values are refused before anything is made."""
    base = {"name": "/p", "type": "String"}
    assert [f.property for f in PARAMETER.check(base)] == ["value"]
    assert [f.property for f in PARAMETER.check({**base, "value": "a", "insecureValue": "b"})] == ["value"]


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [("Advanced", "Standard", True), ("Standard", "Advanced", False), ("Advanced", "Intelligent-Tiering", False)],
)
def test_a_parameter_becomes_standard_again_only_by_a_replacement(old: str, new: str, replaced: bool) -> None:
    """As with the real provider: SSM refuses the way down."""
    diff = PARAMETER.diff({"tier": old}, {"tier": new})
    assert diff.changed == ("tier",)
    assert (diff.replace == ("tier",)) is replaced
    assert diff.delete_before_replace is replaced


def test_the_data_source_reads_values_and_decrypts_secrets(aws: Clients) -> None:
    """A secret is decrypted unless the program wants it as it is stored."""
    PARAMETER.create(aws, {"name": "/plain", "type": "String", "value": "a"})
    PARAMETER.create(aws, {"name": "/secret", "type": "SecureString", "value": "b"})
    plain = get_parameter(aws, {"name": "/plain"})
    assert (plain["value"], plain["insecureValue"], plain["type"], plain["version"]) == ("a", "a", "String", 1)
    assert plain["arn"] == f"arn:aws:ssm:{aws.region}:{aws.account}:parameter/plain"
    secret = get_parameter(aws, {"name": "/secret"})
    assert (secret["value"], secret["insecureValue"]) == ("b", "")
    assert get_parameter(aws, {"name": "/secret", "withDecryption": False})["value"] != "b"


def test_the_data_source_refuses_arguments_that_it_does_not_know(aws: Clients) -> None:
    """A misspelt argument and a missing one are named."""
    with pytest.raises(InvokeError, match=r"did you mean 'withDecryption'.*name is required"):
        get_parameter(aws, {"withDecription": True})
