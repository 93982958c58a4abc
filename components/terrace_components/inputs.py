"""Inputs as they come from another language, compared with what a component takes. Pure but for reading annotations.

Pulumi maps names and finds what is missing. It takes what it does not know, and text for numbers, and tells of the
first problem only: here everything is told at once, each by its property.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, NamedTuple

import pulumi
from pulumi.output import Unknown
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType, TypeDefinition
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from terrace.maturity import ModelSettings, PlatformSettings, model_settings, settings
from terrace.settings_problems import explain

RULES: dict[str, tuple[type[BaseModel], ...]] = {
    "Alarms": (model_settings.Objective, model_settings.Batch),
    "BatchScoring": (model_settings.Batch, ModelSettings),
    "BatchServing": (model_settings.Batch,),
    "Budget": (settings.Budget,),
    "ContinuousTraining": (model_settings.Training,),
    "GithubProject": (model_settings.ModelGitHub,),
    "GitlabProject": (model_settings.ModelGitLab,),
    "Network": (settings.Network,),
    "Placement": (PlatformSettings, ModelSettings),
    "ReleaseCi": (settings.CI,),
    "Serving": (ModelSettings,),
    "TeamBudget": (settings.Budget,),
    "Tracking": (settings.Tracking,),
    "TrainingPipeline": (model_settings.Training,),
    "Workbench": (settings.Workbench,),
}
"""Component or type → the settings whose keys of the same name say what its arguments may be.

`Platform` and `ModelStack` are not here: they are given whole settings, and read them as such."""

LONGEST = 60
"""Characters of a refused value that a message repeats."""


class Problem(NamedTuple):
    """One input that a component cannot be built from."""

    path: str
    """The property, as Pulumi writes it: `teams.ml.budget`, `emails[0]`; empty if it is about no single one."""
    reason: str
    """What is wrong and what is allowed, in one sentence that names the property."""


class Checker:
    """Finds what is wrong with inputs.

    Args:
        type_of: Returns the definition that a property refers to, None for what is not of this package.
    """

    def __init__(self, type_of: Callable[[PropertyDefinition], TypeDefinition | None]) -> None:
        self._type_of = type_of

    def object(
        self, given: Mapping[str, Any], taken: Mapping[str, PropertyDefinition], kind: str, path: str = ""
    ) -> Iterator[Problem]:
        """Yield the problems of an object.

        Args:
            given: What came, by the names of the schema.
            taken: What there may be.
            kind: Name of the component or type.
            path: Where the object is within the inputs.
        """
        for key in given:
            if key not in taken:
                here = _join(path, key)
                near = difflib.get_close_matches(key, taken, n=1)
                hint = f"Did you mean {near[0]}? " if near else ""
                yield Problem(here, f"{here} is unknown. {hint}{kind} takes: {', '.join(sorted(taken))}.")
        for key, definition in taken.items():
            here, value = _join(path, key), given.get(key)
            if value is not None:
                found = list(self._value(value, definition, here))
                yield from found
                if not found and not definition.ref:
                    yield from _refused(value, kind, key, here)
            elif not definition.optional:
                yield Problem(here, f"{here} is missing; it must be set.")

    def _value(self, value: Any, definition: PropertyDefinition, path: str) -> Iterator[Problem]:
        if isinstance(value, pulumi.Output | Unknown):
            if definition.plain:
                yield Problem(
                    path,
                    f"{path} decides what is built, so it must be a plain value: neither a secret nor what is known "
                    "only once another resource is there.",
                )
        elif definition.ref:
            yield from self._reference(value, definition, path)
        elif definition.items:
            if not isinstance(value, list | tuple):
                yield Problem(path, f"{path} is {_shown(value)}, but must be a list.")
                return
            for number, item in enumerate(value):
                yield from self._value(item, definition.items, f"{path}[{number}]")
        elif definition.additional_properties:
            if not isinstance(value, dict):
                yield Problem(path, f"{path} is {_shown(value)}, but must be a mapping of names to values.")
                return
            for name, item in value.items():
                yield from self._value(item, definition.additional_properties, _join(path, name))
        elif definition.type and not _fits(value, definition.type):
            yield Problem(path, f"{path} is {_shown(value)}, but must be {_SAID[definition.type]}.")

    def _reference(self, value: Any, definition: PropertyDefinition, path: str) -> Iterator[Problem]:
        found = self._type_of(definition)
        if found is None:
            return
        if found.enum:
            allowed = [member.value for member in found.enum]
            if isinstance(value, bool) or value not in allowed:
                said = ", ".join(map(str, allowed))
                near = difflib.get_close_matches(str(value).lower(), map(str, allowed), n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                yield Problem(path, f"{path} is {_shown(value)}, but must be one of {said}.{hint}")
        elif isinstance(value, dict):
            yield from self.object(value, found.properties, found.name, path)
        else:
            keys = ", ".join(sorted(found.properties))
            yield Problem(path, f"{path} is {_shown(value)}, but must be an object of: {keys}.")


def settings_problems(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return what the reader of settings found, by property."""
    found = []
    for details, told in zip(error.errors(include_url=False), explain(error, model, "", "terrace:"), strict=True):
        path = ""
        for part in details["loc"]:
            path = f"{path}[{part}]" if isinstance(part, int) else _join(path, _camel(str(part)))
        named = "terrace:" + ".".join(map(str, details["loc"]))
        found.append(said(told.removeprefix(": ").replace(named, path, 1) if path else told.removeprefix(": "), path))
    return found


def said(told: str, path: str = "") -> Problem:
    """Return a sentence about keys of a settings file as a problem of inputs; without a path, of the key it names."""
    named = re.search(r"terrace:([A-Za-z]+(?:\.[A-Za-z0-9-]+)*)", told)
    return Problem(path or (named[1] if named else ""), told.replace("terrace:", ""))


def tidy(value: Any, definition: PropertyDefinition) -> Any:
    """Return a value as components written in Python give it: chosen ones as plain values, whole numbers as `int`."""
    if isinstance(value, Enum):
        return value.value
    if definition.type is PropertyType.INTEGER and isinstance(value, float):
        return int(value)
    if definition.items and isinstance(value, list | tuple):
        return [tidy(item, definition.items) for item in value]
    if definition.additional_properties and isinstance(value, dict):
        return {name: tidy(item, definition.additional_properties) for name, item in value.items()}
    return value


def _refused(value: Any, kind: str, key: str, path: str) -> Iterator[Problem]:
    """Yield what the settings' key of the same name would refuse."""
    rule = _rule(kind, key)
    if rule is None or isinstance(value, pulumi.Output | Unknown):
        return
    try:
        rule.validate_python(value)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            told = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
            yield Problem(path, f"{path} is {_shown(value)}: {told[0].lower()}{told[1:]}.")


@cache
def _rule(kind: str, key: str) -> TypeAdapter[Any] | None:
    for model in RULES.get(kind, ()):
        for name, field in model.model_fields.items():
            if key in (name, field.alias):
                annotation: Any = field.annotation
                whole: Any = Annotated[annotation, *field.metadata] if field.metadata else annotation
                return TypeAdapter(whole)
    return None


def _fits(value: Any, kind: PropertyType) -> bool:
    match kind:
        case PropertyType.STRING:
            return isinstance(value, str)
        case PropertyType.BOOLEAN:
            return isinstance(value, bool)
        case PropertyType.INTEGER:
            return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        case PropertyType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True


def _camel(name: str) -> str:
    """Return a key as the schema has it. Names that people gave, such as a team's, have no underscores."""
    return to_camel(name) if "_" in name else name


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    shown = repr(value)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


_SAID = {
    PropertyType.STRING: "text (digits in quotes)",
    PropertyType.BOOLEAN: "true or false",
    PropertyType.INTEGER: "a whole number",
    PropertyType.NUMBER: "a number",
    PropertyType.OBJECT: "an object",
    PropertyType.ARRAY: "a list",
}
