"""The handlers' inputs beside those of the real provider's own package."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from terrace.sandbox.provider.base import Handler
from terrace.sandbox.provider.registry import handlers

_HANDLERS = handlers()
_CLASS = re.compile(r"(\w+Args)'")


@pytest.mark.parametrize("type", sorted(_HANDLERS))
def test_every_input_is_one_of_the_real_provider(type: str) -> None:
    """No name is misspelt: the real provider's package has each, at the same place."""
    assert list(_strangers(_args(type), _HANDLERS[type].inputs, "")) == []


@pytest.mark.parametrize("type", sorted(_HANDLERS))
def test_what_the_real_provider_requires_is_required(type: str) -> None:
    """A program that the real provider would refuse is refused here too."""
    handler = _HANDLERS[type]
    wanted = set(_required(_args(type), handler.inputs, ""))
    assert wanted - set(handler.required) == set()


@pytest.mark.parametrize("type", sorted(_HANDLERS))
def test_what_a_handler_says_of_its_inputs_is_about_inputs(type: str) -> None:
    """Required, replacing, compared and unordered inputs are inputs of the handler."""
    handler = _HANDLERS[type]
    said = {*handler.required, *handler.replace, *handler.policies, *handler.documents, *handler.sets}
    assert {path for path in said if not _has(handler, path)} == set()


def _args(type: str) -> Any:
    _, middle, name = type.split(":")
    module = importlib.import_module(f"pulumi_aws.{middle.split('/')[0]}")
    # Where a part of another resource has the plain name already, the package calls the resource's own "Init".
    return getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")


def _wire(args: Any) -> dict[str, tuple[str, Any]]:
    """Return the properties of an arguments class: wire name → Python's name and the class of its value, if it has one.

    Python's name is what its constructor sets, without a condition when the property is required.
    """
    module = importlib.import_module(".".join(args.__module__.split(".")[:2]))
    result = {}
    for name, prop in inspect.getmembers(args, lambda member: isinstance(member, property)):
        inner = _CLASS.search(str(prop.fget.__annotations__["return"]))
        wire = getattr(prop.fget, "_pulumi_name", name)
        result[wire] = (name, getattr(module, inner.group(1), None) if inner else None)
    return result


def _inner(kind: Any) -> Any:
    return kind[0] if isinstance(kind, list) else kind


def _strangers(args: Any, schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    known = _wire(args)
    for name, kind in schema.items():
        if name not in known:
            yield prefix + name
        elif isinstance(_inner(kind), Mapping):
            yield from _strangers(known[name][1], _inner(kind), f"{prefix}{name}.")


def _required(args: Any, schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    source = inspect.getsource(args.__init__)
    for wire, (name, inner) in _wire(args).items():
        if f'"{name}", {name})' in source and f"if {name} is not None" not in source:
            yield prefix + wire
        kind = _inner(schema.get(wire))
        if isinstance(kind, Mapping):
            yield from _required(inner, kind, f"{prefix}{wire}.")


def _has(handler: Handler, path: str) -> bool:
    kind: Any = handler.inputs
    for name in path.split("."):
        kind = _inner(kind)
        if not isinstance(kind, Mapping) or name not in kind:
            return False
        kind = kind[name]
    return True
