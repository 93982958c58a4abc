"""What a handler of one resource type is.

Property names are those of the wire (Pulumi's camelCase). Values are plain: secrets are already unwrapped, numbers
that are whole are `int`. In a preview a value may be `UNKNOWN`, at any depth.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

Props = Mapping[str, Any]
"""Inputs or outputs of a resource by wire name."""

Schema = Mapping[str, Any]
"""Which inputs a handler knows: name → `str`, `int`, `float`, `bool`, `dict` (free map of strings), a nested `Schema`,
or a one-item list of any of these. What is not in it is refused, never dropped."""


class _Unknown:
    """The value that is not known before the resource it comes from is made (previews only)."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> _Unknown:
        return self


UNKNOWN: Any = _Unknown()


class Clients(Protocol):
    """Makes boto3 clients for one account and region, by service name; the same client twice for the same name."""

    account: str
    region: str

    def __call__(self, service: str) -> Any: ...


@dataclass(frozen=True)
class Failure:
    """An input that is refused: which property, and why in a sentence."""

    property: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """What changed between two sets of inputs, by top-level property; which of them force a replacement."""

    changed: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    delete_before_replace: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed)


@dataclass(frozen=True)
class State:
    """A resource as AWS has it: its id and its outputs (inputs included, as the real provider echoes them)."""

    id: str
    outputs: Props = field(default_factory=dict)


class Handler(ABC):
    """One resource type over boto3. Subclasses are declarations: a type, its inputs, what replaces it, four calls."""

    type: ClassVar[str]
    inputs: ClassVar[Schema]
    required: ClassVar[frozenset[str]] = frozenset()
    replace: ClassVar[frozenset[str]] = frozenset()
    """Top-level inputs whose change makes the real provider replace the resource."""
    store: ClassVar[bool] = False
    """Holds data or history: an `up` never deletes it."""
    delete_before_replace: ClassVar[bool] = False
    """Two cannot exist at once, because the name would collide."""

    policies: ClassVar[frozenset[str]] = frozenset()
    """Inputs that are IAM policy text, compared by meaning: neither spelling nor order is a change."""
    documents: ClassVar[frozenset[str]] = frozenset()
    """Inputs that are other JSON text: white space and order of keys are no change, order of lists is."""
    sets: ClassVar[frozenset[str]] = frozenset()
    """Paths of lists whose order means nothing ("subnetIds", "vpcConfig.subnets")."""

    def secrets(self, inputs: Props) -> frozenset[str]:
        """Return the inputs that AWS itself keeps secret: they are never written down."""
        return frozenset()

    def check(self, inputs: Props) -> list[Failure]:
        """Return what is wrong with the inputs; the base class checks required, unknown and type by `inputs`.

        A name in `required` may be a path: "rules.status" asks it of each rule.
        """
        from terrace.sandbox.provider.schema import check_schema

        return check_schema(self.inputs, self.required, inputs)

    def diff(self, old: Props, new: Props) -> Diff:
        """Compare inputs of the last run with those of this one."""
        from terrace.sandbox.provider.documents import comparable

        before, after = comparable(self, old), comparable(self, new)
        changed = tuple(sorted(k for k in {*before, *after} if before.get(k) != after.get(k)))
        replace = tuple(k for k in changed if k in self.replace)
        return Diff(changed, replace, bool(replace) and self.delete_before_replace)

    @abstractmethod
    def create(self, aws: Clients, inputs: Props) -> State:
        """Make the resource and return once it can be used."""

    @abstractmethod
    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        """Return the resource as AWS has it now, None when it is gone."""

    @abstractmethod
    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        """Bring the resource from the old inputs to the new ones, none of which forces a replacement.

        After an interrupted `create` it is called with empty old inputs, and must then set all that can be set.
        """

    @abstractmethod
    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        """Remove the resource; already gone is no error."""

    def find(self, aws: Clients, inputs: Props) -> str | None:
        """Return the id of a resource that an interrupted `create` with these inputs may have left, None if none.

        Called only when the journal shows that a create of this resource began and did not report its end.
        """
        raise LookupError(f"{self.type} cannot be found by its inputs")

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        """Return all ids that `find` may mean, where inputs are not unique (two addresses with the same tags).

        The caller takes the first that belongs to no other resource.
        """
        found = self.find(aws, inputs)
        return [] if found is None else [found]

    def purge(self, aws: Clients, id: str, inputs: Props) -> None:  # noqa: B027  (most resources hold nothing)
        """Empty what a store holds, so that `delete` succeeds. Called only when a person asked to delete data."""


class Invoke(Protocol):
    """A data source: token → function of the clients and the arguments. Raises `InvokeError` for a refusal."""

    def __call__(self, aws: Clients, args: Props) -> Props: ...


class InvokeError(Exception):
    """An invoke was refused, as the real provider would refuse it."""


class Provider(Protocol):
    """What an engine drives, whichever engine it is."""

    def configure(self, inputs: Props) -> None:
        """Take the inputs of the provider resource: `region`, `allowedAccountIds`, `defaultTags` is refused."""

    def knows(self, type: str) -> bool: ...

    def is_store(self, type: str) -> bool: ...

    def inputs_of(self, type: str) -> frozenset[str]: ...

    def check(self, urn: str, type: str, inputs: Props) -> list[Failure]: ...

    def diff(
        self, urn: str, type: str, old: Props, new: Props, ignore: Iterable[str] = (), *, id: str | None = None
    ) -> Diff:
        """Compare, with `id` when the caller has it. To ask says that the caller's state has the resource."""

    def create(self, urn: str, type: str, inputs: Props, *, preview: bool = False) -> State: ...

    def read(self, urn: str, type: str, id: str, inputs: Props) -> State | None: ...

    def update(self, urn: str, type: str, id: str, old: Props, new: Props, *, preview: bool = False) -> State: ...

    def delete(self, urn: str, type: str, id: str, inputs: Props) -> None: ...

    def purge(self, urn: str, type: str, id: str, inputs: Props) -> None: ...

    def invoke(self, token: str, args: Props) -> Props: ...
