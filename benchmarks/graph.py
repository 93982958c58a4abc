"""The resource graph alone: the components of a platform against a flat program with the same resources."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from terrace.engine import Program
from terrace.engine.embedded import EmbeddedEngine
from terrace.sandbox.provider.base import UNKNOWN, Diff, State


class Nothing:
    """A provider that makes nothing, at once."""

    def configure(self, inputs: Any) -> None:
        """Take anything."""

    def knows(self, type: str) -> bool:
        """Know everything."""
        return True

    def is_store(self, type: str) -> bool:
        """Hold nothing."""
        return False

    def check(self, urn: str, type: str, inputs: Any) -> list[Any]:
        """Refuse nothing."""
        return []

    def diff(self, urn: str, type: str, old: Any, new: Any, ignore: Any = (), **_: Any) -> Diff:
        """See no change."""
        return Diff()

    def create(self, urn: str, type: str, inputs: Any, *, preview: bool = False) -> State:
        """Echo the inputs, with the outputs that programs read."""
        if preview:
            return State("", {**inputs, "id": UNKNOWN, "arn": UNKNOWN})
        name = urn.rsplit("::", 1)[1]
        return State(
            name,
            {"id": name, "arn": f"arn:aws:x:::{name}", "url": name, "repositoryUrl": name, "keyId": name, **inputs},
        )

    def read(self, urn: str, type: str, id: str, inputs: Any) -> State:
        """Have everything."""
        return State(id, inputs)

    def update(self, urn: str, type: str, id: str, old: Any, new: Any, *, preview: bool = False) -> State:
        """Echo the inputs."""
        return State(id, new)

    def delete(self, urn: str, type: str, id: str, inputs: Any) -> None:
        """Do nothing."""

    def invoke(self, token: str, args: Any) -> Any:
        """Answer with zones, which is all that a platform asks."""
        return {"names": ["eu-central-1a", "eu-central-1b", "eu-central-1c"], "zoneIds": ["a", "b", "c"], "id": "x"}


def up(home: Path, program: Program) -> Callable[[], Any]:
    """Return a first `up` of a program on nothing."""
    return lambda: EmbeddedEngine(home, lambda _inputs: Nothing()).up(program)


def flat(engine: EmbeddedEngine, program: Program, path: Path) -> Path:
    """Write a program that declares the same resources with the same inputs, without any component."""
    rows = [
        (resource.type, resource.name, dict(resource.inputs))
        for resource in engine.resources(program)
        if resource.custom and not resource.type.startswith("pulumi:")
    ]
    lines = [
        "import pulumi",
        "import pulumi_aws as aws",
        "provider = aws.Provider('aws', region='eu-central-1', allowed_account_ids=['999999999999'])",
        "opts = pulumi.ResourceOptions(provider=provider)",
    ]
    for kind, name, inputs in rows:
        service, _, thing = kind.removeprefix("aws:").partition("/")
        said = ", ".join(f"{_snake(key)}={value!r}" for key, value in inputs.items())
        lines.append(f"aws.{service}.{thing.rpartition(':')[2]}({name!r}, opts=opts, {said})")
    text = "\n".join(lines) + "\n"
    path.mkdir(parents=True)
    (path / "__main__.py").write_text(text)
    return path


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


__all__ = ["Nothing", "flat", "up"]
