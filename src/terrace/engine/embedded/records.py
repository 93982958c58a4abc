"""What the state holds of one resource."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from terrace.engine.embedded import urns
from terrace.engine.embedded.values import dump, load, mask, plain
from terrace.engine.model import StackResource


@dataclass(frozen=True)
class Record:
    """One resource of a stack.

    Attributes:
        inputs: As the program gave them, secrets marked.
        outputs: As the provider returned them, secrets marked.
        provider: URN of its provider instance.
        dependencies: URNs of what must exist before it.
        property_dependencies: The same by input.
        deleted_with: URN of a resource whose deletion takes this one along.
        kept: The program no longer names it, and it stays because it holds data or something that does needs it.
        replaced: Empty, or a mark that tells this record of a replaced resource, still to be deleted, from its heir.
    """

    urn: str
    type: str
    custom: bool = True
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain: bool = False
    deleted_with: str = ""
    kept: bool = False
    replaced: str = ""

    @property
    def key(self) -> str:
        """What it is called in the state: its URN, unless it was replaced."""
        return f"{self.urn}#{self.replaced}" if self.replaced else self.urn

    @property
    def name(self) -> str:
        """The logical name."""
        return urns.name_of(self.urn)

    @property
    def made_by_provider(self) -> bool:
        """Whether a provider made it: it is neither a component nor a provider instance."""
        return self.custom and not urns.is_provider(self.type)

    @property
    def plain_inputs(self) -> dict[str, Any]:
        """The inputs as a provider takes them."""
        return {name: plain(value) for name, value in self.inputs.items()}

    @property
    def needs(self) -> set[str]:
        """URNs of everything that must outlive it."""
        named = {*self.dependencies, self.parent, self.provider, self.deleted_with}
        return {urn for urn in named if urn and urn != self.urn}

    def renamed(self, old: str, new: str) -> Record:
        """Return the record with one URN in place of another wherever it refers to it."""

        def swap(urn: str) -> str:
            return new if urn == old else urn

        return replace(
            self,
            parent=swap(self.parent),
            provider=swap(self.provider),
            deleted_with=swap(self.deleted_with),
            dependencies=tuple(map(swap, self.dependencies)),
            property_dependencies={k: tuple(map(swap, v)) for k, v in self.property_dependencies.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as it is written; defaults are left out."""
        written = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {name: dump(value) for name, value in written.items() if value not in ("", (), {}, False)}
        return {**kept, "custom": self.custom}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Record:
        """Read a record that `to_json` wrote. Fields of a newer version raise `TypeError`."""
        values = {name: load(value) for name, value in written.items()}
        values["dependencies"] = tuple(values.get("dependencies", ()))
        by_property = values.get("property_dependencies", {})
        values["property_dependencies"] = {name: tuple(found) for name, found in by_property.items()}
        return cls(**values)

    def public(self) -> StackResource:
        """Return the record as it may be shown."""
        return StackResource(
            urn=self.urn,
            type=self.type,
            name=self.name,
            id=self.id,
            custom=self.custom,
            parent=self.parent,
            provider=self.provider,
            dependencies=self.dependencies,
            inputs=mask(self.inputs),
            outputs=mask(self.outputs),
            protect=self.protect,
            kept=self.kept,
        )
