"""A newer version meets what an older one made: it previews on its state and replaces nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from changes.baseline import ENVIRONMENTS, LEVELS, Baseline, files, write_infra
from sandbox_fixtures import sandbox

from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.sandbox import Running, session
from terrace.sandbox.provider.base import Props
from terrace.sandbox.provider.facade import SandboxProvider

__all__ = ["sandbox"]
ROOT = Path(__file__).parents[2]


def test_the_version_of_today_has_a_baseline() -> None:
    """Whoever changes the version writes its baseline (`python tests/changes/baseline.py`)."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    names = {file.name for file in files() if file.parent.name == version}
    stacks = {f"{kind}level-{n}-{env}.json" for kind in ("", "model-") for n in LEVELS for env in ENVIRONMENTS}
    assert names == stacks


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_a_version_made_is_never_replaced(file: Path, tmp_path: Path, sandbox: Running) -> None:
    """Today's program finds every resource of the state under its name: none is replaced, deleted or left behind."""
    baseline = Baseline.read(file)
    account = next(
        json.loads(found["inputs"]["allowedAccountIds"])[0]
        for found in baseline.resources
        if found["type"] == "pulumi:providers:aws"
    )
    for name, value in baseline.parameters.items():
        ssm = session(sandbox.url, account, "eu-central-1").client("ssm")
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    folder = tmp_path / "state" / baseline.project / baseline.stack
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps(baseline.state()))
    main = ROOT / "stacks" if baseline.project == "terrace" else write_infra(tmp_path / "infra")

    def connect(inputs: Props) -> SandboxProvider:
        provider = SandboxProvider(sandbox.url, tmp_path)
        provider.configure(inputs)
        return provider

    result = EmbeddedEngine(tmp_path, connect).preview(Program(baseline.project, baseline.stack, main, baseline.config))
    assert (result.replaced, result.deleted, result.kept) == ([], [], [])
    stores = {found["urn"] for found in baseline.resources if found.get("protect")}
    assert stores
    assert stores <= {change.urn for change in (*result.unchanged, *result.updated)}
