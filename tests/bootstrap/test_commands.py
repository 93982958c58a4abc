"""`terrace bootstrap` and the cost of a preview, as a person or a script types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from terrace.engine.pulumi.where import find_cli
from terrace.platform import write_program
from terrace.sandbox import Running, Sandbox
from terrace.target import Target

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A platform from `terrace init`, with a home of its own."""
    folder = tmp_path_factory.mktemp("platform")
    home = tmp_path_factory.mktemp("home")

    def run(*args: str, expect: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "TERRACE_HOME": str(home), **more}
        command = [sys.executable, "-m", "terrace.cli", *args]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    run("init", ".")
    yield run
    Sandbox(home).stop()


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    """Return what a command printed, which is one object."""
    return json.loads(done.stdout)


def test_a_check_reports_in_order_and_makes_nothing(shell: Shell) -> None:
    """Account, what exists, quotas, idle cost: for people and as one object; the run after it still makes all."""
    text = shell("bootstrap", "dev", "--check").stdout
    titles = ["Account ", "What exists and can be brought", "Quotas that level 0 needs", "Idle cost a month"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    report = as_json(shell("bootstrap", "dev", "--check", "--json"))
    assert list(report)[2:7] == ["account", "existing", "quotas", "requests", "idle_cost"]
    assert report["could_not_be_read"], "the sandbox has no Service Quotas, and that is said"
    made = as_json(shell("bootstrap", "dev", "--json"))
    assert {step["outcome"] for step in made["steps"]} == {"made", "left out"}
    assert made["next"][-1].startswith("pulumi stack init dev --secrets-provider='awskms://alias/acme-dev-state?")


def test_a_second_run_says_that_nothing_changed(shell: Shell) -> None:
    """And still prints what to type next."""
    shell("bootstrap", "staging")
    done = shell("bootstrap", "staging").stdout
    assert "Nothing changed" in done
    assert "export PULUMI_BACKEND_URL='s3://acme-staging-state-" in done


def test_a_preview_says_what_it_would_cost(shell: Shell) -> None:
    """In a line or two of text, and under `idle_cost` as data."""
    assert "idle cost: $" in shell("preview", "dev", "--level", "1").stdout
    said = as_json(shell("preview", "dev", "--level", "1", "--json"))["idle_cost"]
    assert said["monthly_usd_known"] > 100
    assert said["unknown"] == ["1 × alarm (observability)"]
    assert sum(row["monthly_usd"] or 0 for row in said["rows"]) == pytest.approx(said["monthly_usd_known"])


def test_credentials_of_another_account_are_refused_before_the_first_write(
    shell: Shell, sandbox: Running, tmp_path: Path
) -> None:
    """An environment on AWS is bootstrapped with its own account's credentials or not at all."""
    platform = tmp_path / "aws"
    shell("init", str(platform))
    settings = platform / "stacks" / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text() + '  terrace:account: "799000000001"\n')

    def reaching(account: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": sandbox.url,
            "AWS_ACCESS_KEY_ID": f"AKIA{account}AAAA",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    wrong = shell("bootstrap", "dev", "-C", str(platform), expect=1, **reaching("799000000002"))
    assert "are of account 799000000002, but the settings say 799000000001" in wrong.stderr
    right = as_json(shell("bootstrap", "dev", "-C", str(platform), "--json", **reaching("799000000001")))
    assert (right["target"], right["account"]) == ("aws", "799000000001")
    assert right["steps"][0]["outcome"] == "made", "the refused run made nothing"
    report = as_json(shell("bootstrap", "dev", "--check", "-C", str(platform), "--json", **reaching("799000000001")))
    assert report["account"]["credentials"] == "env"


def test_check_and_write_exclude_each_other(shell: Shell) -> None:
    """One reads, the other writes: both together are a usage error."""
    assert "give one of them" in shell("bootstrap", "dev", "--check", "--write", "x", expect=2).stderr


@pytest.mark.skipif(find_cli() is None, reason="Pulumi's command line is not on this machine")
def test_what_it_says_to_type_next_works(tmp_path: Path) -> None:
    """The printed lines, typed as they are, make a stack: its state is in the bucket, its secrets are the key's."""
    cli, root, home = find_cli(), tmp_path / "platform", tmp_path / "home"
    assert cli is not None
    folders = f"{Path(sys.executable).parent}:{cli.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "TERRACE_HOME": str(home), "PULUMI_HOME": str(tmp_path / "pulumi"), "PATH": folders}
    write_program(root)
    try:
        command = [sys.executable, "-m", "terrace.cli", "bootstrap", "dev", "--json"]
        made = json.loads(subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True).stdout)
        lines = ["set -e", *made["next"], "pulumi config set --secret terrace:probe s3cret -s dev"]
        typed = subprocess.run(
            ["bash", "-c", "\n".join(lines)], cwd=root, env=environment, capture_output=True, text=True
        )
        assert typed.returncode == 0, typed.stderr
        settings = (root / "stacks" / "Pulumi.dev.yaml").read_text()
        assert f"secretsprovider: {made['secrets_provider']}" in settings
        assert "s3cret" not in settings
        running = Sandbox(home).running()
        assert running is not None
        s3 = Target("sandbox", made["account"], made["region"], running.url).client("s3")
        objects = s3.list_objects_v2(Bucket=f"acme-dev-state-{made['account']}")["Contents"]
        assert any("stacks/terrace/dev" in found["Key"] for found in objects)
    finally:
        Sandbox(home).stop()
