"""Data sources: what they have in common."""

from __future__ import annotations

from collections.abc import Callable

from terrace.sandbox.provider.base import Clients, Invoke, InvokeError, Props, Schema
from terrace.sandbox.provider.schema import check_schema


def invoke(schema: Schema, *required: str) -> Callable[[Callable[[Clients, Props], Props]], Invoke]:
    """Make a data source of a function: its arguments are checked against the schema, as a handler's inputs are."""

    def decorate(function: Callable[[Clients, Props], Props]) -> Invoke:
        def checked(aws: Clients, args: Props) -> Props:
            failures = check_schema(schema, frozenset(required), args)
            if failures:
                raise InvokeError("; ".join(f"{failure.property} {failure.reason}" for failure in failures))
            return function(aws, args)

        return checked

    return decorate
