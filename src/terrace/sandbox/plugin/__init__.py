"""The sandbox's provider as a plugin of Pulumi's engine: the handlers behind gRPC."""

from terrace.sandbox.plugin.room import Plugin

__all__ = ["Plugin"]
