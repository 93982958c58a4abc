"""What the program asks of one resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from terrace.engine.embedded import urns
from terrace.engine.embedded.options import Options
from terrace.engine.embedded.records import Record


@dataclass(frozen=True)
class Goal:
    """One registration of the program.

    Attributes:
        inputs: As the program gave them, secrets marked; in a preview some may be unknown.
        provider: URN of its provider instance.
        aliases: Its former URNs, inherited ones too.
    """

    urn: str
    type: str
    custom: bool
    inputs: dict[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    parent: str = ""
    provider: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The logical name."""
        return urns.name_of(self.urn)

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.type} {self.name!r}"

    def record(self, id: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> Record:
        """Return the record of the resource once it is as asked."""
        return Record(
            urn=self.urn,
            type=self.type,
            custom=self.custom,
            id=id,
            inputs=inputs,
            outputs=outputs,
            parent=self.parent,
            provider=self.provider,
            dependencies=self.options.dependencies,
            property_dependencies=dict(self.options.property_dependencies),
            protect=self.options.protect,
            retain=self.options.retain_on_delete,
            deleted_with=self.options.deleted_with,
        )
