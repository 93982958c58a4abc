"""The component package as Pulumi's command line and engine take it: its schema, and programs that use it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pulumi_engine.shell import Shell

from terrace.engine.pulumi.language import serve
from terrace.maturity.names import made_up_account
from terrace.sandbox.plugin.language import Language

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "components" / "schema.json"
EXAMPLES = ROOT / "examples"
PROGRAM = """
import json, pathlib, pulumi

resources = json.loads(pathlib.Path("resources.json").read_text())
for name, (kind, args, outputs) in resources.items():
    made = pulumi.ComponentResource(kind, name, {**args, **dict.fromkeys(outputs)}, remote=True)
    for output in outputs:
        pulumi.export(output, getattr(made, output))
"""


@pytest.fixture
def languages() -> Iterator[dict[str, str]]:
    """Return the variable that makes Pulumi take this environment's Python, whatever hosts it has."""
    with serve(Language()) as port:
        yield {"PULUMI_DEBUG_LANGUAGES": f"python:{port}", "PULUMI_SKIP_UPDATE_CHECK": "1"}


def test_the_command_line_reads_the_schema_that_is_kept(languages: dict[str, str], tmp_path: Path) -> None:
    """`pulumi package get-schema ./components` prints `components/schema.json`, to the letter."""
    assert _pulumi(ROOT, {**languages, "PULUMI_HOME": str(tmp_path)}, "package", "get-schema", "./components") == (
        SCHEMA.read_text()
    )


def test_the_package_is_read_from_a_tree_without_its_checkout(languages: dict[str, str], tmp_path: Path) -> None:
    """What a clone of the repository holds is enough, as it is when Pulumi takes the package from a URL."""
    tree = tmp_path / "tree"
    tree.mkdir()
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    variables = {**languages, "PULUMI_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tree / "src")}
    said = _pulumi(tmp_path, variables, "package", "get-schema", str(tree / "components"))
    assert said == SCHEMA.read_text()


def test_the_example_in_yaml_is_built_by_pulumis_engine(shell: Shell, languages: dict[str, str]) -> None:
    """The example's platform stands in the sandbox, and the same again changes nothing; so does the model on it."""
    shell("sandbox", "start")
    variables = {**shell.environment, **shell.variables(), **languages}
    for example, outputs in (("yaml", ["dataBucket", "contractParameter"]), ("yaml-model", ["endpoint", "missing"])):
        folder = _project(shell.folder.parent / example, example, outputs)
        _pulumi(folder, variables, "stack", "init", "dev")
        assert "created" in _pulumi(folder, variables, "up", "--stack", "dev", "--yes", "--skip-preview")
        again = _pulumi(folder, variables, "up", "--stack", "dev", "--yes", "--skip-preview")
        assert not {"created", "updated", "replaced", "deleted"} & set(again.split("Resources:")[-1].split())
        found = json.loads(_pulumi(folder, variables, "stack", "output", "--json", "--stack", "dev"))
        assert set(found) == set(outputs)
    assert found["endpoint"] == "acme-dev-ml-flights"
    buckets = {bucket["Name"] for bucket in shell.client("s3").list_buckets()["Buckets"]}
    assert f"acme-dev-data-{made_up_account('dev')}" in buckets


def test_pulumis_engine_shows_which_input_is_bad(shell: Shell, languages: dict[str, str]) -> None:
    """Who misspelt a value reads the property, the value and what is allowed, before anything is made."""
    shell("sandbox", "start")
    variables = {**shell.environment, **shell.variables(), **languages}
    folder = _project(shell.folder.parent / "bad", "yaml", ["dataBucket"])
    resources = json.loads((folder / "resources.json").read_text())
    resources["platform"][1] |= {"level": 9, "size": "smal"}
    (folder / "resources.json").write_text(json.dumps(resources))
    _pulumi(folder, variables, "stack", "init", "dev")
    said = _pulumi(folder, variables, "preview", "--stack", "dev", fails=True)
    assert "property level with value '{9}' has a problem: level is 9, but must be one of 0, 1, 2, 3, 4." in said
    assert "size is 'smal', but must be one of small, standard, redundant. Did you mean small?" in said
    assert shell.client("s3").list_buckets()["Buckets"] == []


def _project(folder: Path, example: str, outputs: list[str]) -> Path:
    """Write a program with the resources and the configuration of an example, for the engine without YAML's host."""
    folder.mkdir(parents=True)
    said = yaml.safe_load((EXAMPLES / example / "Pulumi.yaml").read_text())
    resources = {name: (one["type"], one["properties"], outputs) for name, one in said["resources"].items()}
    project = {"name": said["name"], "runtime": "python", "packages": {"terrace": str(ROOT / "components")}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "resources.json").write_text(json.dumps(resources))
    shutil.copy(EXAMPLES / example / "Pulumi.dev.yaml", folder)
    return folder


def _pulumi(folder: Path, variables: dict[str, str], *args: str, fails: bool = False) -> str:
    done = subprocess.run(
        ["pulumi", *args, *(() if args[0] == "package" else ("--color", "never")), "--non-interactive"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout
