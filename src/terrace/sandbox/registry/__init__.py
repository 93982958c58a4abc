"""The model registry: versions of models, their approval, and what EventBridge hears of them."""

from terrace.sandbox.registry.room import Registry

__all__ = ["Registry"]
