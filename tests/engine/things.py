"""Resources of the small cloud, as programs in the tests declare them."""

from __future__ import annotations

from typing import Any

import pulumi


class Thing(pulumi.CustomResource):
    """Something that can be made again."""

    type = "aws:fake/thing:Thing"
    arn: pulumi.Output[str]
    count: pulumi.Output[int]

    def __init__(self, name: str, props: dict[str, Any] | None = None, opts: Any = None) -> None:
        super().__init__(self.type, name, {"arn": None, "count": None, **(props or {})}, opts)


class Store(Thing):
    """Something that holds data."""

    type = "aws:fake/store:Store"


class Solo(Thing):
    """Something of which two cannot exist at once."""

    type = "aws:fake/solo:Solo"


class Aws(pulumi.ProviderResource):
    """The provider instance."""

    def __init__(self, name: str = "aws", props: dict[str, Any] | None = None, opts: Any = None) -> None:
        super().__init__("aws", name, props or {"region": "eu-west-1", "allowedAccountIds": ["123456789012"]}, opts)


class Group(pulumi.ComponentResource):
    """A component."""

    def __init__(self, name: str, opts: Any = None, type: str = "my:index:Group") -> None:
        super().__init__(type, name, None, opts)


def get_thing(opts: Any = None, **args: Any) -> Any:
    """Call the data source, and wait for the answer."""
    return pulumi.runtime.invoke("aws:fake/getThing:getThing", args, opts).value
