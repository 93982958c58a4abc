"""Processes that run as they would in a container on AWS, without a container engine."""

from terrace.sandbox.containers.capabilities import Capabilities, capabilities
from terrace.sandbox.containers.container import PORT, SYSTEM_PATH, Command, Container, explain
from terrace.sandbox.containers.logs import Log, Sink, cloudwatch
from terrace.sandbox.containers.roles import role_environment
from terrace.sandbox.containers.room import Containers

__all__ = [
    "PORT",
    "SYSTEM_PATH",
    "Capabilities",
    "Command",
    "Container",
    "Containers",
    "Log",
    "Sink",
    "capabilities",
    "cloudwatch",
    "explain",
    "role_environment",
]
