"""A creation that is cut short at any moment, and taken up by the next run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from provider_case import REGION, fresh_account

from terrace.sandbox.provider import facade
from terrace.sandbox.provider.base import Clients
from terrace.sandbox.provider.clients import SandboxClients
from terrace.sandbox.provider.errors import RefusedError
from terrace.sandbox.provider.facade import SandboxProvider
from terrace.sandbox.provider.journal import Entry, Journal

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


class Killed(BaseException):
    """The process ended here."""


class Doomed(SandboxClients):
    """Clients of a process that is killed at one of its calls: AWS did what was asked, nobody heard of it."""

    calls = 0
    last = 10**9

    def __call__(self, service: str) -> Any:
        return _Doomed(super().__call__(service))


class _Doomed:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found) or name in ("get_paginator", "meta"):
            return found

        def call(**params: Any) -> Any:
            answer = found(**params)
            Doomed.calls += 1
            if Doomed.calls >= Doomed.last:
                raise Killed
            return answer

        return call


@dataclass(frozen=True)
class Thing:
    """A type whose creation takes several calls, and how many of it there are."""

    type: str
    inputs: Callable[[Clients], dict[str, Any]]
    count: Callable[[Clients], int]

    def __repr__(self) -> str:
        return self.type.rpartition(":")[2]


def _vpc(aws: Clients) -> str:
    vpcs = aws("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.9.0.0/16"]}])["Vpcs"]
    return str(vpcs[0]["VpcId"] if vpcs else aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


def _tagged(operation: str, answer: str) -> Callable[[Clients], int]:
    mine = [{"Name": "tag:Name", "Values": ["acme"]}]
    return lambda aws: len(getattr(aws("ec2"), operation)(Filters=mine)[answer])


TAGS = {"Name": "acme", "owner": "ada"}
THINGS = [
    Thing(
        "aws:s3/bucket:Bucket",
        lambda aws: {"bucket": f"acme-{aws.account}", "tags": TAGS},
        lambda aws: len(aws("s3").list_buckets()["Buckets"]),
    ),
    Thing(
        "aws:kms/key:Key",
        lambda aws: {"description": "acme", "enableKeyRotation": True, "tags": TAGS},
        lambda aws: len(aws("kms").list_keys()["Keys"]),
    ),
    Thing(
        "aws:iam/role:Role",
        lambda aws: {"name": "acme", "assumeRolePolicy": TRUST, "tags": TAGS},
        lambda aws: len(aws("iam").list_roles()["Roles"]),
    ),
    Thing(
        "aws:ssm/parameter:Parameter",
        lambda aws: {"name": "/acme", "type": "String", "value": "a", "overwrite": True, "tags": TAGS},
        lambda aws: len(aws("ssm").describe_parameters()["Parameters"]),
    ),
    Thing(
        "aws:ec2/vpc:Vpc",
        lambda aws: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": TAGS},
        _tagged("describe_vpcs", "Vpcs"),
    ),
    Thing(
        "aws:ec2/internetGateway:InternetGateway",
        lambda aws: {"vpcId": _vpc(aws), "tags": TAGS},
        _tagged("describe_internet_gateways", "InternetGateways"),
    ),
    Thing("aws:ec2/eip:Eip", lambda aws: {"domain": "vpc", "tags": TAGS}, _tagged("describe_addresses", "Addresses")),
    Thing(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda aws: {"name": "acme", "vpcId": _vpc(aws), "tags": TAGS},
        _tagged("describe_security_groups", "SecurityGroups"),
    ),
    Thing(
        "aws:ec2/subnet:Subnet",
        lambda aws: {"cidrBlock": "10.9.1.0/24", "vpcId": _vpc(aws), "mapPublicIpOnLaunch": True, "tags": TAGS},
        _tagged("describe_subnets", "Subnets"),
    ),
]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(facade, "SandboxClients", Doomed)
    monkeypatch.setattr(Doomed, "calls", 0)
    monkeypatch.setattr(Doomed, "last", 10**9)
    return fresh_account()


def start(sandbox: Any, home: Path, account: str) -> SandboxProvider:
    provider = SandboxProvider(sandbox.url, home)
    provider.configure({"region": REGION, "allowedAccountIds": [account]})
    return provider


def urn(name: str, type: str) -> str:
    return f"urn:pulumi:dev::terrace::{type}::{name}"


@pytest.mark.parametrize("thing", THINGS, ids=repr)
def test_a_creation_killed_after_any_call_is_finished_by_the_next(
    thing: Thing, sandbox: Any, tmp_path: Path, account: str
) -> None:
    """Whatever call was the last, there is one resource in the end, with all that was asked for, and the same one."""
    for last in range(1, 50):
        there = f"{int(account) + last * 10**9}"
        aws = SandboxClients(sandbox.url, there, REGION)
        inputs, before = thing.inputs(aws), thing.count(aws)
        Doomed.calls, Doomed.last = 0, last
        try:
            start(sandbox, tmp_path, there).create(urn("a", thing.type), thing.type, inputs)
        except Killed:
            Doomed.last = 10**9
            made = start(sandbox, tmp_path, there).create(urn("a", thing.type), thing.type, inputs)
            assert thing.count(aws) == before + 1
            assert made.outputs.get("tags") == TAGS
            read = start(sandbox, tmp_path, there).read(urn("a", thing.type), thing.type, made.id, inputs)
            assert read == made
        else:
            assert last > 1
            return
    pytest.fail("the creation never ended")


def test_a_creation_killed_before_anything_was_made_begins_again(sandbox: Any, tmp_path: Path, account: str) -> None:
    """An intent alone finds nothing, and is no reason not to create."""
    type, inputs = "aws:ec2/eip:Eip", {"tags": TAGS}
    Journal(tmp_path / "journal" / f"{account}-{REGION}").intend(urn("a", type), type, inputs)
    made = start(sandbox, tmp_path, account).create(urn("a", type), type, inputs)
    assert made.id


def test_equal_resources_do_not_take_each_others_place(sandbox: Any, tmp_path: Path, account: str) -> None:
    """Of two addresses with the same inputs, one made and one cut short, the second gets an address of its own."""
    type, inputs = "aws:ec2/eip:Eip", {"tags": TAGS}
    provider = start(sandbox, tmp_path, account)
    first = provider.create(urn("a", type), type, inputs)
    Journal(tmp_path / "journal" / f"{account}-{REGION}").intend(urn("b", type), type, inputs)
    assert provider.create(urn("b", type), type, inputs).id != first.id
    Doomed.calls, Doomed.last = 0, 1
    with pytest.raises(Killed):
        provider.create(urn("c", type), type, inputs)
    Doomed.last = 10**9
    third = start(sandbox, tmp_path, account).create(urn("c", type), type, inputs)
    addresses = SandboxClients(sandbox.url, account, REGION)("ec2").describe_addresses()["Addresses"]
    assert len(addresses) == 3
    assert third.id in {address["AllocationId"] for address in addresses}


def test_a_resource_that_the_engine_never_heard_of_is_taken_up(sandbox: Any, tmp_path: Path, account: str) -> None:
    """The process was killed after the creation, before the engine wrote its state."""
    type, inputs = "aws:ec2/eip:Eip", {"tags": TAGS}
    first = start(sandbox, tmp_path, account).create(urn("a", type), type, inputs)
    second = start(sandbox, tmp_path, account).create(urn("a", type), type, inputs)
    assert second == first


@pytest.mark.parametrize("with_id", [True, False])
def test_a_resource_that_the_engine_knows_is_replaced_by_another(
    with_id: bool, sandbox: Any, tmp_path: Path, account: str
) -> None:
    """A replacement with the same inputs makes a new one: the old one is deleted after it."""
    type, inputs = "aws:ec2/eip:Eip", {"tags": TAGS}
    provider = start(sandbox, tmp_path, account)
    first = provider.create(urn("a", type), type, inputs)
    provider.diff(urn("a", type), type, inputs, inputs, id=first.id if with_id else None)
    second = provider.create(urn("a", type), type, inputs)
    assert second.id != first.id
    provider.delete(urn("a", type), type, first.id, inputs)
    assert provider.read(urn("a", type), type, second.id, inputs) == second


def test_what_was_left_follows_inputs_that_changed_meanwhile(sandbox: Any, tmp_path: Path, account: str) -> None:
    """The settings were edited between the two runs."""
    type, old, new = "aws:ec2/eip:Eip", {"tags": TAGS}, {"tags": {"Name": "new"}}
    Doomed.last = 1
    with pytest.raises(Killed):
        start(sandbox, tmp_path, account).create(urn("a", type), type, old)
    Doomed.last = 10**9
    made = start(sandbox, tmp_path, account).create(urn("a", type), type, new)
    addresses = SandboxClients(sandbox.url, account, REGION)("ec2").describe_addresses()["Addresses"]
    assert [address["AllocationId"] for address in addresses] == [made.id]
    assert made.outputs["tags"] == {"Name": "new"}


def test_what_was_left_and_can_be_of_no_use_is_removed(sandbox: Any, tmp_path: Path, account: str) -> None:
    """The name changed between the two runs: nobody knows the old group, and it would keep its VPC from going."""
    type = "aws:ec2/securityGroup:SecurityGroup"
    aws = SandboxClients(sandbox.url, account, REGION)
    old, new = ({"name": name, "vpcId": _vpc(aws), "tags": TAGS} for name in ("old", "new"))
    Doomed.last = 1
    with pytest.raises(Killed):
        start(sandbox, tmp_path, account).create(urn("a", type), type, old)
    Doomed.last = 10**9
    made = start(sandbox, tmp_path, account).create(urn("a", type), type, new)
    mine = [{"Name": "tag:Name", "Values": ["acme"]}]
    groups = aws("ec2").describe_security_groups(Filters=mine)["SecurityGroups"]
    assert [(group["GroupId"], group["GroupName"]) for group in groups] == [(made.id, "new")]


def test_a_store_that_was_left_stays_when_its_name_changed(sandbox: Any, tmp_path: Path, account: str) -> None:
    """Nothing that may hold data is deleted unasked."""
    type, aws = "aws:s3/bucket:Bucket", SandboxClients(sandbox.url, account, REGION)
    Doomed.last = 1
    with pytest.raises(Killed):
        start(sandbox, tmp_path, account).create(urn("a", type), type, {"bucket": f"old-{account}"})
    Doomed.last = 10**9
    start(sandbox, tmp_path, account).create(urn("a", type), type, {"bucket": f"new-{account}"})
    assert {b["Name"] for b in aws("s3").list_buckets()["Buckets"]} == {f"old-{account}", f"new-{account}"}


def test_what_somebody_else_made_is_not_taken_up(sandbox: Any, tmp_path: Path, account: str) -> None:
    """A name that was taken before is refused, the second time too."""
    type, inputs = "aws:iam/role:Role", {"name": "taken", "assumeRolePolicy": TRUST}
    SandboxClients(sandbox.url, account, REGION)("iam").create_role(RoleName="taken", AssumeRolePolicyDocument=TRUST)
    for _ in range(2):
        with pytest.raises(RefusedError, match="EntityAlreadyExists"):
            start(sandbox, tmp_path, account).create(urn("a", type), type, inputs)


def test_what_was_deleted_leaves_nothing_behind(sandbox: Any, tmp_path: Path, account: str) -> None:
    """A journal is as long as what there is."""
    type, inputs = "aws:ec2/eip:Eip", {"tags": TAGS}
    provider = start(sandbox, tmp_path, account)
    for _ in range(3):
        made = provider.create(urn("a", type), type, inputs)
        provider.delete(urn("a", type), type, made.id, inputs)
    made = provider.create(urn("a", type), type, inputs)
    SandboxClients(sandbox.url, account, REGION)("ec2").release_address(AllocationId=made.id)
    assert provider.read(urn("a", type), type, made.id, inputs) is None
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_journal_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """Inputs may hold secrets."""
    Journal(tmp_path).made("urn", "a:b/c:D", {"value": "secret"}, "id")
    (file,) = tmp_path.rglob("*.json")
    assert file.stat().st_mode & 0o077 == 0


def test_a_journal_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves the entries of before or of after."""
    code = (
        "import os, sys, threading; from pathlib import Path\n"
        "from terrace.sandbox.provider.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), 9)).start()\n"
        "for number in range(10**9): journal.made('urn', 'a:b/c:D', {'value': 'x' * 10**5}, str(number))\n"
    )
    for delay in (0.01, 0.02, 0.03):
        ended = run([sys.executable, "-c", code, str(tmp_path), str(delay)], check=False, env={**os.environ})
        assert ended.returncode == -signal.SIGKILL
        assert all(entry.inputs == {"value": "x" * 10**5} for entry in Journal(tmp_path).entries("urn", "a:b/c:D"))


def test_entries_are_known_by_id_or_by_inputs(tmp_path: Path) -> None:
    """An engine that gives no id says by the inputs which of two creations it knows."""
    journal = Journal(tmp_path)
    journal.made("urn", "t", {"a": "1"}, "one")
    journal.made("urn", "t", {"a": "2"}, "two")
    journal.know("urn", "t", id=None, inputs={"a": "1"})
    assert journal.entries("urn", "t") == [Entry({"a": "1"}, "one", True), Entry({"a": "2"}, "two", False)]
    journal.know("urn", "t", id="two", inputs={})
    assert journal.entries("urn", "t")[1].known
    assert journal.claimed("t") == {"one", "two"}


def test_a_secret_is_not_written_down(
    sandbox: Any, tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value of a SecureString is in no file, and a creation that was cut short is ended with it all the same."""
    type, inputs = "aws:ssm/parameter:Parameter", {"name": "/word", "type": "SecureString", "value": "hunter2"}
    monkeypatch.setattr(Doomed, "last", 1)
    with pytest.raises(Killed):
        start(sandbox, tmp_path, account).create(urn("word", type), type, inputs)
    monkeypatch.setattr(Doomed, "last", 10**9)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if "hunter2" in file.read_text()]
    provider = start(sandbox, tmp_path, account)
    provider.create(urn("word", type), type, {**inputs, "value": "hunter3"})
    client = SandboxClients(sandbox.url, account, REGION)("ssm")
    assert client.get_parameter(Name="/word", WithDecryption=True)["Parameter"]["Value"] == "hunter3"
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and "hunter" in file.read_text()]
