"""The state that a version left, kept for the versions after it.

`python tests/changes/baseline.py` writes the files of the version in pyproject.toml: run it when a version is released,
and never again for that version. Each file is one stack: its configuration, the parameters that its program reads, and
its resources as the embedded engine records them, without what equals something else in the file.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "baselines"
ENVIRONMENTS = ("dev", "staging", "prod")
LEVELS = (0, 1, 2)
INFRA = Path(__file__).parents[2] / "templates" / "model" / "project" / "infra" / "__main__.py.jinja"
DROPPED = ("dependencies", "property_dependencies", "kept", "replaced")
COMPUTED = ("tagsAll", "dnsEntries", "networkInterfaceIds", "insecureValue")
"""Outputs that no program reads."""


@dataclass(frozen=True)
class Baseline:
    """One stack as a version left it."""

    project: str
    stack: str
    config: dict[str, str]
    parameters: dict[str, str]
    resources: list[dict[str, Any]]
    version: str = ""

    @classmethod
    def read(cls, file: Path) -> Baseline:
        """Read a file, and put back what was left out."""
        held = json.loads(file.read_text())
        for resource in held["resources"]:
            resource["outputs"] = {**resource.get("inputs", {}), **resource.get("outputs", {})}
        return cls(**held, version=file.parent.name)

    def write(self, file: Path) -> None:
        """Write a file: a line a resource, so that versions can be compared."""
        head = json.dumps({"project": self.project, "stack": self.stack, "config": self.config}, indent=1)[:-2]
        lines = ",\n".join(json.dumps(_short(resource), separators=(",", ":")) for resource in self.resources)
        parameters = json.dumps(self.parameters, separators=(",", ":"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{head},\n "parameters": {parameters},\n "resources": [\n{lines}\n ]\n}}\n')

    def state(self) -> dict[str, Any]:
        """Return the embedded engine's state file."""
        return {"version": 1, "incarnation": None, "outputs": {}, "resources": self.resources}


def files() -> list[Path]:
    """Return every baseline of every version."""
    return sorted(FOLDER.glob("*/*.json"))


def write_infra(folder: Path) -> Path:
    """Write a model's program as the template has it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__main__.py").write_text(INFRA.read_text().replace("{{ project_name }}", "Flights"))
    (folder / "Pulumi.yaml").write_text("name: flights\nruntime: python\n")
    return folder


def _short(resource: dict[str, Any]) -> dict[str, Any]:
    inputs = resource.get("inputs", {})
    said = resource.get("outputs", {})
    outputs = {name: value for name, value in said.items() if inputs.get(name) != value and name not in COMPUTED}
    left = {name: value for name, value in resource.items() if name not in (*DROPPED, "outputs")}
    return {**left, "outputs": outputs} if outputs else left


def _make(folder: Path) -> Iterator[tuple[str, Baseline]]:
    """Build every stack in a sandbox of its own, and yield the state that it leaves."""
    from terrace import runs
    from terrace.contracts import read_platform
    from terrace.engine import Program
    from terrace.engine.embedded import EmbeddedEngine
    from terrace.engines import open_embedded
    from terrace.maturity import ModelSettings
    from terrace.platform import open_platform, write_program
    from terrace.settings import program_config

    write_program(folder / "platform")
    infra = write_infra(folder / "flights" / "infra")
    for environment in ENVIRONMENTS:
        for level in LEVELS:
            platform = open_platform(folder / "platform", environment, {"level": level})
            runs.up_platform(platform, runs.Options("embedded"))
            target = platform.target()
            contract = read_platform(target, environment)
            assert contract is not None
            settings = ModelSettings(
                environment=environment,
                model="flights",
                team="operations",
                owner="mlops@acme.example",
                region=contract.region,
            )
            program = Program("flights", environment, infra, program_config(settings))
            engine: EmbeddedEngine = open_embedded(target)
            engine.up(program)
            reads = {f"/terrace/{environment}/platform": contract.to_json()}
            for name, one, parameters in (("", runs.program_of(platform), {}), ("model-", program, reads)):
                file = folder / "home" / "state" / one.project / environment / "state.json"
                held = json.loads(file.read_text())["resources"]
                baseline = Baseline(one.project, environment, dict(one.config), parameters, held)
                yield f"{name}level-{level}-{environment}.json", baseline


def main() -> None:
    """Write the baselines of this version."""
    import tomllib

    from terrace.sandbox import Sandbox

    root = Path(__file__).parents[2]
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory(prefix="terrace-baseline-") as folder:
        os.environ["TERRACE_HOME"] = str(Path(folder) / "home")
        try:
            for name, baseline in _make(Path(folder)):
                baseline.write(FOLDER / version / name)
                sys.stderr.write(f"wrote {FOLDER / version / name}\n")
        finally:
            Sandbox(Path(folder) / "home").stop()


if __name__ == "__main__":
    main()
