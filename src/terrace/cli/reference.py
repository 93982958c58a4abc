"""The reference documentation, written from the code that it describes."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from terrace.cli.group import COMMANDS, terrace
from terrace.maturity import (
    CAPABILITIES,
    LEVELS,
    ModelContract,
    ModelSettings,
    PlatformContract,
    PlatformSettings,
    Release,
)
from terrace.maturity.names import LIMITS
from terrace.scaffold import questions
from terrace.settings import editor_schema

OPEN, CLOSE = "<!-- levels: generated from terrace.maturity by `make docs` -->", "<!-- /levels -->"


def pages() -> dict[str, str]:
    """Return the generated pages: path below `docs/reference` → text."""
    return {
        "capabilities.md": _capabilities(),
        "settings.md": _settings(),
        "commands.md": _commands(),
        "contracts.md": _contracts(),
        "names.md": _names(),
        "questions.md": _questions(),
    }


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of settings, for editors, and of contracts, for other languages: file → schema."""
    contracts: dict[str, type[BaseModel]] = {
        "platform-contract": PlatformContract,
        "model-contract": ModelContract,
        "release": Release,
    }
    return {
        "platform-settings.schema.json": editor_schema(PlatformSettings),
        "model-settings.schema.json": editor_schema(ModelSettings),
        **{f"{name}.schema.json": model.model_json_schema(by_alias=True) for name, model in contracts.items()},
    }


def level_table() -> str:
    """Return the table of levels, as the README has it."""
    rows = ["| level | name | Google | AWS | in one sentence |", "|---|---|---|---|---|"]
    rows += [f"| {one.number} | {one.name} | {one.google} | {one.aws} | {one.summary} |" for one in LEVELS.values()]
    return "\n".join(rows)


def with_levels(readme: str) -> str:
    """Return the README with a current table of levels."""
    before, _, rest = readme.partition(OPEN)
    _, _, after = rest.partition(CLOSE)
    return f"{before}{OPEN}\n{level_table()}\n{CLOSE}{after}"


def write(root: Path) -> None:
    """Write every generated page of a checkout."""
    for name, text in pages().items():
        (root / "docs" / "reference" / name).write_text(text)
    for name, schema in schemas().items():
        (root / "docs" / "reference" / name).write_text(json.dumps(schema, indent=2) + "\n")
    readme = root / "README.md"
    readme.write_text(with_levels(readme.read_text()))


def _capabilities() -> str:
    lines = ["# Levels and capabilities", "", level_table(), ""]
    for scope, title in (
        ("platform", "Platform scope: one stack an environment"),
        ("model", "Model scope: one stack a model"),
    ):
        lines += ["", f"## {title}", ""]
        for one in (c for c in CAPABILITIES.values() if c.scope == scope):
            since = "on request" if one.since is None else f"from level {one.since}"
            lines += [
                f"### {one.id}",
                "",
                f"{one.title}, {since}{'' if one.built else ' (not built yet)'}.",
                f"It provisions {one.summary}.",
                "",
            ]
            facts = {
                "Principle": one.principle,
                "Requires": ", ".join(one.requires),
                "Options": "; ".join(f"`{o.key}`: {', '.join(o.choices)} ({o.summary})" for o in one.options),
                "Costs": ", ".join(one.cost_drivers),
                "Google": one.google,
                "AWS": one.aws,
                "Stores": "yes: going below its level keeps them" if one.holds_data else "",
            }
            lines += [f"- {name}: {value}" for name, value in facts.items() if value] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _settings() -> str:
    lines = [
        "# Settings",
        "",
        "Keys of a platform are in `stacks/Pulumi.<environment>.yaml`.",
        "Those of a model are in its project's `infra/Pulumi.<environment>.yaml`.",
        "The JSON Schemas beside this page tell the same to editors.",
        "",
    ]
    for title, model in (("Platform", PlatformSettings), ("Model", ModelSettings)):
        lines += [f"## {title}", "", "| key | value | default |", "|---|---|---|"]
        lines += [
            f"| `terrace:{key}` | {kind} | {default} |" for key, kind, default in _fields(model) if key != "environment"
        ]
        lines += [""]
    return "\n".join(lines).rstrip() + "\n"


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        inner = _model(field.annotation)
        default = "required" if field.is_required() else _default(field.default)
        if inner is None:
            yield key, _kind(field.annotation), default
            continue
        if get_origin(field.annotation) is dict:
            key += ".<name>"
        yield key, "object", default if field.is_required() else "none"
        yield from _fields(inner, f"{key}.")


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model(part))), None)


def _kind(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_kind(parts[0])}"
    if origin is dict:
        return f"object of {_kind(parts[1])}"
    if parts and all(isinstance(part, str) for part in parts):
        return " \\| ".join(f"`{part}`" for part in parts)
    if hasattr(annotation, "__metadata__"):
        return _kind(annotation.__origin__)
    return {"str": "text", "int": "whole number", "bool": "`true` \\| `false`", "float": "number"}.get(
        getattr(annotation, "__name__", ""), "text"
    )


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined or value == ():
        return "none"
    return f"`{json.dumps(value, default=str)}`"


def _commands() -> str:
    lines = [
        "# Commands",
        "",
        "Exit status: 0 done, 1 refused or failed, 2 a usage error.",
        "Progress goes to standard error, results to standard output.",
    ]
    context = click.Context(terrace, info_name="terrace", max_content_width=100, terminal_width=100)
    for name in COMMANDS:
        command = terrace.get_command(context, name)
        assert command is not None  # noqa: S101  (every name of the table has a command)
        lines += _command(command, f"terrace {name}", context)
    return "\n".join(lines) + "\n"


def _command(command: click.Command, name: str, parent: click.Context) -> list[str]:
    context = click.Context(
        command, info_name=name.removeprefix("terrace "), parent=parent, max_content_width=100, terminal_width=100
    )
    lines = ["", f"## {name}", "", "```text", command.get_help(context).rstrip(), "```"]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None  # noqa: S101  (listed by the group itself)
            lines += _command(found, f"{name} {inner}", context)
    return lines


def _contracts() -> str:
    lines = [
        "# Contracts",
        "",
        "Documents that one part of Terrace publishes for another, as SSM parameters.",
        "They change by addition only: a reader takes no notice of fields that it doesn't know.",
        "",
    ]
    for model, where in (
        (PlatformContract, "/terrace/<environment>/platform"),
        (ModelContract, "/terrace/<environment>/<model>/contract"),
        (Release, "/terrace/<environment>/<model>/release"),
    ):
        lines += [
            f"## {model.__name__}",
            "",
            f"At `{where}`. {(model.__doc__ or '').splitlines()[0]}",
            "",
            "| field | value |",
            "|---|---|",
        ]
        lines += [f"| `{key}` | {kind} |" for key, kind, _ in _fields(model)] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _names() -> str:
    lines = [
        "# Names and tags",
        "",
        "A name is organisation, environment, team, model and purpose, in this order and as far as they apply.",
        "What is too long is cut and given a hash of the whole.",
        "",
        "| what | at most | form |",
        "|---|---|---|",
    ]
    lines += [
        f"| {kind} | {limit.longest} | `{limit.pattern.replace('|', chr(92) + '|')}` |"
        for kind, limit in sorted(LIMITS.items())
    ]
    lines += [
        "",
        "Everything taggable has the tags owner, environment, cost-center, data-class, capability, level and terrace.",
        "What belongs to a model has the tags team and model too.",
    ]
    return "\n".join(lines) + "\n"


def _questions() -> str:
    lines = [
        "# Questions of the model template",
        "",
        "`terrace new PATH` asks them, `-d QUESTION=ANSWER` answers one beforehand, and `--defaults` asks none.",
        "With `--env` the platform answers what it knows: region, account, level, and who owns what.",
        "In a repository `copier update --data QUESTION=ANSWER` changes one; `TEMPLATE.md` says what that touches.",
        "",
        "| question | what it asks | answers | default | asked |",
        "|---|---|---|---|---|",
    ]
    for name, said in questions().items():
        condition = str(said.get("when", "")).strip("{} ")
        facts = (said["help"], _answers(said), _first(said["default"]), f"if `{condition}`" if condition else "always")
        lines.append(f"| `{name}` | {' | '.join(facts)} |")
    return "\n".join(lines) + "\n"


def _answers(question: dict[str, Any]) -> str:
    choices = question.get("choices")
    if isinstance(choices, dict):
        return "<br>".join(f"`{value}`: {label.removeprefix(f'{value}: ')}" for label, value in choices.items())
    if choices:
        return "<br>".join(f"`{value}`" for value in choices)
    return {"int": "whole number"}.get(question["type"], "text")


def _first(default: Any) -> str:
    if str(default).startswith("{{"):
        return "from the answers before"
    return f"`{default}`" if default != "" else "empty"


if __name__ == "__main__":
    write(Path.cwd())
