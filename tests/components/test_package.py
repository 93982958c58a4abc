"""The components as programs in other languages see them."""

import enum
import json
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel
from terrace_components import COMPONENTS, choices
from terrace_components.model_args import ModelStackArgs
from terrace_components.package import Package
from terrace_components.platform_args import PlatformArgs

from terrace.maturity import CAPABILITIES, LEVELS, ModelSettings, PlatformSettings, settings
from terrace.maturity.model_settings import BUILT_MODES

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "components" / "schema.json").read_text())


def test_the_schema_is_kept_beside_the_host() -> None:
    """`schema.json` is what the package says of itself (`python components schema` writes it)."""
    assert Package().schema + "\n" == (ROOT / "components" / "schema.json").read_text()


def test_every_built_capability_is_a_component() -> None:
    """The catalogue names the component of each capability, and the package offers it."""
    offered = {component.__name__ for component in COMPONENTS}
    assert {c.component for c in CAPABILITIES.values() if c.component} <= offered
    assert {"Platform", "ModelStack"} <= offered


@pytest.mark.parametrize("section", ["resources", "types"])
def test_everything_is_described_in_every_language(section: str) -> None:
    """No component, argument, output or choice is without a sentence of documentation."""
    for token, item in SCHEMA[section].items():
        assert item.get("description"), token
        for kind in ("inputProperties", "properties"):
            for key, value in (item.get(kind) or {}).items():
                assert value.get("description"), f"{token}.{key}"
        for choice in item.get("enum", ()):
            assert choice.get("description"), f"{token}.{choice['name']}"


@pytest.mark.parametrize(
    ("choices", "model", "key"),
    [
        (choices.Size, PlatformSettings, "size"),
        (choices.DataClass, PlatformSettings, "data_class"),
        (choices.Nat, settings.Network, "nat"),
        (choices.Auth, settings.Workbench, "auth"),
        (choices.PackageSource, settings.Packages, "source"),
    ],
)
def test_choices_are_those_of_the_settings(choices: type[enum.Enum], model: type[BaseModel], key: str) -> None:
    """An enum offers what the settings take, and nothing else."""
    literals = [part for part in _parts(model.model_fields[key].annotation) if isinstance(part, str)]
    assert [choice.value for choice in choices] == literals


def test_levels_and_modes_are_those_there_are() -> None:
    """Every level is offered, and every mode that can be built."""
    assert [level.value for level in choices.Level] == list(LEVELS)
    assert tuple(mode.value for mode in choices.Mode) == BUILT_MODES


def test_what_is_chosen_from_few_is_an_enum() -> None:
    """Levels, modes and sizes are enums wherever they are inputs."""
    chosen = {"level", "mode", "size", "dataClass", "nat", "auth", "source"}
    for section, where in (("resources", "inputProperties"), ("types", "properties")):
        for token, item in SCHEMA[section].items():
            for key in chosen & set(item.get(where, ())):
                assert SCHEMA["types"][item[where][key]["$ref"].split("/")[-1]]["enum"], f"{token}.{key}"


def test_no_list_holds_choices() -> None:
    """Lists of enums arrive broken in components, so there are none."""
    for section in ("resources", "types"):
        for token, item in SCHEMA[section].items():
            for where in ("inputProperties", "properties"):
                for key, value in item.get(where, {}).items():
                    inner = value.get("items", value.get("additionalProperties", {})).get("$ref", "")
                    assert "enum" not in SCHEMA["types"].get(inner.split("/")[-1], {}), f"{token}.{key}"


def test_arguments_arrive_from_other_languages() -> None:
    """Keys come in camelCase and whole numbers as floats, and make the same settings."""
    package = Package()
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
    arrived = package.map_inputs(sent, package._component_defs["Platform"])
    assert type(arrived["level"]) is int
    assert type(arrived["kms_deletion_days"]) is int
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
