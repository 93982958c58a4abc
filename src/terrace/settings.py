"""The only reader of configuration: `terrace:*` keys of `Pulumi.<env>.yaml`, or of a running Pulumi program.

Nothing is created from settings that were not read here. What is refused names file, key, value and what is allowed.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from terrace.errors import SettingsError
from terrace.maturity import ModelSettings, PlatformSettings
from terrace.maturity.fields import Settings
from terrace.settings_problems import explain
from terrace.settings_yaml import read_mapping

NAMESPACE = "terrace"
PULUMI_KEYS = ("config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment")
"""What may stand in a `Pulumi.<environment>.yaml`: our settings are under `config`, the rest is Pulumi's."""
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
        texts: Pulumi's configuration: `namespace:key` → text. An empty text is none: Pulumi requires a value of every
            key that Pulumi.yaml declares, and the empty one is its default there for what has no fixed default.
        environment: Name of the environment, which is the stack's.

    Raises:
        SettingsError: The configuration cannot be built from; every problem is named.
    """
    source = f"configuration of stack {environment}"
    said = {key: text for key, text in _ours(texts, source).items() if text}
    plain = _text_keys(model)
    typed = {key: text if key in plain else _from_text(text) for key, text in said.items()}
    return _validate(model, typed, environment, source)


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
    _write(path, "keep", list(keep) or None)


def write_level(path: Path, level: int) -> None:
    """Write the maturity level, 0 to 4, into a settings file; comments and order stay as they are."""
    _write(path, "level", level)


def _write(path: Path, key: str, value: Any) -> None:
    """Set a key of a settings file, or remove it if the value is None."""
    from ruamel.yaml import YAML

    read_mapping(path)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path)
    if value is None:
        document["config"].pop(f"{NAMESPACE}:{key}", None)
    else:
        document["config"][f"{NAMESPACE}:{key}"] = value
    text = StringIO()
    yaml.dump(document, text)
    # Written beside and renamed, so that a crash leaves the old file or the new one.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text.getvalue(), encoding="utf-8")
    beside.replace(path)


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
    found = read_mapping(path)
    _refuse_unknown(found, PULUMI_KEYS, str(path))
    config = found.get("config") or {}
    if not isinstance(config, dict):
        raise SettingsError([f"{path}: config must be a mapping of keys such as terrace:level to values."])
    said = _ours(config, str(path))
    return _validate(model, {**said, **(overrides or {})}, environment, str(path))


def _ours(config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the keys of our namespace, without it. Those of other programs are left alone.

    Raises:
        SettingsError: A key has no namespace, or one that looks like ours misspelt.
    """
    problems = []
    for key in config:
        namespace, colon, name = key.rpartition(":")
        if not colon:
            problems.append(f"{source}: the key {key} has no namespace. Did you mean {NAMESPACE}:{key}?")
        elif namespace != NAMESPACE and difflib.get_close_matches(namespace.lower(), [NAMESPACE], cutoff=0.75):
            problems.append(f"{source}: unknown key {key}. Did you mean {NAMESPACE}:{name}?")
    if problems:
        raise SettingsError(problems)
    prefix = f"{NAMESPACE}:"
    return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}


def _refuse_unknown(found: Mapping[str, Any], allowed: Sequence[str], source: str) -> None:
    problems = []
    for key in found:
        if key not in allowed:
            near = difflib.get_close_matches(key.lower(), allowed, n=1)
            looks_ours = key.startswith(f"{NAMESPACE}:")
            hint = "It belongs under config: " if looks_ours else f"Did you mean {near[0]}? " if near else ""
            problems.append(f"{source}: unknown key {key}. {hint}Allowed are: {', '.join(allowed)}.")
    if problems:
        raise SettingsError(problems)


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
