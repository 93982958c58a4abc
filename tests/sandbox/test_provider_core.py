"""The provider that both engines drive: what it refuses, what it compares, what it calls."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from provider_case import REGION, fresh_account

from terrace.errors import SandboxError
from terrace.sandbox.provider import registry
from terrace.sandbox.provider.base import UNKNOWN, Failure, Handler, InvokeError
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.documents import comparable, same_policy
from terrace.sandbox.provider.errors import RefusedError
from terrace.sandbox.provider.facade import SandboxProvider
from terrace.sandbox.provider.schema import check_schema, leaves

BUCKET, PARAMETER = "aws:s3/bucket:Bucket", "aws:ssm/parameter:Parameter"
SCHEMA = {
    "name": str,
    "count": int,
    "share": float,
    "on": bool,
    "tags": dict,
    "ids": [str],
    "rules": [{"id": str, "after": {"days": int}}],
}


@pytest.fixture
def provider(sandbox: Any, tmp_path: Path) -> SandboxProvider:
    made = SandboxProvider(sandbox.url, tmp_path)
    made.configure({"region": REGION, "allowedAccountIds": [fresh_account()]})
    return made


def urn(name: str, type: str = BUCKET) -> str:
    return f"urn:pulumi:dev::terrace::{type}::{name}"


@pytest.mark.parametrize(
    ("inputs", "failure"),
    [
        ({"nmae": "a"}, Failure("nmae", "is not an input; did you mean 'name'?")),
        ({"Name": "a"}, Failure("Name", "is not an input; did you mean 'name'?")),
        ({"rules": [{"id": "a"}, {"idd": "b"}]}, Failure("rules[1].idd", "is not an input; did you mean 'id'?")),
        ({"rules": [{"after": {"dasy": 1}}]}, Failure("rules[0].after.dasy", "is not an input; did you mean 'days'?")),
        ({"rules": [{"after": {"days": "1"}}]}, Failure("rules[0].after.days", "must be a whole number, not '1'")),
        ({"count": 1.5}, Failure("count", "must be a whole number, not 1.5")),
        ({"count": float("nan")}, Failure("count", "must be a whole number, not nan")),
        ({"count": float("inf")}, Failure("count", "must be a whole number, not inf")),
        ({"count": True}, Failure("count", "must be a whole number, not True")),
        ({"share": float("nan")}, Failure("share", "must be a number, not nan")),
        ({"share": "1"}, Failure("share", "must be a number, not '1'")),
        ({"on": "true"}, Failure("on", "must be true or false, not 'true'")),
        ({"name": 1}, Failure("name", "must be a string, not 1")),
        ({"tags": {"a": 1}}, Failure("tags.a", "must be a string, not 1")),
        ({"tags": ["a"]}, Failure("tags", "must be a map of strings, not ['a']")),
        ({"ids": "a"}, Failure("ids", "must be a list, not 'a'")),
        ({"rules": [1]}, Failure("rules[0]", "must be a map with after, id, not 1")),
    ],
    ids=str,
)
def test_an_input_that_is_not_known_or_of_the_wrong_type_is_refused_with_its_path(
    inputs: dict[str, Any], failure: Failure
) -> None:
    """At any depth, with the nearest spelling where there is one."""
    assert check_schema(SCHEMA, frozenset(), inputs) == [failure]


def test_an_unknown_input_without_a_like_gets_the_list() -> None:
    """A person sees what there is."""
    (failure,) = check_schema({"name": str, "tags": dict}, frozenset(), {"replication": {}})
    assert failure.reason == "is not an input that the sandbox has; it has name, tags"


def test_what_is_not_yet_known_is_accepted_anywhere() -> None:
    """A preview knows the ids of few things."""
    inputs = {
        "name": UNKNOWN,
        "count": UNKNOWN,
        "tags": {"a": UNKNOWN},
        "ids": ["a", UNKNOWN],
        "rules": [UNKNOWN, {"id": UNKNOWN, "after": UNKNOWN}],
    }
    assert check_schema(SCHEMA, frozenset({"name", "rules.id", "rules.after.days"}), inputs) == []


def test_whole_floats_and_nulls_are_what_the_wire_makes_of_them() -> None:
    """A number arrives as a float, an absent value may arrive as a null."""
    assert check_schema(SCHEMA, frozenset(), {"count": 7.0, "share": 1, "name": None}) == []
    assert check_schema(SCHEMA, frozenset({"name"}), {"name": None}) == [Failure("name", "is required")]


def test_a_required_path_is_asked_of_each_item_that_is_there() -> None:
    """A rule must have an id; that there are rules is another matter."""
    required = frozenset({"rules.id", "rules.after.days"})
    assert check_schema(SCHEMA, required, {}) == []
    assert check_schema(SCHEMA, required, {"rules": [{"id": "a"}, {"after": {}}]}) == [
        Failure("rules[1].after.days", "is required"),
        Failure("rules[1].id", "is required"),
    ]


def test_leaves_are_the_inputs_that_take_values() -> None:
    """Maps and lists on the way have none of their own."""
    assert set(leaves(SCHEMA)) == {"name", "count", "share", "on", "tags", "ids", "rules.id", "rules.after.days"}


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def test_policies_are_compared_by_what_they_allow() -> None:
    """Order, a list of one and spaces are no change; anything else is."""
    one = _policy(Action=["s3:Get", "s3:Put"], Resource="*", Condition={"Bool": {"aws:SecureTransport": False}})
    same = (
        '{ "Statement": {"Resource": ["*"], "Action": ["s3:Put", "s3:Get"], '
        '"Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Allow"}, "Version": "2012-10-17"}'
    )
    assert same_policy(one, same)
    assert not same_policy(one, _policy(Action=["s3:Get"], Resource="*"))
    assert not same_policy(one, one.replace("Allow", "Deny"))
    assert not same_policy("{", one)


def test_inputs_are_compared_as_the_real_provider_does() -> None:
    """Nothing and an empty map are the same, sets have no order, documents no spaces, lists their order."""

    class Thing(registry.handler(PARAMETER).__class__):  # type: ignore[misc]
        policies, documents = frozenset({"policy"}), frozenset({"body"})
        sets = frozenset({"ids", "vpc.subnets"})

    thing: Handler = Thing()
    old = {"ids": ["a", "b"], "vpc": [{"subnets": ["x", "y"]}], "body": '{"a": [1, 2]}', "tags": {}}
    assert not thing.diff(old, {"ids": ["b", "a"], "vpc": [{"subnets": ["y", "x"]}], "body": '{"a":[1,2]}'})
    assert thing.diff(old, {**old, "body": '{"a": [2, 1]}'}).changed == ("body",)
    assert thing.diff(old, {**old, "ids": ["a"], "tags": {"a": "b"}}).changed == ("ids", "tags")
    assert comparable(thing, {"ids": [UNKNOWN, "a"], "tags": UNKNOWN})["tags"] is UNKNOWN


def test_a_service_is_imported_when_one_of_its_types_is_asked_for() -> None:
    """A program with a bucket does not pay for handlers of others."""
    code = (
        "import sys; from terrace.sandbox.provider import registry; "
        "before = 'terrace.sandbox.provider.s3' in sys.modules; registry.handler('aws:s3/bucket:Bucket'); "
        "print(before, *sorted(m for m in sys.modules if m.startswith('terrace.sandbox.provider.')))"
    )
    before, *loaded = run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert before == "False"
    assert "terrace.sandbox.provider.s3" in loaded
    assert "terrace.sandbox.provider.ec2" not in loaded


@pytest.mark.parametrize(
    "type", ["aws:s3/bucket:Nothing", "aws:none/bucket:Bucket", "aws:../s3:Bucket", "a", "gcp:s3/b:B"]
)
def test_a_type_that_there_is_not_is_no_error_until_it_is_used(type: str, provider: SandboxProvider) -> None:
    """The engine asks first; a use of it all the same names the type."""
    assert not provider.knows(type)
    with pytest.raises(SandboxError, match="has no resource type"):
        provider.create(urn("a", type), type, {})


def test_every_handler_is_found_by_its_type_and_finds_what_a_creation_left() -> None:
    """Types are unique, and no handler lacks the search that takes up an interrupted creation."""
    found = registry.handlers()
    assert len(found) >= 50
    for type, handler in found.items():
        assert handler.type == type
        assert registry.handler(type) is handler
        assert handler.__class__.find is not Handler.find, type


def test_stores_are_what_holds_data() -> None:
    """The engine keeps these when a program no longer names them."""
    stores = {type.rpartition(":")[2] for type, handler in registry.handlers().items() if handler.store}
    assert {"Bucket", "Key", "Repository", "LogGroup", "ModelPackageGroup", "UserProfile", "Domain"} <= stores
    assert not stores & {"Role", "Vpc", "Subnet", "Endpoint", "Parameter", "BucketPolicy"}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"allowedAccountIds": ["900000000001"]}, "region is None"),
        ({"region": "mars", "allowedAccountIds": ["900000000001"]}, "region is 'mars'"),
        ({"region": REGION}, "allowedAccountIds is None"),
        ({"region": REGION, "allowedAccountIds": []}, "allowedAccountIds is "),
        ({"region": REGION, "allowedAccountIds": ["1", "2"]}, "allowedAccountIds is "),
        ({"region": REGION, "allowedAccountIds": ["90000000001"]}, "12 digits"),
        ({"region": REGION, "allowedAccountIds": ["900000000001"], "defaultTags": {"tags": {}}}, "'defaultTags'"),
        ({"region": REGION, "allowedAccountIds": ["900000000001"], "endpoints": "[]"}, "'endpoints'"),
        ({"region": REGION, "allowedAccountIds": ["900000000001"], "skipRegionValidation": False}, "'skipRegion"),
    ],
    ids=str,
)
def test_settings_of_the_provider_that_mean_nothing_here_are_refused(inputs: dict[str, Any], words: str) -> None:
    """By name: what the real provider would do with them, the sandbox does not."""
    with pytest.raises(SandboxError, match=words):
        SandboxProvider("http://127.0.0.1:1").configure(inputs)


def test_settings_arrive_as_the_sdk_sends_them(sandbox: Any, tmp_path: Path) -> None:
    """Lists as JSON text, with defaults of its own."""
    account = fresh_account()
    provider = SandboxProvider(sandbox.url, tmp_path)
    provider.configure(
        {
            "region": REGION,
            "allowedAccountIds": json.dumps([account]),
            "skipCredentialsValidation": "false",
            "skipRegionValidation": "true",
            "version": "7.51.1",
        }
    )
    identity = provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert identity["accountId"] == account


def test_a_provider_that_is_not_configured_says_so(tmp_path: Path) -> None:
    """Rather than to call some account or other."""
    with pytest.raises(SandboxError, match="before it is configured"):
        SandboxProvider("http://127.0.0.1:1", tmp_path).create(urn("a"), BUCKET, {"bucket": "a"})


def test_a_preview_calls_nothing(provider: SandboxProvider) -> None:
    """It echoes the inputs, and for a change what AWS has that does not change."""
    made = provider.create(urn("a"), BUCKET, {"bucket": UNKNOWN}, preview=True)
    assert (made.id, made.outputs) == ("", {"bucket": UNKNOWN})
    old = {"name": "/p", "type": "String", "value": "a"}
    real = provider.create(urn("p", PARAMETER), PARAMETER, old)
    seen = provider.update(urn("p", PARAMETER), PARAMETER, real.id, old, {**old, "value": UNKNOWN}, preview=True)
    assert (seen.outputs["arn"], seen.outputs["value"]) == (real.outputs["arn"], UNKNOWN)
    still = provider.read(urn("p", PARAMETER), PARAMETER, real.id, old)
    assert still is not None
    assert still.outputs["value"] == "a"


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("description", ("tags", "value")),
        ("tags.a", ("description", "tags", "value")),
        ('tags["b.c"]', ("description", "tags", "value")),
        ("tags", ("description", "value")),
    ],
)
def test_ignored_paths_are_no_change(path: str, changed: tuple[str, ...], provider: SandboxProvider) -> None:
    """What is below a path that the program ignores stays as it was, and nothing else does."""
    old = {"value": "a", "tags": {"a": "1", "b.c": "1"}}
    new = {"value": "b", "tags": {"a": "2", "b.c": "2"}, "description": "new"}
    assert provider.diff(urn("p", PARAMETER), PARAMETER, old, new, [path]).changed == changed
    assert not provider.diff(urn("p", PARAMETER), PARAMETER, old, new, [*old, *new])


def test_a_refusal_names_the_resource_the_operation_and_awss_words(provider: SandboxProvider) -> None:
    """One sentence for a person, and the code for a program."""
    with pytest.raises(
        RefusedError, match=r"Bucket 'data' cannot be created: CreateBucket says InvalidBucketName"
    ) as error:
        provider.create(urn("data"), BUCKET, {"bucket": "a"})
    assert error.value.code == "InvalidBucketName"


def test_a_sandbox_that_does_not_answer_is_told_with_what_to_do(tmp_path: Path) -> None:
    """The server may have ended while the program ran."""
    provider = SandboxProvider("http://127.0.0.1:9", tmp_path)
    provider.configure({"region": REGION, "allowedAccountIds": ["900000000001"]})
    with pytest.raises(RefusedError, match=r"nothing answers.*terrace sandbox start"):
        provider.create(urn("data"), BUCKET, {"bucket": "data"})


def test_a_data_source_that_fails_says_why(provider: SandboxProvider) -> None:
    """Neither a missing parameter nor a missing data source is a traceback."""
    with pytest.raises(InvokeError, match="ParameterNotFound"):
        provider.invoke("aws:ssm/getParameter:getParameter", {"name": "/none"})
    with pytest.raises(InvokeError, match="no data source aws:ssm/getSecret:getSecret"):
        provider.invoke("aws:ssm/getSecret:getSecret", {})


def test_a_purge_empties_a_store_and_passes_over_one_that_is_gone(provider: SandboxProvider) -> None:
    """What was deleted by hand holds nothing any more."""
    name = f"purge-{fresh_account()}"
    made = provider.create(urn("data"), BUCKET, {"bucket": name})
    aws = provider._clients
    assert aws is not None
    aws("s3").put_object(Bucket=name, Key="a", Body=b"a")
    with pytest.raises(RefusedError, match="BucketNotEmpty"):
        provider.delete(urn("data"), BUCKET, made.id, {"bucket": name})
    provider.purge(urn("data"), BUCKET, made.id, {"bucket": name})
    provider.delete(urn("data"), BUCKET, made.id, {"bucket": name})
    provider.purge(urn("data"), BUCKET, made.id, {"bucket": name})


def test_clients_are_deaf_to_the_settings_of_the_machine(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a profile, nor an endpoint, nor a proxy of the user leads a call elsewhere."""
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    account = fresh_account()
    aws = SandboxClients(sandbox.url, account, REGION)
    assert aws("sts").get_caller_identity()["Account"] == account


def test_clients_are_made_once_for_many_threads(sandbox: Any) -> None:
    """Sixteen resources at once share one client a service."""
    aws = SandboxClients(sandbox.url, fresh_account(), REGION)
    seen: list[Any] = []
    threads = [threading.Thread(target=lambda: seen.append(aws("ssm"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in seen}) == 1
