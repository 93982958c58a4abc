"""The components as programs in other languages see them."""

import json
import subprocess
import sys
import typing
from pathlib import Path

import grpc
import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pydantic import BaseModel
from terrace_components import COMPONENTS
from terrace_components.model_args import ModelStackArgs
from terrace_components.platform_args import PlatformArgs

from terrace.maturity import CAPABILITIES, ModelSettings, PlatformSettings

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "components" / "schema.json").read_text())


def test_the_schema_is_what_the_host_serves() -> None:
    """`python components` serves the schema that is kept beside it (`python components schema` writes it)."""
    host = subprocess.Popen(
        [sys.executable, str(ROOT / "components"), "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert host.stdout is not None
        port = int(host.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            served = stub.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=20).schema
        assert json.loads(served) == SCHEMA
    finally:
        host.terminate()
        host.communicate(timeout=20)


def test_every_built_capability_is_a_component() -> None:
    """The catalogue names the component of each capability, and the package offers it."""
    offered = {component.__name__ for component in COMPONENTS}
    assert {c.component for c in CAPABILITIES.values() if c.component} <= offered
    assert {"Platform", "ModelStack"} <= offered


@pytest.mark.parametrize("section", ["resources", "types"])
def test_everything_is_described_in_every_language(section: str) -> None:
    """No component, argument or output is without a sentence of documentation."""
    for token, item in SCHEMA[section].items():
        assert item.get("description"), token
        for kind in ("inputProperties", "properties"):
            for key, value in (item.get(kind) or {}).items():
                assert value.get("description"), f"{token}.{key}"


def test_arguments_arrive_from_other_languages() -> None:
    """Keys come in camelCase and whole numbers as floats, and make the same settings."""
    provider = ComponentProvider(COMPONENTS, "terrace", None, "0.0.0")
    sent = {
        "organisation": "acme",
        "environment": "dev",
        "level": 1.0,
        "region": "eu-central-1",
        "owner": "owner@example.com",
        "kmsDeletionDays": 9.0,
        "budget": {"monthly": 500.0},
        "workbench": {"idleMinutes": 90.0},
        "teams": {"risk": {"costCenter": "r1"}},
    }
    arrived = provider.map_inputs(sent, provider._component_defs["Platform"])
    settings = PlatformSettings.model_validate(arrived)
    assert (settings.level, settings.kms_deletion_days, settings.workbench.idle_minutes) == (1, 9, 90)
    assert settings.teams["risk"].cost_center == "r1"


@pytest.mark.parametrize(("args", "settings"), [(PlatformArgs, PlatformSettings), (ModelStackArgs, ModelSettings)])
def test_arguments_mirror_the_settings(args: type, settings: type[BaseModel]) -> None:
    """What a settings file may say, a program in any language may say, and nothing else."""
    _compare(args, settings, args.__name__)


def _compare(args: typing.Any, settings: type[BaseModel], where: str) -> None:
    hints = typing.get_type_hints(args)
    assert set(hints) == set(settings.model_fields), where
    for key, field in settings.model_fields.items():
        assert (key in args.__required_keys__) == field.is_required(), f"{where}.{key}"
        nested_args = [t for t in _parts(hints[key]) if typing.is_typeddict(t)]
        nested_settings = [t for t in _parts(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)]
        assert len(nested_args) == len(nested_settings), f"{where}.{key}"
        for one, other in zip(nested_args, nested_settings, strict=True):
            _compare(one, other, f"{where}.{key}")


def _parts(annotation: typing.Any) -> list[typing.Any]:
    """Return an annotation and all that it is made of."""
    return [annotation, *(part for inner in typing.get_args(annotation) for part in _parts(inner))]
