"""SageMaker's lineage: what was made of what, by whom, recorded by itself and asked for by clients."""

from terrace.sandbox.lineage.room import Lineage

__all__ = ["Lineage"]
