"""The only reader of configuration: `terrace:*` keys of `Pulumi.<env>.yaml`, or of a running Pulumi program.

Nothing is created from settings that were not read here. What is refused names file, key, value and what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from terrace.errors import SettingsError
from terrace.maturity import ModelSettings, PlatformSettings
from terrace.maturity.fields import Settings
from terrace.settings_problems import explain
from terrace.settings_yaml import read_mapping

NAMESPACE = "terrace"
Model = TypeVar("Model", bound=Settings)


def environments(root: Path) -> list[str]:
    """Return the names of the environments that have a settings file in `root/stacks`, sorted."""
    return _stacks(root / "stacks")


def load(root: Path, environment: str, overrides: Mapping[str, Any] | None = None) -> PlatformSettings:
    """Read the settings of a platform's environment from `root/stacks/Pulumi.<environment>.yaml`.

    Args:
        root: Folder of the platform's program.
        environment: Name of the environment.
        overrides: Settings for this once, by their name in the file: `{"level": 1}`.

    Raises:
        SettingsError: There is no such file, or its settings cannot be built from; every problem is named.
    """
    return _load(PlatformSettings, root / "stacks", environment, overrides, known=environments(root))


def load_model(infra: Path, environment: str, overrides: Mapping[str, Any] | None = None) -> ModelSettings:
    """Read the settings of a model in an environment from `infra/Pulumi.<environment>.yaml`.

    Raises:
        SettingsError: There is no such file, or its settings cannot be built from; every problem is named.
    """
    return _load(ModelSettings, infra, environment, overrides, known=_stacks(infra))


def program_config(settings: Settings) -> dict[str, str]:
    """Return settings as an engine hands them to a program: `terrace:key` → text, objects and lists as JSON.

    What is not set is left out; so is the environment, which is the stack's name.
    """
    said = settings.model_dump(by_alias=True, exclude_unset=True, exclude_none=True, mode="json")
    said.pop("environment", None)
    return {f"{NAMESPACE}:{key}": _as_text(value) for key, value in said.items()}


def from_config(model: type[Model], texts: Mapping[str, str], environment: str) -> Model:
    """Undo `program_config`.

    Args:
        model: What to read: `PlatformSettings` or `ModelSettings`.
        texts: Pulumi's configuration: `namespace:key` → text.
        environment: Name of the environment, which is the stack's.

    Raises:
        SettingsError: The configuration cannot be built from; every problem is named.
    """
    prefix = f"{NAMESPACE}:"
    said = {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}
    plain = _text_keys(model)
    typed = {key: text if key in plain else _from_text(text) for key, text in said.items()}
    return _validate(model, typed, environment, f"configuration of stack {environment}")


def editor_schema(model: type[Settings]) -> dict[str, Any]:
    """Return a JSON Schema of a settings file for editors: the keys as they stand there, `terrace:` included."""
    schema = model.model_json_schema(by_alias=True)
    properties = {
        f"{NAMESPACE}:{key}": value for key, value in schema.pop("properties").items() if key != "environment"
    }
    required = [f"{NAMESPACE}:{key}" for key in schema.pop("required") if key != "environment"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema.pop("title"),
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": properties,
                "required": required,
                "patternProperties": {f"^(?!{NAMESPACE}:)": {}},
                "additionalProperties": False,
            }
        },
        "required": ["config"],
        "$defs": schema.pop("$defs", {}),
    }


def from_pulumi() -> PlatformSettings:
    """Read a platform's settings inside its Pulumi program; the environment is the name of the stack.

    Raises:
        SettingsError: The configuration cannot be built from; every problem is named.
    """
    return _from_pulumi(PlatformSettings)


def model_from_pulumi() -> ModelSettings:
    """Read a model's settings inside its Pulumi program; the environment is the name of the stack.

    Raises:
        SettingsError: The configuration cannot be built from; every problem is named.
    """
    return _from_pulumi(ModelSettings)


def write_keep(path: Path, keep: Sequence[str]) -> None:
    """Write which capabilities keep their stores declared into a settings file; comments and order stay as they are.

    Args:
        path: The settings file.
        keep: Ids of the capabilities; none removes the key.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path)
    key = f"{NAMESPACE}:keep"
    if keep:
        document["config"][key] = list(keep)
    else:
        document["config"].pop(key, None)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _stacks(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def _load(
    model: type[Model], folder: Path, environment: str, overrides: Mapping[str, Any] | None, known: list[str]
) -> Model:
    path = folder / f"Pulumi.{environment}.yaml"
    if environment not in known:
        raise SettingsError(
            [f"There is no environment {environment!r}: {path} is missing."],
            f"There are: {', '.join(known) or 'none'}.",
        )
    config = read_mapping(path).get("config") or {}
    if not isinstance(config, dict):
        raise SettingsError([f"{path}: config must be a mapping of keys such as terrace:level to values."])
    said = {
        key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items() if key.startswith(f"{NAMESPACE}:")
    }
    return _validate(model, {**said, **(overrides or {})}, environment, str(path))


def _from_pulumi(model: type[Model]) -> Model:
    import pulumi
    from pulumi.runtime import config

    texts = {**config.get_config_env(), **config.CONFIG.get()}
    return from_config(model, texts, pulumi.get_stack())


def _validate(model: type[Model], said: dict[str, Any], environment: str, source: str) -> Model:
    if "environment" in said:
        raise SettingsError([f"{source}: terrace:environment cannot be set: the name of the stack is the environment."])
    try:
        return model.model_validate({**said, "environment": environment})
    except ValidationError as error:
        raise SettingsError(explain(error, model, source)) from None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _from_text(text: str) -> Any:
    """Undo `_as_text`; what is no JSON is left to the model to refuse."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text_keys(model: type[Settings]) -> set[str]:
    """Return the keys whose values are text, so that digits in them stay digits."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema(by_alias=True)["properties"]
    return {
        key
        for key, schema in properties.items()
        if any(one.get("type") == "string" for one in (schema, *schema.get("anyOf", ())))
    }
