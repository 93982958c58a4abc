"""SageMaker's Search: filters and an order over what the other rooms keep."""

from terrace.sandbox.search.room import Search

__all__ = ["Search"]
