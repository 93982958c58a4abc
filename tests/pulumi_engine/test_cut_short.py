"""Runs of Pulumi's engine that are cut short or refused, as commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from typing import Any

import psutil
import pytest
from pulumi_engine.shell import Shell, counts

EARLY, LATE = "buckets", "route tables and an endpoint"


def _reached(shell: Shell, point: str) -> bool:
    """Tell whether a run came so far: at its beginning, or with most of the network behind it."""
    if point == EARLY:
        return len(shell.client("s3").list_buckets()["Buckets"]) == 3
    return bool(shell.client("ec2").describe_vpc_endpoints()["VpcEndpoints"])


@pytest.mark.parametrize(
    ("victim", "point"),
    [("both", EARLY), ("both", LATE), ("terrace", EARLY), ("terrace", LATE), ("interrupt", EARLY)],
)
def test_a_run_that_is_cut_short_is_finished(shell: Shell, victim: str, point: str) -> None:
    """After kill -9, of the command alone or of all, or Ctrl-C, the same command completes it; nothing is twice."""
    shell("sandbox", "start")
    process = shell.start("up", "dev", "--engine", "pulumi")
    _wait(lambda: _reached(shell, point), process)
    if victim == "interrupt":
        process.send_signal(signal.SIGINT)
    else:
        children = _children(process.pid) if victim == "both" else []
        process.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
    _out, said = process.communicate(timeout=120)
    assert process.returncode != 0
    if victim == "interrupt":
        assert "interrupted" in said
        assert "same command" in said
    shell("up", "dev")
    assert counts(shell.json("up", "dev")).keys() == {"unchanged"}
    assert _doubles(shell) == []


def test_a_sandbox_that_dies_in_a_run_is_named_and_the_same_command_finishes(shell: Shell) -> None:
    """The error says what is lost, where it stands and what to type; not what a connection thinks of it."""
    shell("sandbox", "start")
    process = shell.start("up", "dev", "--engine", "pulumi")
    _wait(lambda: len(shell.client("s3").list_buckets()["Buckets"]) >= 3, process)
    os.kill(json.loads((shell.home / "sandbox.json").read_text())["pid"], signal.SIGKILL)
    _out, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The connection to the sandbox was lost in the middle of the run" in said
    assert "same command" in said
    assert not re.search(r"rpc error|connection reset|Unavailable|EOF|Traceback", said), said
    shell("up", "dev")
    assert counts(shell.json("up", "dev")).keys() == {"unchanged"}
    assert _doubles(shell) == []


def test_credentials_of_another_account_are_refused_before_anything_is_written(shell: Shell) -> None:
    """With an account in the settings, credentials of another one end the run at its first look."""
    _on_aws(shell, account="111122223333", credentials="999999999999")
    before = shell.calls()
    assert "are of account 999999999999" in shell("up", "dev", expect=1)[1]
    after = shell.calls()
    assert after.get("999999999999", 0) - before.get("999999999999", 0) == 1
    assert after.get("111122223333", 0) == 0


def test_a_missing_plugin_is_told_with_the_command_that_installs_it(shell: Shell) -> None:
    """On AWS the real provider is used, and where it is missing the error says how to install it."""
    _on_aws(shell, account="111122223333", credentials="111122223333")
    said = shell("preview", "dev", expect=1)[1]
    assert "pulumi plugin install resource aws" in said


def _on_aws(shell: Shell, account: str, credentials: str) -> None:
    """Let the environment live on AWS, whose part the sandbox plays as far as credentials go."""
    shell("sandbox", "start")
    shell.environment |= {**shell.variables(), "AWS_ACCESS_KEY_ID": f"AKIA{credentials}AAAA"}
    shell.environment.pop("PULUMI_DEBUG_PROVIDERS")
    shell.environment.pop("PULUMI_DEBUG_LANGUAGES", None)
    file = shell.folder / "stacks" / "Pulumi.dev.yaml"
    file.write_text(file.read_text() + f'  terrace:account: "{account}"\n')


def _wait(ready: Any, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _doubles(shell: Shell) -> list[str]:
    """What AWS lists twice of things that have no unique name."""
    ec2 = shell.client("ec2")
    ours = [{"Name": "tag:environment", "Values": ["dev"]}]
    tagged = [
        *ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"],
        *ec2.describe_subnets(Filters=ours)["Subnets"],
        *ec2.describe_route_tables(Filters=ours)["RouteTables"],
        *ec2.describe_nat_gateways()["NatGateways"],
        *ec2.describe_internet_gateways()["InternetGateways"],
        *ec2.describe_addresses()["Addresses"],
        *ec2.describe_flow_logs()["FlowLogs"],
        *ec2.describe_vpc_endpoints()["VpcEndpoints"],
    ]
    names = Counter(
        next((tag["Value"] for tag in one.get("Tags", []) if tag["Key"] == "Name"), "unnamed") + "/" + sorted(one)[0]
        for one in tagged
        if one.get("State") != "deleted"
    )
    groups = Counter(one["GroupName"] for one in ec2.describe_security_groups(Filters=ours)["SecurityGroups"])
    keys = shell.client("kms").list_keys()["Keys"]
    states = Counter(shell.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] for key in keys)
    return [name for name, count in [*names.items(), *groups.items(), *states.items()] if count > 1]
