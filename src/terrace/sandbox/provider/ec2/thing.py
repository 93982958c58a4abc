"""What the parts of a network have in common: an id that AWS gives, tags from birth, one call that describes them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.shapes import Names, found, response
from terrace.sandbox.provider.tags import tag_changes, tag_list, tag_map


class Ec2Thing(Handler):
    """A part of a network. Subclasses say how AWS describes it, makes it, changes it and removes it."""

    kind: ClassVar[str]
    """AWS's word for the type, in the ARN and for the tags: `vpc`."""
    listing: ClassVar[tuple[str, str, str]]
    """The call that describes it, the argument that takes ids, the member that has the answer."""
    missing: ClassVar[tuple[str, ...]]
    """Error codes that say that it is gone."""
    gone: ClassVar[frozenset[str]] = frozenset({"deleted", "deleting", "failed"})
    """Values of `State` that say so too."""
    names: ClassVar[Names] = {}
    kept: ClassVar[frozenset[str]] = frozenset()
    """Inputs that AWS does not hear of before the deletion."""

    @abstractmethod
    def make(self, aws: Clients, inputs: Props) -> str:
        """Make it, with its tags, and return its id."""

    def change(self, aws: Clients, id: str, old: Props, new: Props) -> None:
        """Set what can change in place, tags excepted."""

    @abstractmethod
    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        """Remove it; that it is gone is no error."""

    @abstractmethod
    def alike(self, inputs: Props) -> dict[str, str]:
        """Return filters of the describing call that tell things made with these inputs from others."""

    def more(self, aws: Clients, seen: Props) -> Props:
        """Return inputs and outputs that the describing call does not show."""
        return {}

    def create(self, aws: Clients, inputs: Props) -> State:
        id = self.make(aws, inputs)
        self.change(aws, id, {}, inputs)
        return self.known(aws, id, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = self.describe(aws, id)
        return None if seen is None else State(id, self.outputs(aws, id, inputs, seen))

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        self.change(aws, id, old, new)
        retag(aws("ec2"), id, old, new)
        return self.known(aws, id, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        with absent_ok(*self.missing):
            self.remove(aws, id, inputs)

    def find(self, aws: Clients, inputs: Props) -> str | None:
        return next(iter(self.candidates(aws, inputs)), None)

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        operation, argument, answer = self.listing
        filters = [{"Name": name, "Values": [value]} for name, value in self.alike(inputs).items()]
        described = getattr(aws("ec2"), operation)(Filters=filters)[answer]
        wanted = inputs.get("tags") or {}
        id = argument.removesuffix("s")
        alive = [seen for seen in described if str(seen.get("State")) not in self.gone]
        return [seen[id] for seen in alive if tag_map(seen.get("Tags", [])) == wanted]

    def describe(self, aws: Clients, id: str) -> Props | None:
        """Return what AWS shows, None when it is gone."""
        operation, argument, answer = self.listing
        seen = found(getattr(aws("ec2"), operation), *self.missing, **{argument: [id]})
        described = seen[answer] if seen else []
        return described[0] if described and str(described[0].get("State")) not in self.gone else None

    def known(self, aws: Clients, id: str, inputs: Props) -> State:
        """Return the state of what was just made or changed."""
        return self.read(aws, id, inputs) or State(id, dict(inputs))

    def outputs(self, aws: Clients, id: str, inputs: Props, seen: Props) -> Props:
        """Return the outputs from what AWS shows."""
        tags = tag_map(seen.get("Tags", []))
        whole = {**seen, **self.more(aws, seen), "Tags": tags}
        kept = {name: inputs[name] for name in self.kept if name in inputs}
        computed = {"arn": arn(aws, self.kind, id), "tagsAll": tags}
        if "OwnerId" in seen:
            computed["ownerId"] = seen["OwnerId"]
        extra = {name: value for name, value in whole.items() if name[0].islower()}
        return {**extra, **response(self.inputs, inputs, whole, self.names), **kept, **computed}


def arn(aws: Clients, kind: str, id: str) -> str:
    """Return the ARN of a part of a network."""
    return f"arn:aws:ec2:{aws.region}:{aws.account}:{kind}/{id}"


def tagged(kind: str, inputs: Props) -> dict[str, Any]:
    """Return the argument that gives a thing its tags in the call that makes it."""
    tags = tag_list(inputs)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}


def retag(client: Any, id: str, old: Props, new: Props) -> None:
    """Bring the tags of a thing from the old inputs to the new ones."""
    put, gone = tag_changes(old, new)
    if gone:
        client.delete_tags(Resources=[id], Tags=[{"Key": key} for key in gone])
    if put:
        client.create_tags(Resources=[id], Tags=tag_list({"tags": put}))
