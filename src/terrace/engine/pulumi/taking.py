"""Take a resource that exists into a stack's state, so that the next `up` brings it to what the program says of it.

`pulumi import` wants to be told type, parent and provider; a preview of the program knows them.
"""

from __future__ import annotations

import difflib
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import events

from terrace.engine.model import ResourceChange
from terrace.engine.pulumi import deployment
from terrace.engine.pulumi.events import STACK, Collector
from terrace.engine.pulumi.session import Session
from terrace.errors import EngineError

PLACEHOLDER = "<PLACEHOLDER>"
"""What stands for the id of each resource that is still to be made."""


def take(session: Session, name: str, id: str, collector: Collector) -> None:
    """Take one resource into the state, with the components that it is part of.

    Args:
        session: A stack that exists.
        name: The resource's logical name, or its URN.
        id: What AWS knows it by, in the form that the provider's documentation gives for imports.
        collector: Told of the steps.

    Raises:
        EngineError: The program names no such resource, or the stack has it already, or AWS does not.
    """
    stack = session.stack
    assert stack is not None  # noqa: S101  (the caller makes it)
    declared: dict[str, events.StepEventStateMetadata] = {}

    def note(event: events.EngineEvent) -> None:
        step = event.resource_pre_event.metadata if event.resource_pre_event else None
        if step is not None and step.new is not None:
            declared[step.urn] = step.new

    with tempfile.TemporaryDirectory(prefix="terrace-") as folder:
        file = str(Path(folder) / "import.json")
        with session.told():
            stack.preview(import_file=file, on_event=note, color="never")
        planned = json.loads(Path(file).read_text(encoding="utf-8"))
    found = _find(planned["resources"], name)
    _declare_providers(session, planned["nameTable"], declared)
    chain = _chain(planned["resources"], found)
    wanted: list[Any] = [*chain, {**found, "id": id}]
    session.run(
        lambda stack: stack.import_resources(
            resources=wanted, name_table=planned["nameTable"], protect=False, generate_code=False
        ),
        collector,
    )
    urn = next(urn for urn, new in declared.items() if new.type == found["type"] and urn.endswith(f"::{found['name']}"))
    collector.result.unchanged.append(ResourceChange(urn, found["type"], found["name"]))


def _find(planned: list[dict[str, Any]], name: str) -> dict[str, Any]:
    wanted = name.split("::", 3)[-1]
    open_ = [resource for resource in planned if resource.get("id") == PLACEHOLDER]
    found = [resource for resource in open_ if resource["name"] == wanted]
    if "::" in name:
        kind = name.split("::")[2].rpartition("$")[2]
        found = [resource for resource in found if resource["type"] == kind]
    if len(found) == 1:
        return found[0]
    if found:
        kinds = ", ".join(sorted(resource["type"] for resource in found))
        raise EngineError(f"Several resources are called {wanted}: {kinds}.", "Name the URN instead.")
    near = difflib.get_close_matches(wanted, [resource["name"] for resource in open_], n=3)
    raise EngineError(
        f"The program has no resource {wanted!r} that is still to be made.",
        f"Near it: {', '.join(near)}." if near else "`terrace preview ENV` lists those that are.",
    )


def _chain(planned: list[dict[str, Any]], resource: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the components around a resource that the state lacks, outermost first."""
    components = {found["name"]: found for found in planned if found.get("component")}
    chain: list[dict[str, Any]] = []
    parent = resource.get("parent")
    while parent in components:
        chain.insert(0, components[parent])
        parent = components[parent].get("parent")
    return chain


def _declare_providers(session: Session, named: dict[str, str], declared: dict[str, Any]) -> None:
    """Put the providers that a stack does not have yet into its state: `pulumi import` uses them, and makes none."""
    state = session.export()
    there = deployment.resources_of(state)
    known = {resource["urn"] for resource in there}
    missing = [urn for urn in named.values() if "pulumi:providers:" in urn and urn not in known]
    if not missing:
        return
    roots = [urn for urn, new in declared.items() if new.type == STACK and urn not in known]
    added: list[dict[str, Any]] = [{"urn": urn, "custom": False, "type": STACK} for urn in roots]
    for urn in missing:
        new = declared[urn]
        added.append(
            {
                "urn": urn,
                "custom": True,
                "id": str(uuid.uuid4()),
                "type": new.type,
                "inputs": dict(new.inputs),
                "outputs": dict(new.inputs),
                "parent": new.parent,
            }
        )
    edited: automation.Deployment = deployment.with_resources(state, [*there, *added])
    assert session.stack is not None  # noqa: S101  (the caller makes it)
    with session.told():
        session.stack.import_stack(edited)
