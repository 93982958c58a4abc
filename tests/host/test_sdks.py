"""SDKs that Pulumi generates from the package, and the examples compiled with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from host.serving import ROOT, Host

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the package's SDK for each language, made by Pulumi's own generators."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go on this machine, which Pulumi's generators are built with")
    folder = tmp_path_factory.mktemp("sdks")
    variables = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    command = ["go", "run", "-trimpath", "./sdk", str(ROOT / "components" / "schema.json"), str(folder)]
    subprocess.run(command, cwd=ROOT / "tools" / "pulumi", env=variables, check=True, timeout=900)
    return folder


@pytest.fixture(scope="module")
def typescript(sdks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the TypeScript example as `pulumi install` leaves it."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm on this machine, which TypeScript comes with")
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(EXAMPLES / "typescript", folder, dirs_exist_ok=True)
    shutil.copytree(sdks / "nodejs", folder / "sdks" / "terrace")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)
    return folder


def test_the_typescript_example_compiles(typescript: Path) -> None:
    """TypeScript finds nothing wrong with the example, in its strictest mode."""
    assert _tsc(typescript) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("level: Level.MANUAL", "level: 9", "Type '9' is not assignable"),
        ("Size.SMALL", '"tiny"', "Type '\"tiny\"' is not assignable"),
        ('owner: "mlops@acme.example",', "", "Property 'owner' is missing"),
        ("idleMinutes: 120", "idleMinute: 120", "idleMinute"),
        ("platform.dataBucket", "platform.dataBuckets", "dataBuckets"),
    ],
    ids=["level", "size", "missing", "misspelt", "output"],
)
def test_typescript_refuses_what_the_components_would(typescript: Path, right: str, wrong: str, says: str) -> None:
    """Choices, required inputs and names are checked while typing."""
    program = typescript / "index.ts"
    text = program.read_text()
    assert text.count(right) == 1
    try:
        program.write_text(text.replace(right, wrong))
        assert says in _tsc(typescript)
    finally:
        program.write_text(text)


def test_the_python_example_declares_a_platform(sdks: Path, host: Host, tmp_path: Path) -> None:
    """Run with the generated SDK, the example asks for one component, and the host builds it."""
    program = EXAMPLES / "python" / "__main__.py"
    # All else that the generated SDK needs is in the checkout's environment.
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    for what in (["parver"], ["--no-deps", str(sdks / "python")]):
        subprocess.run([*install, str(tmp_path), *what], check=True, timeout=300)
    asked = _run(tmp_path, program)
    assert asked["type"] == "terrace:index:Platform"
    built = host.construct("Platform", asked["inputs"], name=asked["name"])
    assert built.state["level"] == 0
    assert "storage" in built.state["capabilities"]


def test_the_sdk_asks_for_the_version_of_the_package(sdks: Path) -> None:
    """Programs say which version they were written for, and Pulumi runs that one."""
    version = json.loads((ROOT / "components" / "schema.json").read_text())["version"]
    said = json.loads((sdks / "nodejs" / "package.json").read_text())["pulumi"]
    assert said == {"resource": True, "name": "terrace", "version": version}


def _tsc(folder: Path) -> str:
    command = [str(folder / "node_modules" / ".bin" / "tsc"), "--noEmit", "-p", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300).stdout


def _run(libraries: Path, program: Path) -> dict[str, Any]:
    """Return the one component that a program asks for, with its inputs as they go over the wire."""
    script = (
        "import json, runpy, sys; from components.recorder import record\n"
        f"graph = record(lambda: runpy.run_path({str(program)!r}, run_name='__main__'))\n"
        "(asked,) = [r for r in graph.resources if r.type.startswith('terrace:')]\n"
        "print(json.dumps({'type': asked.type, 'name': asked.name, 'inputs': asked.inputs}))\n"
    )
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(libraries), str(ROOT / "tests")])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
