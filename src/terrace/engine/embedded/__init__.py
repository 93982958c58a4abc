"""The engine that needs only Python: it runs the program in this process, with the sandbox provider behind it."""

from terrace.engine.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
