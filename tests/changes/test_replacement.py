"""What forces a replacement here is what forces one on AWS."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from terrace_components.child import STORES

from terrace.sandbox.provider.registry import handler, handlers

TABLE: dict[str, dict[str, Any]] = YAML(typ="safe").load(Path(__file__).with_name("replacements.yaml"))
SAYS_SO = re.compile(
    r"forces? (?:a |the creation of a )?new|forces? (?:a )?replac|will (?:force resource )?recreat", re.I
)

CONDITIONAL = [
    # The SDK: "If vpc_endpoint_type is anything other than Interface, changing this value forces a new resource."
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "privateDnsEnabled", False, True, {"vpcEndpointType": "Interface"}, False),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "privateDnsEnabled", False, True, {"vpcEndpointType": "Gateway"}, True),
    # The SDK: "Downgrading an Advanced tier parameter to Standard will recreate the resource."
    ("aws:ssm/parameter:Parameter", "tier", "Advanced", "Standard", {}, True),
    ("aws:ssm/parameter:Parameter", "tier", "Standard", "Advanced", {}, False),
    # resourceVPCCustomizeDiff: every change but the one from dedicated to default.
    ("aws:ec2/vpc:Vpc", "instanceTenancy", "dedicated", "default", {}, False),
    ("aws:ec2/vpc:Vpc", "instanceTenancy", "dedicated", None, {}, False),
    ("aws:ec2/vpc:Vpc", "instanceTenancy", "default", "dedicated", {}, True),
    ("aws:ec2/vpc:Vpc", "instanceTenancy", None, "dedicated", {}, True),
]
"""Type, input, its value before and after, other inputs, and whether the real provider replaces the resource."""


def _said(type: str) -> set[str]:
    """Return the inputs of which the installed SDK says that a change of them makes a new resource."""
    module, name = re.fullmatch(r"aws:([a-z0-9]+)/\w+:(\w+)", type).groups()  # type: ignore[union-attr]
    args = getattr(importlib.import_module(f"pulumi_aws.{module}"), f"{name}Args")
    properties = inspect.getmembers(args, lambda found: isinstance(found, property))
    said = {found for found, value in properties if SAYS_SO.search(inspect.getdoc(value) or "")}
    return {re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), found) for found in said}


def test_the_table_has_every_type() -> None:
    """A new type needs a row, with the source that it was compared with."""
    assert set(TABLE) == set(handlers())


@pytest.mark.parametrize("type", sorted(TABLE))
def test_a_type_is_replaced_for_what_the_table_says(type: str) -> None:
    """The inputs that force a replacement are those of the reviewed table; conditions are tested below."""
    found = handler(type)
    assert found is not None
    conditional = {input for of, input, *_ in CONDITIONAL if of == type}
    assert set(found.replace) - conditional == set(TABLE[type]["replace"])


@pytest.mark.parametrize("type", sorted(TABLE))
def test_a_type_is_replaced_for_what_the_sdk_says(type: str) -> None:
    """Where the texts of the installed SDK say that a change makes a new resource, it does so here."""
    found = handler(type)
    assert found is not None
    conditional = {input for of, input, *_ in CONDITIONAL if of == type}
    assert _said(type) & set(found.inputs) <= set(found.replace) | conditional


@pytest.mark.parametrize("type", [type for type, row in TABLE.items() if row.get("first") == "new"])
def test_what_has_no_name_is_replaced_without_a_gap(type: str) -> None:
    """The new one is made before the old one goes, as the real provider does."""
    found = handler(type)
    assert found is not None
    (input,) = TABLE[type]["replace"]
    diff = found.diff({input: "before"}, {input: "after"})
    assert (diff.replace, diff.delete_before_replace) == ((input,), False)


def test_the_sdk_says_something() -> None:
    """The texts are found at all: an SDK that words them in another way must not pass unread."""
    assert {type for type in TABLE if _said(type)} >= {"aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ssm/parameter:Parameter"}


@pytest.mark.parametrize(("type", "input", "before", "after", "others", "replaces"), CONDITIONAL)
def test_a_condition_is_kept(
    type: str, input: str, before: object, after: object, others: dict[str, object], replaces: bool
) -> None:
    """An input that forces a replacement in one direction, or beside another input, does so only there."""
    found = handler(type)
    assert found is not None
    old, new = ({**others, **({} if value is None else {input: value})} for value in (before, after))
    diff = found.diff(old, new)
    assert diff.changed == (input,)
    assert (input in diff.replace) == replaces
    assert diff.delete_before_replace == (replaces and found.delete_before_replace)


def test_what_is_protected_is_what_is_never_deleted() -> None:
    """The types that components protect are those that the sandbox's provider calls stores."""
    protected = {(store.__module__.split(".")[1], store.__name__) for store in STORES}
    stores = {type for type, found in handlers().items() if found.store}
    assert protected == {(type.split(":")[1].split("/")[0], type.rsplit(":", 1)[1]) for type in stores}
