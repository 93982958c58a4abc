"""A whole platform on Pulumi's own engine in the sandbox, seen through the AWS API."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pulumi_engine.shell import Shell, counts

from terrace.engines import open_embedded, open_pulumi
from terrace.platform import open_platform
from terrace.runs import program_of
from terrace.sandbox import Sandbox


def test_levels_up_and_down_and_away(shell: Shell) -> None:
    """Up, again, down, up, refresh and destroy do what they promise, as boto3 sees it."""
    made = shell.json("up", "dev", "--level", "1", "--engine", "pulumi")
    assert (made["engine"], made["target"], made["level"], made["kept"]) == ("pulumi", "sandbox", 1, [])
    total = made["resources"]["created"]
    assert counts(shell.json("up", "dev", "--level", "1")) == {"unchanged": total}
    buckets = {bucket["Name"]: bucket["CreationDate"] for bucket in shell.client("s3").list_buckets()["Buckets"]}
    bucket = made["outputs"]["data_bucket"]
    shell.client("s3").put_object(Bucket=bucket, Key="flights/1.csv", Body=b"1")
    domain = shell.client("codeartifact").list_domains()["domains"][0]

    down = shell.json("up", "dev", "--level", "0")
    assert down["kept"] == ["packages"]
    assert down["resources"]["created"] == down["resources"]["replaced"] == 0
    assert shell.client("codeartifact").list_domains()["domains"] == [domain]
    up = shell.json("up", "dev", "--level", "1")
    assert up["resources"]["deleted"] == up["resources"]["replaced"] == 0
    assert shell.client("codeartifact").list_domains()["domains"] == [domain]
    after = {bucket["Name"]: bucket["CreationDate"] for bucket in shell.client("s3").list_buckets()["Buckets"]}
    assert after == buckets

    shell.client("s3").delete_bucket_policy(Bucket=bucket)
    assert shell.json("refresh", "dev")["resources"]["deleted"] == 1
    assert counts(shell.json("up", "dev", "--level", "1")) == {"created": 1, "unchanged": total - 1}
    assert json.loads(shell.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]

    assert "hold data" in shell("destroy", "dev", expect=1)[1]
    assert shell.client("s3").get_object(Bucket=bucket, Key="flights/1.csv")["Body"].read() == b"1"
    shell("destroy", "dev", "--delete-data", "--yes")
    assert shell.client("s3").list_buckets()["Buckets"] == []
    assert shell.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"] == []
    assert shell.client("iam").list_roles()["Roles"] == []


def test_both_engines_make_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resource by resource, both engines send the same inputs, get the same outputs, and say the same in JSON."""
    found, said = {}, {}
    for engine in ("embedded", "pulumi"):
        shell = Shell(tmp_path / engine)
        monkeypatch.setenv("TERRACE_HOME", str(shell.home))
        monkeypatch.setenv("PULUMI_HOME", shell.environment["PULUMI_HOME"])
        try:
            said[engine] = shell.json("up", "dev", "--level", "1", "--engine", engine)
            again = shell.json("preview", "dev", "--level", "1", "--engine", engine)
            assert counts(again) == {"unchanged": said[engine]["resources"]["created"]}
            platform = open_platform(shell.folder, "dev", {"level": 1})
            target = platform.target(start=False)
            opened: Any = open_embedded(target) if engine == "embedded" else open_pulumi(target)
            found[engine] = _comparable(opened.resources(program_of(platform)))
        finally:
            Sandbox(shell.home).stop()
    assert found["pulumi"].keys() == found["embedded"].keys()
    for urn, resource in found["embedded"].items():
        assert found["pulumi"][urn] == resource, urn
    for engine in said:
        said[engine].pop("seconds")
        said[engine]["outputs"] = _without_ids(said[engine]["outputs"])
        assert said[engine].pop("engine") == engine
    assert said["pulumi"] == said["embedded"]


def test_a_program_is_run_by_hand(shell: Shell) -> None:
    """`pulumi up` typed in the folder makes what `terrace up` makes, in the same stack: the other has nothing to do."""
    shell("sandbox", "start")
    environment = {**shell.environment, **shell.variables()}
    (shell.folder / "Pulumi.yaml").write_text(
        (shell.folder / "Pulumi.yaml").read_text().replace("virtualenv: .venv", "")
    )

    def pulumi(*args: str) -> str:
        done = subprocess.run(
            ["pulumi", *args, "--non-interactive", "--color", "never"],
            cwd=shell.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init", "dev")
    total = re.search(r"\+ (\d+) created", pulumi("up", "--stack", "dev", "--yes", "--skip-preview"))
    assert total is not None
    assert int(total[1]) > 80
    said = shell.json("up", "dev")
    assert said["engine"] == "pulumi"
    assert set(counts(said)) == {"unchanged"}
    assert "unchanged" in pulumi("preview", "--stack", "dev")
    assert pulumi("stack", "output", "data_bucket", "--stack", "dev").strip() == said["outputs"]["data_bucket"]


def test_a_stack_moves_from_one_engine_to_the_other(shell: Shell) -> None:
    """A stack of the embedded engine is refused to Pulumi until it is imported; nothing is made anew."""
    made = shell.json("up", "dev", "--engine", "embedded")
    assert "terrace import dev --from embedded" in shell("up", "dev", "--engine", "pulumi", expect=1)[1]
    assert shell.json("up", "dev")["engine"] == "embedded"
    calls = shell.calls()
    shell("import", "dev", "--from", "embedded")
    assert shell.calls() == calls
    said = shell.json("up", "dev")
    assert (said["engine"], counts(said)) == ("pulumi", {"unchanged": made["resources"]["created"]})
    assert "Pulumi has the state" in shell("up", "dev", "--engine", "embedded", expect=1)[1]
    assert said["outputs"] == made["outputs"]


def test_what_exists_is_imported_by_its_name(shell: Shell) -> None:
    """A bucket that was there before is taken in, and the next run brings it to what the program says."""
    shell("sandbox", "start")
    name = "acme-dev-data-" + open_platform(shell.folder, "dev").settings.account_id
    shell.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    shell.client("s3").put_object(Bucket=name, Key="old", Body=b"1")
    assert "BucketAlreadyOwnedByYou" in shell("up", "dev", "--engine", "pulumi", expect=1)[1]
    assert (
        "Near it: platform-storage-data-bucket"
        in shell("import", "dev", "platform-storage-data-buckt", "x", expect=1)[1]
    )
    shell("import", "dev", "platform-storage-data-bucket", "no-such-bucket", expect=1)
    shell("import", "dev", "platform-storage-data-bucket", name)
    shell("up", "dev")
    assert counts(shell.json("up", "dev")).keys() == {"unchanged"}
    assert shell.client("s3").get_object(Bucket=name, Key="old")["Body"].read() == b"1"
    assert shell.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]


IDS = re.compile(
    r"\b(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[a-z]+(?:-[a-z]+)*-[0-9a-f]{8,17}|A[A-Z0-9]{15,20})\b"
)
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?")
ADDRESSES = re.compile(r"\b\d{1,3}(?:[.-]\d{1,3}){3}\b|[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
MADE_UP = re.compile(r"vpce-svc-\w+|(?<=-)[0-9a-f]{8}(?=\.)|\b[0-9A-F]{13}\b")


def _without_ids(value: Any) -> Any:
    """Return a value without what AWS makes up anew each time."""
    text = json.dumps(value, sort_keys=True)
    for pattern in (IDS, TIMES, ADDRESSES, MADE_UP):
        text = pattern.sub("*", text)
    return json.loads(text)


def _comparable(resources: Any) -> dict[str, Any]:
    return {
        resource.urn: _without_ids(
            {
                "type": resource.type,
                "parent": resource.parent,
                "protect": resource.protect,
                "inputs": dict(resource.inputs),
                "outputs": dict(resource.outputs),
            }
        )
        for resource in resources
        if resource.custom and not resource.type.startswith("pulumi:")
    }
