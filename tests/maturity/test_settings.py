"""Settings as they are read, handed to a program, and written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from maturity.strategies import platform_settings

from terrace.maturity import ModelSettings, PlatformSettings
from terrace.maturity.regions import REGIONS
from terrace.settings import environments, from_config, load, program_config, write_keep, write_level

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_settings_that_ship_can_be_built_from(environment: str) -> None:
    """The three environments of a fresh checkout are sound, and live in the sandbox."""
    settings = load(ROOT, environment)
    assert settings.target == "sandbox"
    assert settings.environment == environment


def test_sizes_differ_by_environment() -> None:
    """dev is small and unprotected; prod is redundant, protected, and keeps logs for more than a year."""
    dev, prod = load(ROOT, "dev"), load(ROOT, "prod")
    assert (dev.effective_size, dev.protected, dev.zone_count, dev.nat_mode) == ("small", False, 2, "single")
    assert (prod.effective_size, prod.protected, prod.zone_count, prod.nat_mode) == ("redundant", True, 3, "per-zone")
    assert prod.log_retention >= 365
    assert prod.key_deletion_days == 30


def test_environments_are_the_files_there_are() -> None:
    """The environments of a platform are its settings files."""
    assert environments(ROOT) == ["dev", "prod", "staging"]


def test_pulumi_declares_every_key() -> None:
    """Pulumi.yaml declares each setting with type and description, and no other."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    keys = {field.alias for field in PlatformSettings.model_fields.values()} - {"environment"}
    assert set(declared) == keys
    assert all(entry["type"] and entry["description"] for entry in declared.values())


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_pulumi_fills_in_what_means_nothing(environment: str) -> None:
    """Pulumi wants a value of every declared key: the defaults in Pulumi.yaml leave settings as they are without."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    required = {key for key, entry in declared.items() if "default" not in entry}
    assert required == {field.alias for field in PlatformSettings.model_fields.values() if field.is_required()} - {
        "environment"
    }
    settings = load(ROOT, environment)
    texts = program_config(settings)
    for key, entry in declared.items():
        if key not in required:
            default = entry["default"]
            texts.setdefault(f"terrace:{key}", default if isinstance(default, str) else json.dumps(default))
    assert set(texts) == {f"terrace:{key}" for key in declared}
    assert from_config(PlatformSettings, texts, environment).model_dump() == settings.model_dump()


def test_every_region_has_sagemaker() -> None:
    """The regions that settings allow are those where AWS offers SageMaker."""
    import boto3

    assert set(REGIONS) == set(boto3.Session().get_available_regions("sagemaker"))


@pytest.mark.parametrize("model", [PlatformSettings, ModelSettings])
def test_the_schema_for_editors_is_current(model: type[Any]) -> None:
    """The exported JSON Schemas are those of the models; `make docs` writes them."""
    name = {"PlatformSettings": "platform", "ModelSettings": "model"}[model.__name__]
    exported = json.loads((ROOT / "docs" / "reference" / f"{name}-settings.schema.json").read_text())
    from terrace.settings import editor_schema

    assert exported == editor_schema(model)


@given(platform_settings())
def test_a_program_reads_back_what_an_engine_hands_it(settings: PlatformSettings) -> None:
    """Settings survive the way through Pulumi's configuration, which holds text alone."""
    texts = program_config(settings)
    assert all(isinstance(text, str) for text in texts.values())
    again = from_config(PlatformSettings, texts, settings.environment)
    assert again.model_dump() == settings.model_dump()


def test_keep_is_written_without_touching_the_rest(tmp_path: Path) -> None:
    """Writing what is kept leaves comments, order and quotes as they are; writing nothing takes the key away."""
    file = tmp_path / "Pulumi.dev.yaml"
    before = (ROOT / "stacks" / "Pulumi.dev.yaml").read_text()
    file.write_text(before)
    write_keep(file, ["packages", "observability"])
    assert yaml.safe_load(file.read_text())["config"]["terrace:keep"] == ["packages", "observability"]
    assert [line for line in file.read_text().splitlines() if "#" in line] == [
        line for line in before.splitlines() if "#" in line
    ]
    write_keep(file, [])
    assert file.read_text() == before


def test_a_level_is_written_without_touching_the_rest(tmp_path: Path) -> None:
    """Writing the level changes that line alone, and its comment stays."""
    file = tmp_path / "Pulumi.dev.yaml"
    before = (ROOT / "stacks" / "Pulumi.dev.yaml").read_text()
    file.write_text(before)
    write_level(file, 1)
    assert file.read_text() == before.replace("terrace:level: 0", "terrace:level: 1")
    assert list(tmp_path.iterdir()) == [file]


def test_reading_settings_does_not_need_pulumi() -> None:
    """Settings are read without importing pulumi; only a program of Pulumi's needs it."""
    program = (
        "import sys, terrace.settings; sys.exit(any(m in sys.modules for m in ('pulumi', 'boto3', 'ruamel.yaml')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_override_is_for_this_once(tmp_path: Path) -> None:
    """`--level` changes what is read and not the file."""
    assert load(ROOT, "dev", {"level": 1}).level == 1
    assert load(ROOT, "dev").level == 0
