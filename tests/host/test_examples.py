"""The programs in `examples/`: whole, and about inputs and outputs that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from components.programs import contract_of
from host import samples
from host.serving import ROOT, Host
from pydantic.alias_generators import to_camel

EXAMPLES = ROOT / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/Pulumi.yaml"))
YAML = [folder for folder in FOLDERS if folder.name.startswith("yaml")]
CONTRACT = {"/terrace/dev/platform": contract_of("dev", 0)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_takes_the_package_from_the_checkout(folder: Path) -> None:
    """`packages:` of each example names the folder that holds `PulumiPlugin.yaml`."""
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    package = folder / project["packages"]["terrace"]
    assert (package / "PulumiPlugin.yaml").is_file()
    assert (folder / "README.md").is_file()
    assert f"[{folder.name}]({folder.name}/README.md)" in (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize("folder", YAML, ids=lambda folder: folder.name)
def test_a_yaml_program_uses_what_there_is(host: Host, folder: Path) -> None:
    """Its components are built from its properties, and its outputs are outputs of theirs."""
    program = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    outputs = {}
    for name, resource in program["resources"].items():
        kind = resource["type"].split(":")[-1]
        outputs[name] = host.construct(kind, resource["properties"], name=name, parameters=CONTRACT).state
        _typed(resource["properties"], samples.COMPONENTS[kind]["inputProperties"], kind)
    for expression in program["outputs"].values():
        found = re.fullmatch(r"\$\{(\w+)\.(\w+)\}", expression)
        assert found, expression
        assert found[2] in outputs[found[1]]


def test_the_python_program_uses_what_there_is(host: Host) -> None:
    """Its keywords are inputs of the component, and its exports are outputs."""
    tree = ast.parse((EXAMPLES / "python" / "__main__.py").read_text())
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Platform"
    ]
    given = {to_camel(keyword.arg) for keyword in call.keywords if keyword.arg}
    taken = samples.COMPONENTS["Platform"]
    assert set(taken["requiredInputs"]) <= given <= set(taken["inputProperties"])
    exported = {
        to_camel(node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "platform"
    }
    assert exported
    assert exported <= set(taken["properties"])


def test_the_languages_say_the_same(host: Host) -> None:
    """The platforms of the examples differ in nothing but the language."""
    inputs = yaml.safe_load((EXAMPLES / "yaml" / "Pulumi.yaml").read_text())["resources"]["platform"]["properties"]
    for program in ("typescript/index.ts", "python/__main__.py"):
        text = (EXAMPLES / program).read_text()
        for value in ("acme", "mlops@acme.example", "eu-central-1", "10.0.0.0/16"):
            assert value in text
            assert value in str(inputs)


def _typed(given: dict[str, Any], taken: dict[str, Any], where: str) -> None:
    """Compare values with the schema's types, without what the host forgives."""
    kinds: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list}
    for key, value in given.items():
        definition = taken[key]
        if "$ref" in definition:
            found = samples.SCHEMA["types"][definition["$ref"].removeprefix("#/types/")]
            if "enum" in found:
                assert value in [choice["value"] for choice in found["enum"]], f"{where}.{key}"
            else:
                assert set(found.get("required", ())) <= set(value), f"{where}.{key}"
                _typed(value, found["properties"], f"{where}.{key}")
        elif "additionalProperties" in definition:
            for name, item in value.items():
                _typed({name: item}, {name: definition["additionalProperties"]}, f"{where}.{key}")
        else:
            assert isinstance(value, kinds[definition["type"]]), f"{where}.{key}"
