"""SageMaker endpoints that serve: the model's own image answers, in a process of its own."""

from terrace.sandbox.endpoints.room import Endpoints

__all__ = ["Endpoints"]
