"""Resource options: which ones this engine has, read from a registration; any other is refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import resource_pb2

from terrace.engine.embedded.aliases import Alias
from terrace.engine.model import ResourceError

# Field of the request → the option as Python programs spell it.
_REFUSED = {
    "remote": "remote components",
    "transforms": "transforms",
    "state_migrations": "state_migrations",
    "replace_with": "replace_with",
    "hideDiffs": "hide_diffs",
    "envVarMappings": "env_var_mappings",
    "pluginDownloadURL": "plugin_download_url",
    "pluginChecksums": "plugin checksums",
    "packageRef": "parameterized packages",
}
_HOOKS = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "on_error")


@dataclass(frozen=True)
class Options:
    """What a program may ask of a resource beside its inputs. Paths are names of the wire (`tags`, `rules[0].id`)."""

    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    additional_secret_outputs: tuple[str, ...] = ()
    import_id: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[Alias, ...] = ()


def read_options(urn: str, request: Any) -> Options:
    """Return the options of a `RegisterResourceRequest`.

    `version` and `customTimeouts` are taken and mean nothing here: there is one provider, which waits by itself.

    Raises:
        ResourceError: The program used an option that this engine does not have.
    """
    refused = [option for name, option in _REFUSED.items() if getattr(request, name)]
    refused += [f"hooks.{name}" for name in _HOOKS if getattr(request.hooks, name)]
    if request.HasField("replacement_trigger"):
        refused.append("replacement_trigger")
    if refused:
        raise ResourceError(
            urn,
            f"{request.type} {request.name!r} uses {', '.join(refused)}, which the embedded engine does not have.",
            "Remove the option, or run with Pulumi's engine: --engine pulumi.",
        )
    return Options(
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        deleted_with=request.deletedWith,
        additional_secret_outputs=tuple(dict.fromkeys(request.additionalSecretOutputs)),
        import_id=request.importId,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            name: tuple(sorted(found.urns)) for name, found in sorted(request.propertyDependencies.items())
        },
        aliases=tuple(_alias(alias) for alias in request.aliases),
    )


def _alias(alias: Any) -> Alias:
    if alias.WhichOneof("alias") == "urn":
        return Alias(urn=alias.urn)
    spec = alias.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
)
"""What the SDK is told that this engine has. Left out: what would be accepted and never run (transforms, hooks),
and references to resources, in whose place the SDK then sends ids."""
