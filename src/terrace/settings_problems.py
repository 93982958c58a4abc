"""Problems of settings in words: file, key, value, what is allowed, and the nearest valid spelling."""

from __future__ import annotations

import difflib
import re
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

LONGEST = 60
"""Characters of a refused value that a message repeats."""


def explain(error: ValidationError, model: type[BaseModel], source: str, prefix: str = "terrace:") -> list[str]:
    """Return one sentence for each problem.

    Args:
        error: What pydantic found.
        model: The model that was to be filled.
        source: Where the settings are from: a path.
        prefix: What stands before top-level keys there.
    """
    return [f"{source}: {_sentence(details, model, prefix)}" for details in error.errors(include_url=False)]


def _sentence(details: ErrorDetails, model: type[BaseModel], prefix: str) -> str:
    path = [str(part) for part in details["loc"] if part != "[key]"]
    key = prefix + ".".join(path)
    if "secure" in path or _is_secret(details["input"]):
        where = prefix + ".".join(path[: path.index("secure")] if "secure" in path else path)
        return (
            f"{where} is a secret, and no setting of Terrace is one: tags, names and the contract show them. "
            "Write it in plain text, or keep it in AWS Secrets Manager."
        )
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return f"unknown key {key}. {_nearest(path, model)}"
        case "missing":
            return f"{key} is missing; it must be set."
        case "value_error" if not path:
            return f"{context['error']}."
        case "value_error":
            return f"{key}{_value(details)}: {context['error']}."
        case "literal_error":
            return f"{key}{_value(details)} must be one of {context['expected']}.{_nearest_choice(details)}"
        case "tuple_type":
            return f"{key}{_value(details)} must be a list, even of one: [{_shown(details['input'])}]."
        case "dict_type" | "model_type" | "model_attributes_type":
            allowed = ", ".join(sorted(_keys(path, model)))
            return f"{key}{_value(details)} must be a mapping of keys to values. Allowed are: {allowed}."
        case "string_pattern_mismatch":
            return f"{key}{_value(details)} must match {context['pattern']}."
        case _:
            said = details["msg"][0].lower() + details["msg"][1:]
            return f"{key}{_value(details)}: {said.replace('input ', '')}."


def _value(details: ErrorDetails) -> str:
    if isinstance(details["input"], dict | BaseModel) and details["type"] == "value_error":
        return ""
    return f" is {_shown(details['input'])}"


def _is_secret(value: Any) -> bool:
    """Tell whether a value is encrypted, as `pulumi config set --secret` writes it."""
    return isinstance(value, dict) and set(value) == {"secure"}


def _shown(value: Any) -> str:
    # Whoever puts a password into a URL must not find it in a log.
    shown = re.sub(r"//[^/@\s]+@", "//[secret]@", repr(value))
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


def _nearest_choice(details: ErrorDetails) -> str:
    choices = re.findall(r"'([^']+)'", details.get("ctx", {}).get("expected", ""))
    near = difflib.get_close_matches(str(details["input"]).lower(), [choice.lower() for choice in choices], n=1)
    return "".join(f" Did you mean {choice}?" for choice in choices if [choice.lower()] == near)


def _nearest(path: list[str], model: type[BaseModel]) -> str:
    allowed = sorted(_keys(path[:-1], model))
    near = difflib.get_close_matches(path[-1], allowed, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    whole, dot, inner = path[-1].partition(".")
    if dot and whole in allowed:
        hint = f"Did you mean {whole}: {{{inner}: …}}? "
    return f"{hint}Allowed are: {', '.join(allowed)}."


def _keys(path: list[str], model: type[BaseModel]) -> list[str]:
    """Return the keys that are allowed at a path, as files spell them."""
    here: Any = model
    for part in path:
        fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
        found = _model(fields[part]) if part in fields else None
        # Below a mapping such as `teams`, and within a list, a part is a name and not a field.
        here = found or here
    return [field.alias or name for name, field in here.model_fields.items() if (field.alias or name) != "environment"]


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)
