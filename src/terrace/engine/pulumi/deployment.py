"""A stack's state as Pulumi exports it: read it, and edit what no command of Pulumi's can.

The form is version 3 of Pulumi's deployments (`pulumi stack export`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pulumi.automation import Deployment

from terrace.engine.model import StackResource
from terrace.engine.pulumi.values import masked

VERSION = 3
Resources = list[dict[str, Any]]


def resources_of(deployment: Deployment) -> Resources:
    """Return the resources of a deployment, in the order they were made; none of a stack that never ran."""
    found: Resources = (deployment.deployment or {}).get("resources") or []
    return found


def made(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Yield the resources that a provider made: no components, providers, or those that are only read."""
    for resource in resources_of(deployment):
        if resource["custom"] and not resource["type"].startswith("pulumi:") and not resource.get("external"):
            yield resource


def public(deployment: Deployment) -> list[StackResource]:
    """Return a deployment's resources as they may be shown, by URN."""
    shown = [
        StackResource(
            urn=resource["urn"],
            type=resource["type"],
            name=resource["urn"].split("::", 3)[-1],
            id=resource.get("id", ""),
            custom=resource["custom"],
            parent=resource.get("parent", ""),
            provider=resource.get("provider", "").rpartition("::")[0],
            dependencies=tuple(resource.get("dependencies") or ()),
            inputs=masked(resource.get("inputs") or {}),
            outputs=masked(resource.get("outputs") or {}),
            protect=bool(resource.get("protect")),
            kept=False,
        )
        for resource in resources_of(deployment)
        if not resource.get("delete")
    ]
    return sorted(shown, key=lambda resource: resource.urn)


def release(deployment: Deployment, urns: Collection[str]) -> Deployment:
    """Return a deployment in which nothing keeps the named resources from being deleted."""
    edited = [
        {**resource, "protect": False, "retainOnDelete": False} if resource["urn"] in urns else resource
        for resource in resources_of(deployment)
    ]
    return _with(deployment, edited)


def with_resources(deployment: Deployment, resources: Resources) -> Deployment:
    """Return a deployment with these resources in the place of its own, each after what it needs."""
    return _with(deployment, resources)


def emptied(deployment: Deployment) -> Deployment:
    """Return a deployment without resources."""
    return _with(deployment, [])


def needs(deployment: Deployment, urns: Iterable[str]) -> set[str]:
    """Return the named resources and all that they need, however far away: parents, providers, dependencies."""
    by_urn = {resource["urn"]: resource for resource in resources_of(deployment)}
    found: set[str] = set()
    waiting = [urn for urn in urns if urn in by_urn]
    while waiting:
        urn = waiting.pop()
        if urn not in found:
            found.add(urn)
            waiting += [need for need in _needed(by_urn[urn]) if need in by_urn]
    return found


def _needed(resource: Mapping[str, Any]) -> set[str]:
    provider = resource.get("provider", "").rpartition("::")[0]
    named = {
        *(resource.get("dependencies") or ()),
        resource.get("parent", ""),
        provider,
        resource.get("deletedWith", ""),
    }
    return {urn for urn in named if urn}


def _with(deployment: Deployment, resources: Resources) -> Deployment:
    inner = {key: value for key, value in (deployment.deployment or {}).items() if key != "pending_operations"}
    return Deployment(version=deployment.version or VERSION, deployment={**inner, "resources": resources})
