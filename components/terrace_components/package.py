"""The component package: its schema, and components built for programs in other languages."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError
from pydantic import BaseModel, ValidationError

from terrace import __version__
from terrace.errors import TerraceError
from terrace.maturity import ModelSettings, PlatformSettings
from terrace_components import COMPONENTS
from terrace_components.inputs import Checker, Problem, said, settings_problems, tidy

NAME = "terrace"
SETTINGS: dict[str, type[BaseModel]] = {"Platform": PlatformSettings, "ModelStack": ModelSettings}


class Package(ComponentProvider):
    """Serves the components over Pulumi's protocol for providers.

    Pulumi's own host does the work. What is added: every problem of the inputs is named at once and by its property,
    numbers and choices arrive in the components as Python programs give them, and the schema is written as the command
    line writes it.
    """

    def __init__(self) -> None:
        super().__init__(COMPONENTS, NAME, None, __version__)
        self.schema = canonical(json.loads(self.schema or ""))
        self._checker = Checker(self.get_type_definition)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Build a component.

        Raises:
            InputPropertiesError: It cannot be built from these inputs. Names each property that is to blame.
        """
        self.validate_resource_type(NAME, resource_type)
        kind = resource_type.rsplit(":", maxsplit=1)[-1]
        if kind not in self._component_defs:
            there = ", ".join(self._component_defs)
            # An empty list, since Pulumi's server fails over none at all.
            raise InputPropertiesError(f"{NAME} has no component {kind}; there are: {there}.", [])
        _refuse(kind, self._checker.object(inputs, self._component_defs[kind].inputs, kind))
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            _refuse(kind, _told(kind, error.inner))
            raise

    def map_input_properties(
        self,
        inputs: pulumi.Inputs,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> pulumi.Inputs:
        """Return inputs by their names in Python, as a program in Python gives them."""
        mapped: dict[str, Any] = dict(
            super().map_input_properties(inputs, properties, mapping, component_name, property_path)
        )
        for key, definition in properties.items():
            if mapping[key] in mapped:
                mapped[mapping[key]] = tidy(mapped[mapping[key]], definition)
        return mapped


def _refuse(kind: str, problems: Iterator[Problem]) -> None:
    found = list(problems)
    if not found:
        return
    about = [{"property_path": path, "reason": reason} for path, reason in found if path]
    rest = " ".join(reason for path, reason in found if not path)
    # The engine lists the properties below the message; one that cannot show them still has the sentences.
    raise InputPropertiesError(rest or f"{kind} cannot be built from these inputs:", about)  # type: ignore[arg-type]


def _told(kind: str, error: Exception) -> Iterator[Problem]:
    """Yield what a constructor refused, if it is something that a person can act on."""
    if isinstance(error, ValidationError) and kind in SETTINGS:
        yield from settings_problems(error, SETTINGS[kind])
    elif isinstance(error, TerraceError):
        yield said(str(error))


def canonical(schema: dict[str, Any]) -> str:
    """Return a schema as `pulumi package get-schema` writes it: its keys in that order, nothing empty, no asides."""
    whole = {key: schema[key] for key in ("name", "displayName", "version", "language")}
    whole |= {"config": {}}
    for section, keys in (("types", _TYPE), ("resources", _RESOURCE)):
        whole[section] = {token: _object(schema[section][token], keys) for token in sorted(schema[section])}
    text = json.dumps({**whole, "language": dict(sorted(whole["language"].items()))}, indent=2, ensure_ascii=False)
    # Go writes what HTML would read as its own by number.
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


_TYPE = ("description", "properties", "type", "required", "enum")
_RESOURCE = ("description", "properties", "type", "required", "inputProperties", "requiredInputs", "isComponent")
_PROPERTY = ("type", "additionalProperties", "items", "$ref", "plain", "description")


def _object(item: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    found = {key: item[key] for key in keys if item.get(key)}
    for key in ("properties", "inputProperties"):
        if key in found:
            found[key] = {name: _property(value) for name, value in sorted(found[key].items())}
    if "enum" in found:
        found["enum"] = [
            {key: one[key] for key in ("name", "description", "value") if key in one} for one in found["enum"]
        ]
    return found


def _property(item: dict[str, Any], *, inner: bool = False) -> dict[str, Any]:
    # What a list or a mapping holds has the words of the property itself; the command line drops the repetition.
    found = {key: item[key] for key in _PROPERTY if item.get(key) and not (inner and key == "description")}
    for key in ("items", "additionalProperties"):
        if key in found:
            found[key] = _property(found[key], inner=True)
    return found
